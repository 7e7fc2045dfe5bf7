// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Exposed returns the ranges that a Network lets the Network of a given name reach: the prefixes of its peering that have a
// range, or, where its peering has no prefixes, the addresses and ranges that its NetworkInterfaces have in force. What a
// prefixRef stands for is the provider's word in the status; without that it stands for nothing.
func Exposed(network *v1alpha1.Network, to types.NamespacedName, members InterfacesOf) []netip.Prefix {
	switch peering := peeringTowards(network, to); {
	case peering == nil:
		return nil
	case len(peering.Prefixes) == 0:
		return InForce(members(network))
	default:
		return rangesOf(peering, network.Status.Peerings)
	}
}

// peeringTowards returns the peering of a Network that names another one, or nil.
func peeringTowards(network *v1alpha1.Network, to types.NamespacedName) *v1alpha1.NetworkPeering {
	for i := range network.Spec.Peerings {
		if peering := &network.Spec.Peerings[i]; TargetOf(network, peering) == to {
			return peering
		}
	}
	return nil
}

func rangesOf(peering *v1alpha1.NetworkPeering, status []v1alpha1.NetworkPeeringStatus) []netip.Prefix {
	resolved := make(map[string]string)
	for i := range status {
		if status[i].Name == peering.Name {
			for _, prefix := range status[i].Prefixes {
				resolved[prefix.Name] = prefix.Prefix
			}
		}
	}
	var ranges []netip.Prefix
	for i := range peering.Prefixes {
		text := peering.Prefixes[i].Prefix
		if peering.Prefixes[i].PrefixRef != nil {
			text = resolved[peering.Prefixes[i].Name]
		}
		if prefix, err := netip.ParsePrefix(text); err == nil {
			ranges = append(ranges, prefix.Masked())
		}
	}
	return distinct(ranges)
}

// InForce returns the addresses and ranges that NetworkInterfaces have in force.
func InForce(members []*v1alpha1.NetworkInterface) []netip.Prefix {
	var ranges []netip.Prefix
	for _, nic := range members {
		if nic.Status.State != v1alpha1.NetworkInterfaceStateAvailable {
			continue
		}
		for _, text := range nic.Status.IPs {
			if address, err := netip.ParseAddr(text); err == nil {
				ranges = append(ranges, OneAddress(address))
			}
		}
		for _, text := range nic.Status.Prefixes {
			if prefix, err := netip.ParsePrefix(text); err == nil {
				ranges = append(ranges, prefix.Masked())
			}
		}
	}
	return distinct(ranges)
}

func distinct(ranges []netip.Prefix) []netip.Prefix {
	slices.SortFunc(ranges, comparePrefixes)
	return slices.Compact(ranges)
}

// comparePrefixes puts a range before those that it contains.
func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// Exposure is what a Network could reach through one of its Bound peerings.
type Exposure struct {
	// Peering is the name of the Network's peering, and Peer the Network at its other end.
	Peering string
	Peer    types.NamespacedName
	// Bound is since when.
	Bound  time.Time
	Ranges []netip.Prefix
}

// InterfacesOf returns the NetworkInterfaces of a Network.
type InterfacesOf func(*v1alpha1.Network) []*v1alpha1.NetworkInterface

// Exposures returns what a Network could reach through its peerings with the given peers, which are by the peering's name.
// One that is not Bound comes after those that are.
func Exposures(network *v1alpha1.Network, peers map[string]*v1alpha1.Network, members InterfacesOf) []Exposure {
	items := PeeringItems(network)
	var exposures []Exposure
	for i := range network.Spec.Peerings {
		name := network.Spec.Peerings[i].Name
		peer := peers[name]
		if peer == nil {
			continue
		}
		exposure := Exposure{
			Peering: name, Peer: NameOf(peer), Bound: time.Unix(math.MaxInt32, 0),
			Ranges: Exposed(peer, NameOf(network), members),
		}
		if item := items[name]; item.Phase == v1alpha1.NetworkPeeringPhaseBound && item.LastPhaseTransitionTime != nil {
			exposure.Bound = item.LastPhaseTransitionTime.Time
		}
		exposures = append(exposures, exposure)
	}
	return exposures
}

// Overlap tells that what a peer exposes contains addresses that somebody else has.
type Overlap struct {
	// Range is what the peer exposes, and Other what contains the same addresses.
	Range, Other netip.Prefix
	// With is the peer that exposes Other, or nil if Other is the Network's own.
	With *types.NamespacedName
}

// MessageForOwner says to the owner of the Network why a peering carries no traffic. The owner may know what its peers expose.
func (o Overlap) MessageForOwner(peer types.NamespacedName) string {
	if o.With == nil {
		return fmt.Sprintf("Network %s exposes %s, where this Network has %s itself: no traffic flows until one of the two "+
			"gives way.", peer, o.Range, o.Other)
	}
	return fmt.Sprintf("Network %s exposes %s, and Network %s, which was bound before, exposes %s: no traffic flows until one "+
		"of the two gives way.", peer, o.Range, o.With, o.Other)
}

// MessageForPeer says the same to the owner of the peer. That owner must not learn of the Network's other peers, nor what they expose.
func (o Overlap) MessageForPeer(network types.NamespacedName) string {
	return fmt.Sprintf("This Network exposes %s, which Network %s uses for something else already: no traffic flows until one "+
		"of the two gives way.", o.Range, network)
}

// DecideOverlaps returns the peerings that a Network can't use, by name: those that would lead to addresses that are the
// Network's own, or that a peering that was Bound earlier leads to. Where two were Bound at the same time, the names of the
// peers decide. The others are in force as a whole.
func DecideOverlaps(own []netip.Prefix, exposures []Exposure) map[string]Overlap {
	exposures = slices.Clone(exposures)
	slices.SortFunc(exposures, func(a, b Exposure) int {
		return cmp.Or(a.Bound.Compare(b.Bound), cmp.Compare(a.Peer.String(), b.Peer.String()))
	})
	overlaps := make(map[string]Overlap)
	taken := &ranges{}
	taken.add(own, nil)
	for _, exposure := range exposures {
		if overlap, ok := taken.overlap(exposure.Ranges); ok {
			overlaps[exposure.Peering] = overlap
			continue
		}
		taken.add(exposure.Ranges, &exposure.Peer)
	}
	return overlaps
}

// ranges are sorted and do not overlap.
type ranges struct{ all []ownedRange }

type ownedRange struct {
	netip.Prefix
	owner *types.NamespacedName
}

// add takes in what overlaps none of the ranges. What is within another of the prefixes is left out.
func (r *ranges) add(prefixes []netip.Prefix, owner *types.NamespacedName) {
	var added []netip.Prefix
	for _, prefix := range slices.SortedFunc(slices.Values(prefixes), comparePrefixes) {
		if last := len(added) - 1; last < 0 || !added[last].Overlaps(prefix) {
			added = append(added, prefix)
		}
	}
	i := len(r.all) - 1
	r.all = slices.Grow(r.all, len(added))[:len(r.all)+len(added)]
	// Both are sorted: they are merged from the end on, which takes no further room.
	for end := len(r.all) - 1; len(added) > 0; end-- {
		last := len(added) - 1
		if i >= 0 && comparePrefixes(r.all[i].Prefix, added[last]) > 0 {
			r.all[end] = r.all[i]
			i--
			continue
		}
		r.all[end] = ownedRange{added[last], owner}
		added = added[:last]
	}
}

// overlap returns the first of the prefixes that overlaps one of the ranges. That range is next to the place of the prefix.
func (r *ranges) overlap(prefixes []netip.Prefix) (Overlap, bool) {
	for _, prefix := range prefixes {
		at, _ := slices.BinarySearchFunc(r.all, prefix, func(o ownedRange, p netip.Prefix) int {
			return comparePrefixes(o.Prefix, p)
		})
		for _, next := range r.all[max(at-1, 0):min(at+1, len(r.all))] {
			if next.Overlaps(prefix) {
				return Overlap{prefix, next.Prefix, next.owner}, true
			}
		}
	}
	return Overlap{}, false
}
