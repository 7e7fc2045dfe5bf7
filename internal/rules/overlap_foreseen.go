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

// The most that is looked at for the warnings of one write: it stays cheap, whoever peers with whom.
const (
	maxForeseenPeerings = 2000
	maxForeseenRanges   = 20000
)

// tooMuch is said in place of what nobody looked for.
const tooMuch = "spec.peerings: the Networks have too many peerings and addresses to look for all overlaps."

// foresight looks for the overlaps of one write, until it has looked at too much.
type foresight struct {
	lookup  Lookup
	members InterfacesOf
	// peerings and ranges are how many more may be looked at. Below zero nothing is looked at any more.
	peerings, ranges int
}

// ForeseeOverlaps returns a sentence for each peering of a Network that will carry no traffic, as far as can be told: of peers
// that name the Network, since others let its owner know nothing, and of ranges that are in force or written in their peerings.
func ForeseeOverlaps(network *v1alpha1.Network, lookup Lookup, members InterfacesOf) []string {
	own := NameOf(network)
	f := &foresight{members: members, peerings: maxForeseenPeerings, ranges: maxForeseenRanges}
	f.lookup = func(name types.NamespacedName) *v1alpha1.Network {
		if name == own {
			return network // As it is to be.
		}
		return lookup(name)
	}
	peers, here := f.overlapsOf(network)
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
		} else if overlap, ok := f.overlapAt(peer, own); ok {
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
	if f.gaveUp() {
		foreseen = append(foreseen, tooMuch)
	}
	return foreseen
}

// overlapsOf returns the peers of a Network, and which of its peerings it can't use, both by the peering's name.
func (f *foresight) overlapsOf(network *v1alpha1.Network) (map[string]*v1alpha1.Network, map[string]Overlap) {
	if f.peerings -= len(network.Spec.Peerings); f.gaveUp() {
		return nil, nil
	}
	peers := mutualPeers(network, f.lookup)
	if f.count(network, peers); f.gaveUp() {
		return peers, nil
	}
	return peers, DecideOverlaps(InForce(f.members(network)), Exposures(network, peers, f.members))
}

// overlapAt returns what keeps a peer of a Network from using what that exposes to it.
func (f *foresight) overlapAt(peer *v1alpha1.Network, network types.NamespacedName) (Overlap, bool) {
	if f.gaveUp() {
		return Overlap{}, false
	}
	peers, overlaps := f.overlapsOf(peer)
	overlap, ok := overlaps[peeringWith(network, peers)]
	return overlap, ok
}

// count counts the ranges of a Network and of what its peers expose to it.
func (f *foresight) count(network *v1alpha1.Network, peers map[string]*v1alpha1.Network) {
	if len(peers) == 0 {
		return
	}
	f.countMembers(network)
	for _, peer := range peers {
		if f.gaveUp() {
			return
		}
		switch peering := peeringTowards(peer, NameOf(network)); {
		case peering == nil:
		case len(peering.Prefixes) > 0:
			f.ranges -= len(peering.Prefixes)
		default:
			f.countMembers(peer)
		}
	}
}

func (f *foresight) countMembers(network *v1alpha1.Network) {
	for _, nic := range f.members(network) {
		f.ranges -= 1 + len(nic.Status.Prefixes)
	}
}

func (f *foresight) gaveUp() bool { return f.peerings < 0 || f.ranges < 0 }

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
	then := ForeseeOverlaps(network, lookup, with)
	if len(then) == 0 {
		return nil
	}
	known := ForeseeOverlaps(network, lookup, members)
	var foreseen []string
	for _, words := range then {
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
	overlaps := DecideOverlaps(InForce(members(peer)), Exposures(peer, peers, members))
	overlap, ok := overlaps[peeringWith(NameOf(network), peers)]
	return overlap, ok
}

// peeringWith returns the name of the peering whose peer has the given name.
func peeringWith(name types.NamespacedName, peers map[string]*v1alpha1.Network) string {
	for peering, peer := range peers {
		if NameOf(peer) == name {
			return peering
		}
	}
	return ""
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
