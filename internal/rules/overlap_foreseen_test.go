// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestForeseeOverlaps(t *testing.T) {
	exposing := func(network *v1alpha1.Network, prefixes ...string) *v1alpha1.Network {
		for i := range network.Spec.Peerings {
			for j, prefix := range prefixes {
				network.Spec.Peerings[i].Prefixes = append(network.Spec.Peerings[i].Prefixes,
					v1alpha1.PeeringPrefix{Name: fmt.Sprint(j), Prefix: prefix})
			}
		}
		return network
	}
	hub := available("team-a", "hub", ref{Namespace: "team-b", Name: "b"}, ref{Namespace: "team-c", Name: "c"})
	toHub := ref{Namespace: "team-a", Name: "hub"}
	b := exposing(available("team-b", "b", toHub), "10.1.0.0/24")
	c := exposing(available("team-c", "c", toHub), "10.1.0.0/16")
	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		others  []*v1alpha1.Network
		members map[string][]*v1alpha1.NetworkInterface
		want    []string
	}{
		"of two peers that expose the same, the later is named": {
			network: hub, others: []*v1alpha1.Network{b, c},
			want: []string{"spec.peerings[1]: Network team-c/c exposes 10.1.0.0/16, and Network team-b/b, which was bound before, " +
				"exposes 10.1.0.0/24: no traffic flows until one of the two gives way."},
		},
		"what a peer exposes over the Network's own addresses": {
			network: hub, others: []*v1alpha1.Network{b},
			members: map[string][]*v1alpha1.NetworkInterface{"hub": {member(v1alpha1.NetworkInterfaceStateAvailable, "10.1.0.7")}},
			want: []string{"spec.peerings[0]: Network team-b/b exposes 10.1.0.0/24, where this Network has 10.1.0.7/32 itself: no " +
				"traffic flows until one of the two gives way."},
		},
		"the owner of the other side learns nothing of the third": {
			network: c, others: []*v1alpha1.Network{hub, b},
			want: []string{"spec.peerings[0]: This Network exposes 10.1.0.0/16, which Network team-a/hub uses for something else " +
				"already: no traffic flows until one of the two gives way."},
		},
		"a peering without prefixes exposes what the NetworkInterfaces have": {
			network: available("team-c", "c", toHub), others: []*v1alpha1.Network{hub, b},
			members: map[string][]*v1alpha1.NetworkInterface{"c": {member(v1alpha1.NetworkInterfaceStateAvailable, "10.1.0.9")}},
			want: []string{"spec.peerings[0]: This Network exposes 10.1.0.9/32, which Network team-a/hub uses for something else " +
				"already: no traffic flows until one of the two gives way."},
		},
		"of a Network that does not name this one nothing is told": {
			network: hub, others: []*v1alpha1.Network{b, exposing(available("team-c", "c"), "10.1.0.0/16")},
		},
		"nor is it to one that is not named back": {
			network: c, others: []*v1alpha1.Network{available("team-a", "hub", ref{Namespace: "team-b", Name: "b"}), b},
		},
		"without an overlap there is nothing to say": {
			network: hub, others: []*v1alpha1.Network{b, exposing(available("team-c", "c", toHub), "10.2.0.0/16")},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			lookup := func(name types.NamespacedName) *v1alpha1.Network {
				for _, other := range tc.others {
					if NameOf(other) == name {
						return other
					}
				}
				return nil
			}
			members := func(network *v1alpha1.Network) []*v1alpha1.NetworkInterface { return tc.members[network.Name] }
			if diff := cmp.Diff(tc.want, ForeseeOverlaps(tc.network, lookup, members)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// peered returns a full mesh of Networks, or a star around the first of them, and what their NetworkInterfaces have in force: as many
// single addresses in each.
func peered(networks, addresses int, isMesh bool) (*v1alpha1.Network, Lookup, InterfacesOf) {
	all := make(map[types.NamespacedName]*v1alpha1.Network)
	held := make(map[types.NamespacedName][]*v1alpha1.NetworkInterface)
	ref := func(i int) ref { return ref{Namespace: "team-a", Name: fmt.Sprintf("n%d", i)} }
	for i := range networks {
		var targets []v1alpha1.NetworkPeeringNetworkRef
		for j := range networks {
			if j != i && (isMesh || i == 0 || j == 0) {
				targets = append(targets, ref(j))
			}
		}
		network := available("team-a", ref(i).Name, targets...)
		all[NameOf(network)] = network
		for j := range addresses {
			address := fmt.Sprintf("2001:db8:%x::%x", i, j)
			held[NameOf(network)] = append(held[NameOf(network)], member(v1alpha1.NetworkInterfaceStateAvailable, address))
		}
	}
	lookup := func(name types.NamespacedName) *v1alpha1.Network { return all[name] }
	members := func(network *v1alpha1.Network) []*v1alpha1.NetworkInterface { return held[NameOf(network)] }
	return all[types.NamespacedName{Namespace: "team-a", Name: "n0"}], lookup, members
}

func TestForeseeingOverlapsIsGivenUpWhereItWouldTakeLong(t *testing.T) {
	overlap := "spec.peerings[0]: Network team-a/n1 exposes 2001:db8::/64, where this Network has 2001:db8::/128 itself: no traffic " +
		"flows until one of the two gives way."
	for sentence, tc := range map[string]struct {
		networks, addresses int
		isMesh              bool
		want                []string
	}{
		"a star of 1,000 Networks is looked at":          {networks: 1000, addresses: 6, want: []string{overlap}},
		"a mesh of 16 Networks is looked at":             {networks: 16, addresses: 32, isMesh: true, want: []string{overlap}},
		"a mesh of 100 Networks is too large":            {networks: 100, addresses: 1, isMesh: true, want: []string{overlap, tooMuch}},
		"in a mesh of 44 Networks there may be too much": {networks: 44, addresses: 1024, isMesh: true, want: []string{tooMuch}},
		"in a single peer there may be too much":         {networks: 2, addresses: 100_000, want: []string{tooMuch}},
	} {
		t.Run(sentence, func(t *testing.T) {
			network, lookup, members := peered(tc.networks, tc.addresses, tc.isMesh)
			first := lookup(types.NamespacedName{Namespace: "team-a", Name: "n1"})
			first.Spec.Peerings[0].Prefixes = []v1alpha1.PeeringPrefix{{Name: "p", Prefix: "2001:db8::/64"}}
			if diff := cmp.Diff(tc.want, ForeseeOverlaps(network, lookup, members)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// BenchmarkForesee looks for overlaps in a hub, and in a mesh that is just too large.
func BenchmarkForesee(b *testing.B) {
	for _, size := range []struct {
		networks, addresses int
		isMesh              bool
	}{{51, 8, false}, {501, 10, false}, {44, 1024, true}} {
		b.Run(fmt.Sprintf("%d Networks with %d addresses, mesh %v", size.networks, size.addresses, size.isMesh), func(b *testing.B) {
			network, lookup, members := peered(size.networks, size.addresses, size.isMesh)
			for b.Loop() {
				ForeseeOverlaps(network, lookup, members)
			}
		})
	}
}

func TestForeseeInterfaceOverlaps(t *testing.T) {
	hub := available("team-a", "hub", ref{Namespace: "team-b", Name: "b"})
	b := available("team-b", "b", ref{Namespace: "team-a", Name: "hub"})
	b.Spec.Peerings[0].Prefixes = []v1alpha1.PeeringPrefix{{Name: "p", Prefix: "10.1.0.0/24"}}
	lookup := func(name types.NamespacedName) *v1alpha1.Network {
		return map[string]*v1alpha1.Network{"hub": hub, "b": b}[name.Name]
	}
	nic := func(name, ip string) *v1alpha1.NetworkInterface {
		nic := &v1alpha1.NetworkInterface{Spec: v1alpha1.NetworkInterfaceSpec{IPs: []v1alpha1.IPSource{{Value: ip}}}}
		nic.Name = name
		return nic
	}
	there := asIfRealized(nic("there", "10.1.0.1"))
	for sentence, tc := range map[string]struct {
		nic     *v1alpha1.NetworkInterface
		members []*v1alpha1.NetworkInterface
		want    []string
	}{
		"an address that a peer exposes": {
			nic: nic("new", "10.1.0.7"),
			want: []string{"Network hub, spec.peerings[0]: Network team-b/b exposes 10.1.0.0/24, where this Network has 10.1.0.7/32 " +
				"itself: no traffic flows until one of the two gives way."},
		},
		"an address that nobody exposes":              {nic: nic("new", "10.2.0.7")},
		"what is so already is not said again":        {nic: nic("new", "10.2.0.7"), members: []*v1alpha1.NetworkInterface{there}},
		"an address that gives way to one beside it":  {nic: nic("there", "10.2.0.7"), members: []*v1alpha1.NetworkInterface{there}},
		"an address that somebody else is to provide": {nic: nic("new", "")},
	} {
		t.Run(sentence, func(t *testing.T) {
			members := func(network *v1alpha1.Network) []*v1alpha1.NetworkInterface {
				if network == hub {
					return tc.members
				}
				return nil
			}
			if diff := cmp.Diff(tc.want, ForeseeInterfaceOverlaps(tc.nic, hub, lookup, members)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
