// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

func TestSituationBarsPeersWhoseRangesOverlap(t *testing.T) {
	nic := func(ip string) []*v1alpha1.NetworkInterface {
		return []*v1alpha1.NetworkInterface{{Status: v1alpha1.NetworkInterfaceStatus{
			State: v1alpha1.NetworkInterfaceStateAvailable, IPs: []string{ip},
		}}}
	}
	peer := func(name string) *v1alpha1.Network {
		return &v1alpha1.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: name},
			Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{
				{Name: "p", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-a", Name: "a"}},
			}},
		}
	}
	bound := func(name string, second int64) v1alpha1.NetworkPeeringStatus {
		return v1alpha1.NetworkPeeringStatus{Name: name, Phase: v1alpha1.NetworkPeeringPhaseBound,
			LastPhaseTransitionTime: &metav1.Time{Time: time.Unix(second, 0)}}
	}
	network := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"},
		Status: v1alpha1.NetworkStatus{Peerings: []v1alpha1.NetworkPeeringStatus{
			bound("later", 2), bound("earlier", 1), bound("own", 1), bound("beside", 3),
		}},
	}
	members := map[string][]*v1alpha1.NetworkInterface{
		"a": nic("10.0.0.1"), "earlier": nic("10.0.0.2"), "later": nic("10.0.0.2"), "own": nic("10.0.0.1"), "beside": nic("10.0.0.3"),
	}
	peers := map[string]*v1alpha1.Network{
		"later": peer("later"), "earlier": peer("earlier"), "own": peer("own"), "beside": peer("beside"),
	}
	for _, item := range network.Status.Peerings {
		network.Spec.Peerings = append(network.Spec.Peerings, v1alpha1.NetworkPeering{
			Name: item.Name, NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: item.Name},
		})
	}
	membersOf := func(network *v1alpha1.Network) []*v1alpha1.NetworkInterface { return members[network.Name] }
	peersOf := func(network *v1alpha1.Network) map[string]*v1alpha1.Network {
		if network.Name == "a" {
			return peers
		}
		return map[string]*v1alpha1.Network{"p": network}
	}
	got, errors := situation(network, peersOf, membersOf)
	exposed := make(map[string][]netip.Prefix)
	for name, peer := range got.Peers {
		if _, overlaps := errors[name]; overlaps != peer.Overlaps {
			t.Errorf("%s overlaps: %v", name, peer.Overlaps)
		}
		exposed[name] = peer.Exposes
	}
	if diff := cmp.Diff(map[string][]netip.Prefix{
		"earlier": {netip.MustParsePrefix("10.0.0.2/32")}, "beside": {netip.MustParsePrefix("10.0.0.3/32")}, "later": nil, "own": nil,
	}, exposed, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]provider.PeeringRealization{
		"later": {State: v1alpha1.NetworkPeeringStateError, Reason: "RangesOverlap",
			Message: "Network team-b/later exposes 10.0.0.2/32, and Network team-b/earlier, which was bound before, exposes " +
				"10.0.0.2/32: no traffic flows until one of the two gives way."},
		"own": {State: v1alpha1.NetworkPeeringStateError, Reason: "RangesOverlap",
			Message: "Network team-b/own exposes 10.0.0.1/32, where this Network has 10.0.0.1/32 itself: no traffic flows until " +
				"one of the two gives way."},
	}, errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestTheOtherSideOfAnOverlapSaysSoToo(t *testing.T) {
	named := func(name, ip string, peers ...string) (*v1alpha1.Network, []*v1alpha1.NetworkInterface) {
		network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, UID: types.UID(name)}}
		for i, peer := range peers {
			ref := v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-a", Name: peer, UID: types.UID(peer)}
			network.Spec.Peerings = append(network.Spec.Peerings, v1alpha1.NetworkPeering{Name: "to-" + peer, NetworkRef: ref})
			network.Status.Peerings = append(network.Status.Peerings, v1alpha1.NetworkPeeringStatus{
				Name: "to-" + peer, NetworkRef: &ref, Phase: v1alpha1.NetworkPeeringPhaseBound,
				LastPhaseTransitionTime: &metav1.Time{Time: time.Unix(int64(i), 0)},
			})
		}
		return network, []*v1alpha1.NetworkInterface{{Status: v1alpha1.NetworkInterfaceStatus{
			State: v1alpha1.NetworkInterfaceStateAvailable, IPs: []string{ip},
		}}}
	}
	networks, members := map[string]*v1alpha1.Network{}, map[string][]*v1alpha1.NetworkInterface{}
	networks["hub"], members["hub"] = named("hub", "10.0.0.1", "first", "second")
	networks["first"], members["first"] = named("first", "10.1.0.1", "hub")
	networks["second"], members["second"] = named("second", "10.1.0.1", "hub")
	peersOf := func(network *v1alpha1.Network) map[string]*v1alpha1.Network {
		peers := map[string]*v1alpha1.Network{}
		for _, peering := range network.Spec.Peerings {
			peers[peering.Name] = networks[peering.NetworkRef.Name]
		}
		return peers
	}
	membersOf := func(network *v1alpha1.Network) []*v1alpha1.NetworkInterface { return members[network.Name] }

	if _, errors := situation(networks["second"], peersOf, membersOf); len(errors) > 0 {
		t.Errorf("before its peer says so, nothing is known: %v", errors)
	}
	networks["hub"].Status.Peerings[1].State = v1alpha1.NetworkPeeringStateError
	got, errors := situation(networks["second"], peersOf, membersOf)
	if diff := cmp.Diff(map[string]provider.PeeringRealization{
		"to-hub": {State: v1alpha1.NetworkPeeringStateError, Reason: "RangesOverlap",
			Message: "This Network exposes 10.1.0.1/32, which Network team-a/hub uses for something else already: no traffic " +
				"flows until one of the two gives way."},
	}, errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if got.Peers["to-hub"].Overlaps {
		t.Error("the peer overlaps, though its ranges overlap nothing")
	}
	if _, errors := situation(networks["first"], peersOf, membersOf); len(errors) > 0 {
		t.Errorf("the earlier peer is in error: %v", errors)
	}
	// An error of another kind is not explained by overlaps.
	networks["hub"].Status.Peerings[0].State = v1alpha1.NetworkPeeringStateError
	if _, errors := situation(networks["first"], peersOf, membersOf); len(errors) > 0 {
		t.Errorf("an error of another kind reads as an overlap: %v", errors)
	}
}

func TestWhatOverlapsKeepsWhatItsPrefixesStandFor(t *testing.T) {
	prefixes := []v1alpha1.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}}
	realization := provider.Realization{Peerings: map[string]provider.PeeringRealization{
		"p": {State: v1alpha1.NetworkPeeringStateReady, Prefixes: prefixes}, "q": {State: v1alpha1.NetworkPeeringStateReady},
	}}
	markOverlapping(&realization, map[string]provider.PeeringRealization{"p": {State: v1alpha1.NetworkPeeringStateError, Reason: "RangesOverlap"}})
	if diff := cmp.Diff(map[string]provider.PeeringRealization{
		"p": {State: v1alpha1.NetworkPeeringStateError, Reason: "RangesOverlap", Prefixes: prefixes},
		"q": {State: v1alpha1.NetworkPeeringStateReady},
	}, realization.Peerings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
