// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"testing"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func asksFor(address string) func(*v1alpha1.NetworkInterface) {
	return func(nic *v1alpha1.NetworkInterface) { nic.Spec.IPs = []v1alpha1.IPSource{{Value: address}} }
}

func TestPrecedence(t *testing.T) {
	type nic = v1alpha1.NetworkInterface
	for sentence, tc := range map[string]struct {
		atStart, came []*nic
		// before are those that take their addresses first; then nic does.
		before []*nic
		nic    *nic
		want   string
	}{
		"one that is alone with its address has it": {came: []*nic{at(0, "nic")}, nic: at(0, "nic")},
		"an earlier one has it":                     {came: []*nic{at(0, "rival"), at(1, "nic")}, nic: at(1, "nic"), want: "rival"},
		"it has it before a later one":              {came: []*nic{at(1, "rival"), at(0, "nic")}, nic: at(0, "nic")},
		"within a second, one that came before has it": {
			came: []*nic{at(0, "rival"), at(0, "nic")}, nic: at(0, "nic"), want: "rival",
		},
		"within a second, it has it before one that came later": {came: []*nic{at(0, "nic"), at(0, "a-rival")}, nic: at(0, "nic")},
		"within a second, one that was there at the start has it": {
			atStart: []*nic{at(0, "rival")}, came: []*nic{at(0, "nic")}, nic: at(0, "nic"), want: "rival",
		},
		"within a second, the name decides between two that were there at the start": {
			atStart: []*nic{at(0, "nic"), at(0, "a-rival")}, nic: at(0, "nic"), want: "a-rival",
		},
		"a later one that has it in force keeps it": {
			came: []*nic{at(0, "nic"), at(1, "rival", available)}, nic: at(0, "nic"), want: "rival",
		},
		"one that asks for another by now keeps it while it is in force": {
			came: []*nic{at(1, "nic"), at(0, "rival", available, asksFor("10.0.0.2"))}, nic: at(1, "nic"), want: "rival",
		},
		"it keeps what it has in force": {came: []*nic{at(0, "rival"), at(1, "nic")}, nic: at(1, "nic", available)},
		"the earlier of two that have it in force keeps it": {
			came: []*nic{at(0, "rival", available), at(1, "nic")}, nic: at(1, "nic", available), want: "rival",
		},
		"of several others the one that has it is named": {
			came: []*nic{at(0, "first"), at(1, "rival", available), at(2, "second"), at(3, "nic")}, nic: at(3, "nic"), want: "rival",
		},
		"a later one that was given it keeps it, before the cache tells": {
			came:   []*nic{at(0, "nic"), at(1, "rival")},
			before: []*nic{at(1, "rival")}, nic: at(0, "nic"), want: "rival",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			p := newPrecedence()
			var all []*nic
			for _, seen := range tc.atStart {
				p.seen(seen, true)
				all = append(all, seen)
			}
			for _, seen := range tc.came {
				p.seen(seen, false)
				all = append(all, seen)
			}
			for _, first := range tc.before {
				p.take(first, func(string) []*nic { return []*nic{first} })
			}
			address, rival := p.take(tc.nic, func(string) []*nic { return all })
			switch {
			case tc.want == "" && rival != nil:
				t.Errorf("%s has %s, want none", rival.Name, address)
			case tc.want != "" && (rival == nil || rival.Name != tc.want || address != "10.0.0.1"):
				t.Errorf("%v has %q, want %s to have 10.0.0.1", rival, address, tc.want)
			}
		})
	}
}

func TestWhatWasGivenIsFreeAgain(t *testing.T) {
	later, earlier := at(1, "later"), at(0, "earlier")
	both := func(string) []*v1alpha1.NetworkInterface { return []*v1alpha1.NetworkInterface{later, earlier} }
	for sentence, free := range map[string]func(*precedence){
		"once it is given back":               func(p *precedence) { p.giveBack(later) },
		"once another is asked for":           func(p *precedence) { p.seen(at(1, "later", asksFor("10.0.0.2")), false) },
		"once the one that had it is no more": func(p *precedence) { p.went(later.UID) },
	} {
		t.Run(sentence, func(t *testing.T) {
			p := newPrecedence()
			p.seen(later, false)
			p.take(later, func(string) []*v1alpha1.NetworkInterface { return []*v1alpha1.NetworkInterface{later} })
			p.seen(earlier, false)
			if _, rival := p.take(earlier, both); rival != later {
				t.Fatalf("%v has it, want the later one", rival)
			}
			free(p)
			if _, rival := p.take(earlier, both); rival != nil {
				t.Errorf("%s still has it", rival.Name)
			}
		})
	}
}
