// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"net/netip"
	"slices"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Clash tells that a NetworkInterface has addresses that another one of its Network has.
type Clash struct {
	// Range is of the NetworkInterface, and Other of the other one. At least one of the two is a range that is routed there.
	Range, Other netip.Prefix
	With         *v1alpha1.NetworkInterface
}

// DecideClash returns what of a NetworkInterface overlaps what another of its Network had before, and whether anything does.
// Two that ask for the same address are for another rule: one of them alone gets it.
func DecideClash(
	nic *v1alpha1.NetworkInterface, others []*v1alpha1.NetworkInterface, hadBefore func(other *v1alpha1.NetworkInterface) bool,
) (Clash, bool) {
	var first Clash
	for _, other := range others {
		clash, ok := ClashOf(nic, other)
		if ok && hadBefore(other) && (first.With == nil || compareClashes(clash, first) < 0) {
			first = clash
		}
	}
	return first, first.With != nil
}

func compareClashes(a, b Clash) int {
	return cmp.Or(comparePrefixes(a.Range, b.Range), comparePrefixes(a.Other, b.Other), cmp.Compare(a.With.Name, b.With.Name))
}

// ClashOf returns the first range of a NetworkInterface that overlaps one of another, and whether any does.
func ClashOf(nic, other *v1alpha1.NetworkInterface) (Clash, bool) {
	if nic.UID == other.UID {
		return Clash{}, false
	}
	theirs := heldRanges(other)
	for _, own := range heldRanges(nic) {
		for _, holding := range theirs {
			if (own.isRouted || holding.isRouted) && own.Overlaps(holding.Prefix) {
				return Clash{own.Prefix, holding.Prefix, other}, true
			}
		}
	}
	return Clash{}, false
}

// heldRange is what a NetworkInterface asks for or has.
type heldRange struct {
	netip.Prefix
	isRouted bool // a range, not an address of its own
}

func heldRanges(nic *v1alpha1.NetworkInterface) []heldRange {
	var all []heldRange
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
	slices.SortFunc(all, func(a, b heldRange) int { return comparePrefixes(a.Prefix, b.Prefix) })
	return all
}
