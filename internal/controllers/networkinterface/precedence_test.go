// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
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
		"a later one that has it keeps it while its Network is not available": {
			came: []*nic{at(0, "nic"), at(1, "rival", available, func(n *nic) { n.Status.State = "Pending" })}, nic: at(0, "nic"),
			want: "rival",
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
				p.takeAddresses(first, func(string) []*nic { return []*nic{first} })
			}
			address, rival := p.takeAddresses(tc.nic, func(string) []*nic { return all })
			switch {
			case tc.want == "" && rival != nil:
				t.Errorf("%s has %s, want none", rival.Name, address)
			case tc.want != "" && (rival == nil || rival.Name != tc.want || address != "10.0.0.1"):
				t.Errorf("%v has %q, want %s to have 10.0.0.1", rival, address, tc.want)
			}
		})
	}
}

func TestOnlyTheNextInLineIsToldOfAnAddress(t *testing.T) {
	p := newPrecedence()
	var all []*v1alpha1.NetworkInterface
	for second, name := range []string{"holder", "next", "last"} {
		nic := at(second, name)
		p.seen(nic, false)
		all = append(all, nic)
	}
	if next := p.next("uid-of-holder", "10.0.0.1", func(string) []*v1alpha1.NetworkInterface { return all }); next != all[1] {
		t.Errorf("%v is told, want the one that is next", next)
	}
}

func TestWhatWasGivenIsFreeAgain(t *testing.T) {
	later, earlier := at(1, "later"), at(0, "earlier")
	both := func(string) []*v1alpha1.NetworkInterface { return []*v1alpha1.NetworkInterface{later, earlier} }
	for sentence, free := range map[string]func(*precedence){
		"once it is given back":               func(p *precedence) { p.giveBackAddresses(later) },
		"once another is asked for":           func(p *precedence) { p.seen(at(1, "later", asksFor("10.0.0.2")), false) },
		"once the one that had it is no more": func(p *precedence) { p.forget(later.UID) },
	} {
		t.Run(sentence, func(t *testing.T) {
			p := newPrecedence()
			p.seen(later, false)
			p.takeAddresses(later, func(string) []*v1alpha1.NetworkInterface { return []*v1alpha1.NetworkInterface{later} })
			p.seen(earlier, false)
			if _, rival := p.takeAddresses(earlier, both); rival != later {
				t.Fatalf("%v has it, want the later one", rival)
			}
			free(p)
			if _, rival := p.takeAddresses(earlier, both); rival != nil {
				t.Errorf("%s still has it", rival.Name)
			}
		})
	}
}

func TestClash(t *testing.T) {
	type nic = v1alpha1.NetworkInterface
	routed := func(second int, name string, changes ...func(*nic)) *nic {
		nic := at(second, name, changes...)
		nic.Spec.IPs, nic.Status.IPs = nil, nil
		nic.Spec.Prefixes = []v1alpha1.PrefixSource{{Value: "10.1.0.0/24"}}
		return nic
	}
	told := func(n *nic) {
		n.Status.Conditions = []metav1.Condition{{Type: v1alpha1.NetworkInterfacePrefixesOverlap, Status: metav1.ConditionTrue}}
	}
	for sentence, tc := range map[string]struct {
		rival, nic *nic
		// before tells that the rival was looked at before nic came.
		before bool
		want   bool
	}{
		"the later is told":  {rival: routed(0, "rival"), nic: routed(1, "nic"), want: true},
		"the earlier is not": {rival: routed(1, "rival"), nic: routed(0, "nic")},
		"within a second, the one that came later is told": {rival: routed(0, "rival"), nic: routed(0, "nic"), want: true},
		"one that asks for what another has is told, though it was created first": {
			rival: routed(1, "rival", available), nic: routed(0, "nic"), want: true,
		},
		"one that asks for what another was found to have is told, though it was created first": {
			rival: routed(1, "rival"), nic: routed(0, "nic"), before: true, want: true,
		},
		"the earlier is not told of one that was told, though that is in force": {
			rival: routed(1, "rival", available, told), nic: routed(0, "nic"),
		},
		"who was told stays told":                            {rival: routed(1, "rival", available), nic: routed(0, "nic", available, told), want: true},
		"of two that were told, the earlier is not any more": {rival: routed(1, "rival", told), nic: routed(0, "nic", told)},
	} {
		t.Run(sentence, func(t *testing.T) {
			p := newPrecedence()
			p.seen(tc.rival, false)
			if tc.before {
				p.clash(tc.rival, nil)
			}
			p.seen(tc.nic, false)
			if clash, ok := p.clash(tc.nic, rules.ClashesOf(tc.nic, []*nic{tc.nic, tc.rival})); ok != tc.want || ok && clash.With != tc.rival {
				t.Errorf("told %v of %v, want %v", ok, clash, tc.want)
			}
		})
	}
	t.Run("what was found is forgotten with a change of the ranges", func(t *testing.T) {
		p, rival, later := newPrecedence(), routed(1, "rival"), routed(0, "nic")
		p.seen(rival, false)
		p.clash(rival, nil)
		changed := routed(1, "rival")
		changed.Spec.Prefixes[0].Value = "10.1.0.0/16"
		p.seen(changed, false)
		p.seen(later, false)
		if clash, ok := p.clash(later, rules.ClashesOf(later, []*nic{changed})); ok {
			t.Errorf("told of %v", clash)
		}
	})
}

func TestTellOverlap(t *testing.T) {
	nic := at(0, "nic")
	told := withOverlapCondition(nic, nil, "10.1.0.0/24 overlaps.")
	if told == nil || !hasOverlapCondition(told) || hasOverlapCondition(nic) {
		t.Fatalf("not told: %v", told)
	}
	if again := withOverlapCondition(told, nil, "10.1.0.0/24 overlaps."); again != nil {
		t.Errorf("told twice of the same: %v", again)
	}
	if update := told.DeepCopy(); withOverlapCondition(told, update, "10.1.0.0/24 overlaps.") != update {
		t.Error("an update is lost")
	}
	if mended := withOverlapCondition(told, nil, ""); mended == nil || hasOverlapCondition(mended) {
		t.Errorf("still told: %v", mended)
	}
}
