// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// maxForeseen is how many overlaps one write is warned of.
const maxForeseen = 10

// ForeseeOverlaps returns a sentence for each peering of a Network that will carry no traffic, as far as can be told: of peers
// that name the Network, since others let its owner know nothing, and of ranges that are in force or written in their peerings.
func ForeseeOverlaps(network *v1alpha1.Network, lookup Lookup, members InterfacesOf) []string {
	own := NameOf(network)
	with := func(name types.NamespacedName) *v1alpha1.Network {
		if name == own {
			return network // As it is to be.
		}
		return lookup(name)
	}
	peers := mutualPeers(network, with)
	if len(peers) == 0 {
		return nil
	}
	here := DecideOverlaps(InForce(members(network)), Exposures(network, peers, members))
	var foreseen []string
	for i := range network.Spec.Peerings {
		name := network.Spec.Peerings[i].Name
		peer := peers[name]
		if peer == nil {
			continue
		}
		words := ""
		if overlap, ok := here[name]; ok {
			words = overlap.MessageForOwner(NameOf(peer))
		} else if overlap, ok := OverlapAtPeer(network, peer, mutualPeers(peer, with), members); ok {
			words = overlap.MessageForPeer(NameOf(peer))
		}
		if words == "" {
			continue
		}
		if len(foreseen) == maxForeseen {
			return append(foreseen, "spec.peerings: more of them overlap.")
		}
		foreseen = append(foreseen, fmt.Sprintf("spec.peerings[%d]: %s", i, words))
	}
	return foreseen
}

// ForeseeInterfaceOverlaps returns a sentence for each peering of a Network that a NetworkInterface would keep from carrying
// traffic, once it has the addresses in force that it asks for.
func ForeseeInterfaceOverlaps(
	nic *v1alpha1.NetworkInterface, network *v1alpha1.Network, lookup Lookup, members InterfacesOf,
) []string {
	with := func(of *v1alpha1.Network) []*v1alpha1.NetworkInterface {
		found := members(of)
		if NameOf(of) != NameOf(network) {
			return found
		}
		found = slices.DeleteFunc(slices.Clone(found), func(other *v1alpha1.NetworkInterface) bool { return other.Name == nic.Name })
		return append(found, asIfRealized(nic))
	}
	known := ForeseeOverlaps(network, lookup, members)
	var foreseen []string
	for _, words := range ForeseeOverlaps(network, lookup, with) {
		if !slices.Contains(known, words) {
			foreseen = append(foreseen, fmt.Sprintf("Network %s, %s", network.Name, words))
		}
	}
	return foreseen
}

// asIfRealized returns a NetworkInterface that has what it asks for.
func asIfRealized(nic *v1alpha1.NetworkInterface) *v1alpha1.NetworkInterface {
	asked := &v1alpha1.NetworkInterface{ObjectMeta: nic.ObjectMeta}
	asked.Status.State = v1alpha1.NetworkInterfaceStateAvailable
	for _, source := range nic.Spec.IPs {
		asked.Status.IPs = append(asked.Status.IPs, source.Value)
	}
	for _, source := range nic.Spec.Prefixes {
		asked.Status.Prefixes = append(asked.Status.Prefixes, source.Value)
	}
	return asked
}

// OverlapAtPeer returns what keeps a peer from using what a Network exposes to it, given the peers of the peer.
func OverlapAtPeer(network, peer *v1alpha1.Network, peers map[string]*v1alpha1.Network, members InterfacesOf) (Overlap, bool) {
	name := ""
	for peering, other := range peers {
		if NameOf(other) == NameOf(network) {
			name = peering
		}
	}
	overlap, ok := DecideOverlaps(InForce(members(peer)), Exposures(peer, peers, members))[name]
	return overlap, ok
}

// mutualPeers returns the Networks that a Network and they themselves want for peers, by the peering's name.
func mutualPeers(network *v1alpha1.Network, lookup Lookup) map[string]*v1alpha1.Network {
	peers := make(map[string]*v1alpha1.Network)
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		peer := lookup(PeeringTarget(network.Namespace, peering.NetworkRef.Namespace, peering.NetworkRef.Name))
		if peer == nil || peer.DeletionTimestamp != nil || !Names(network, peer) || !Names(peer, network) ||
			Declines(network, NameOf(peer)) || Declines(peer, NameOf(network)) {
			continue
		}
		peers[peering.Name] = peer
	}
	return peers
}
