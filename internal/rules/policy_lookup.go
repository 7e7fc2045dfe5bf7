// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"math/big"
	"net/netip"

	"go4.org/netipx"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// lookUp finds the addresses of what rules select. A few bytes of a rule can select all that a Network has, and a policy has many
// rules: so each selection is looked up once, and there is a limit to them all.
type lookUp struct {
	Selectable
	// selected are the objects that a selector of the present policy selects: a bit for each NetworkInterface, LoadBalancer and VirtualIP.
	selected map[string]*big.Int
	// ranges are those of selected objects.
	ranges map[string][]netip.Prefix
	// left is how much may still be selected.
	left int
}

// rangesOf returns the addresses of peers, without those that are in others.
func (l *lookUp) rangesOf(peers []v1alpha1.NetworkPolicyPeer) []netip.Prefix {
	var blocks netipx.IPSetBuilder
	hasBlock, selected := false, new(big.Int)
	for i := range peers {
		if block := peers[i].IPBlock; block != nil {
			blocks.AddSet(addressesOfBlock(block))
			hasBlock = true
		}
		if selector := peers[i].ObjectSelector; selector != nil {
			selected.Or(selected, l.matching(selector))
		}
	}
	key := string(selected.Bytes())
	ranges, ok := l.ranges[key]
	if !ok {
		ranges = merged(l.addresses(selected))
		l.ranges[key] = ranges
	}
	if !hasBlock || l.left < 0 {
		return ranges
	}
	l.left -= len(ranges)
	for _, prefix := range ranges {
		blocks.AddPrefix(prefix)
	}
	set, err := blocks.IPSet()
	if err != nil {
		return nil
	}
	return set.Prefixes()
}

func merged(prefixes []netip.Prefix) []netip.Prefix {
	var builder netipx.IPSetBuilder
	for _, prefix := range prefixes {
		builder.AddPrefix(prefix)
	}
	set, err := builder.IPSet()
	if err != nil {
		return nil
	}
	return set.Prefixes()
}

// matching returns the objects that a selector selects, none if it can't be read.
func (l *lookUp) matching(selector *v1alpha1.ObjectSelector) *big.Int {
	wanted, err := metav1.LabelSelectorAsSelector(&selector.LabelSelector)
	if err != nil {
		return new(big.Int)
	}
	key := selector.Kind + " " + wanted.String()
	if known, ok := l.selected[key]; ok {
		return known
	}
	found := new(big.Int)
	mark := func(i int, of map[string]string) {
		if wanted.Matches(labels.Set(of)) {
			found.SetBit(found, i, 1)
		}
	}
	switch selector.Kind {
	case KindNetworkInterface:
		for i, nic := range l.Interfaces {
			mark(i, nic.Labels)
		}
	case KindLoadBalancer:
		for i, balancer := range l.LoadBalancers {
			mark(len(l.Interfaces)+i, balancer.Labels)
		}
	case KindVirtualIP:
		for i, vip := range l.VirtualIPs {
			mark(len(l.Interfaces)+len(l.LoadBalancers)+i, vip.Labels)
		}
	}
	l.selected[key] = found
	return found
}

// addresses returns those of selected objects.
func (l *lookUp) addresses(selected *big.Int) []netip.Prefix {
	var nics []*v1alpha1.NetworkInterface
	for i, nic := range l.Interfaces {
		if selected.Bit(i) == 1 {
			nics = append(nics, nic)
		}
	}
	var texts []string
	for i, balancer := range l.LoadBalancers {
		if selected.Bit(len(l.Interfaces)+i) == 1 {
			texts = append(texts, balancer.Status.IPs...)
		}
	}
	for i, vip := range l.VirtualIPs {
		if selected.Bit(len(l.Interfaces)+len(l.LoadBalancers)+i) == 1 {
			texts = append(texts, vip.Status.IP)
		}
	}
	prefixes := InForce(nics)
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil {
			prefixes = append(prefixes, OneAddress(address))
		}
	}
	l.left -= len(prefixes)
	return prefixes
}

// addressesOfBlock returns the addresses of a range without its exceptions. A range that can't be read has none, nor has one
// with an exception that can't be.
func addressesOfBlock(block *v1alpha1.IPBlock) *netipx.IPSet {
	var addresses netipx.IPSetBuilder
	whole, err := netip.ParsePrefix(block.CIDR)
	if err != nil {
		return &netipx.IPSet{}
	}
	addresses.AddPrefix(whole.Masked())
	for _, text := range block.Except {
		except, err := netip.ParsePrefix(text)
		if err != nil {
			return &netipx.IPSet{}
		}
		addresses.RemovePrefix(except.Masked())
	}
	set, err := addresses.IPSet()
	if err != nil {
		return &netipx.IPSet{}
	}
	return set
}
