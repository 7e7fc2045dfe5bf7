// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func asking(name, ip string, ranges ...string) *v1alpha1.NetworkInterface {
	nic := &v1alpha1.NetworkInterface{}
	nic.Name, nic.UID = name, types.UID("uid-"+name)
	nic.Spec.IPs = []v1alpha1.IPSource{{Value: ip}}
	for _, text := range ranges {
		nic.Spec.Prefixes = append(nic.Spec.Prefixes, v1alpha1.PrefixSource{Value: text})
	}
	return nic
}

func TestDecideClash(t *testing.T) {
	inForce := func(nic *v1alpha1.NetworkInterface, ranges ...string) *v1alpha1.NetworkInterface {
		nic.Status.Prefixes = ranges
		return nic
	}
	for sentence, tc := range map[string]struct {
		nic    *v1alpha1.NetworkInterface
		others []*v1alpha1.NetworkInterface // those with a name from m on come later
		want   string
	}{
		"ranges beside each other don't overlap": {
			nic: asking("m", "10.0.0.1", "10.1.0.0/24"), others: []*v1alpha1.NetworkInterface{asking("a", "10.0.0.2", "10.1.1.0/24")},
		},
		"an equal range overlaps": {
			nic: asking("m", "10.0.0.1", "10.1.0.0/24"), others: []*v1alpha1.NetworkInterface{asking("a", "10.0.0.2", "10.1.0.0/24")},
			want: "10.1.0.0/24 over 10.1.0.0/24 of a",
		},
		"a range within one overlaps": {
			nic: asking("m", "10.0.0.1", "10.1.7.0/24"), others: []*v1alpha1.NetworkInterface{asking("a", "10.0.0.2", "10.1.0.0/16")},
			want: "10.1.7.0/24 over 10.1.0.0/16 of a",
		},
		"a range around one overlaps": {
			nic: asking("m", "10.0.0.1", "10.0.0.0/8"), others: []*v1alpha1.NetworkInterface{asking("a", "172.16.0.2", "10.1.0.0/16")},
			want: "10.0.0.0/8 over 10.1.0.0/16 of a",
		},
		"a range over an address overlaps": {
			nic: asking("m", "172.16.0.1", "10.0.0.0/24"), others: []*v1alpha1.NetworkInterface{asking("a", "10.0.0.7")},
			want: "10.0.0.0/24 over 10.0.0.7/32 of a",
		},
		"an address under a range overlaps": {
			nic: asking("m", "10.0.0.7"), others: []*v1alpha1.NetworkInterface{asking("a", "172.16.0.1", "10.0.0.0/24")},
			want: "10.0.0.7/32 over 10.0.0.0/24 of a",
		},
		"a range of IPv6 overlaps": {
			nic: asking("m", "2001:db8::1", "2001:db8:1::/48"), others: []*v1alpha1.NetworkInterface{asking("a", "2001:db8:1::1")},
			want: "2001:db8:1::/48 over 2001:db8:1::1/128 of a",
		},
		"families don't overlap": {
			nic: asking("m", "10.0.0.1", "0.0.0.0/0"), others: []*v1alpha1.NetworkInterface{asking("a", "2001:db8::1", "::/0")},
		},
		"equal addresses are for another rule": {
			nic: asking("m", "10.0.0.1"), others: []*v1alpha1.NetworkInterface{asking("a", "10.0.0.1")},
		},
		"its own address may be in its own range": {
			nic: asking("m", "10.0.0.1", "10.0.0.0/24"), others: []*v1alpha1.NetworkInterface{asking("m", "10.0.0.1", "10.0.0.0/24")},
		},
		"a later one is told itself": {
			nic: asking("m", "10.0.0.1", "10.1.0.0/24"), others: []*v1alpha1.NetworkInterface{asking("z", "10.0.0.2", "10.1.0.0/24")},
		},
		"what is in force counts, asked for or not": {
			nic: asking("m", "10.1.0.1"), others: []*v1alpha1.NetworkInterface{inForce(asking("a", "10.0.0.2"), "10.1.0.0/24")},
			want: "10.1.0.1/32 over 10.1.0.0/24 of a",
		},
		"of several the first range is told, whatever their order": {
			nic:    asking("m", "10.0.0.1", "10.1.0.0/24", "10.0.8.0/24"),
			others: []*v1alpha1.NetworkInterface{asking("b", "10.1.0.1"), asking("c", "10.0.8.9"), asking("a", "10.0.8.9")},
			want:   "10.0.8.0/24 over 10.0.8.9/32 of a",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := ""
			clash, ok := DecideClash(ClashesOf(tc.nic, tc.others), func(other *v1alpha1.NetworkInterface) bool { return other.Name < "m" })
			if ok {
				got = fmt.Sprintf("%s over %s of %s", clash.Range, clash.Other, clash.With.Name)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
