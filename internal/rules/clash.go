// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"net/netip"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Clash tells that a NetworkInterface has addresses that another one of its Network has.
type Clash struct {
	// Range is of the NetworkInterface, and Other of the other one. At least one of the two is a range that is routed there.
	Range, Other netip.Prefix
	With         *v1alpha1.NetworkInterface
}

// DecideClash returns what of a NetworkInterface overlaps what another of its Network had before, given where it overlaps others,
// and whether anything does.
func DecideClash(clashes []Clash, hadBefore func(other *v1alpha1.NetworkInterface) bool) (Clash, bool) {
	var first Clash
	for _, clash := range clashes {
		if hadBefore(clash.With) && (first.With == nil || compareClashes(clash, first) < 0) {
			first = clash
		}
	}
	return first, first.With != nil
}

func compareClashes(a, b Clash) int {
	return cmp.Or(comparePrefixes(a.Range, b.Range), comparePrefixes(a.Other, b.Other), cmp.Compare(a.With.Name, b.With.Name))
}

// ClashesOf returns the first clash of a NetworkInterface with each of the others that it overlaps. Two that ask for the same address
// are for another rule: one of them alone gets it.
func ClashesOf(nic *v1alpha1.NetworkInterface, others []*v1alpha1.NetworkInterface) []Clash {
	var clashes []Clash
	var theirs []heldRange
	own := appendHeld(nil, nic)
	for _, other := range others {
		if other.UID == nic.UID {
			continue
		}
		var first Clash
		theirs = appendHeld(theirs[:0], other)
		for _, held := range own {
			for _, holding := range theirs {
				if (!held.isRouted && !holding.isRouted) || !held.Overlaps(holding.Prefix) {
					continue
				}
				if clash := (Clash{held.Prefix, holding.Prefix, other}); first.With == nil || compareClashes(clash, first) < 0 {
					first = clash
				}
			}
		}
		if first.With != nil {
			clashes = append(clashes, first)
		}
	}
	return clashes
}

// heldRange is what a NetworkInterface asks for or has.
type heldRange struct {
	netip.Prefix
	isRouted bool // a range, not an address of its own
}

// appendHeld appends what a NetworkInterface asks for or has.
func appendHeld(all []heldRange, nic *v1alpha1.NetworkInterface) []heldRange {
	address := func(text string) {
		if address, err := netip.ParseAddr(text); err == nil {
			all = append(all, heldRange{OneAddress(address), false})
		}
	}
	routed := func(text string) {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			all = append(all, heldRange{prefix.Masked(), true})
		}
	}
	for _, source := range nic.Spec.IPs {
		address(source.Value)
	}
	for _, source := range nic.Spec.Prefixes {
		routed(source.Value)
	}
	for _, text := range nic.Status.IPs {
		address(text)
	}
	for _, text := range nic.Status.Prefixes {
		routed(text)
	}
	return all
}
