// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"cmp"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// precedence knows of NetworkInterfaces what the cache does not: which of them came first within a second, and which
// addresses were given to them a moment ago, before the cache tells. So no two workers give the same address twice.
type precedence struct {
	mu       sync.Mutex
	known    map[types.UID]*rank
	arrivals int
}

type rank struct {
	// arrival is its place among those that were seen to come, zero for all that were there at the start.
	arrival int
	// given are the addresses that it may put in force, or has.
	given []string
	// settled tells that what it asks for was found to overlap nothing that another had before.
	settled bool
	// ips and prefixes are what it asks for.
	ips      []v1alpha1.IPSource
	prefixes []v1alpha1.PrefixSource
}

func newPrecedence() *precedence { return &precedence{known: make(map[types.UID]*rank)} }

// seen tells of a NetworkInterface as it is now, and whether it was there at the start. What it was given and does not
// ask for any more is free again.
func (p *precedence) seen(nic *v1alpha1.NetworkInterface, atStart bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.known[nic.UID]
	if known == nil {
		known = &rank{}
		p.known[nic.UID] = known
		if !atStart {
			p.arrivals++
			known.arrival = p.arrivals
		}
	}
	known.settled = known.settled && equality.Semantic.DeepEqual(known.ips, nic.Spec.IPs) &&
		equality.Semantic.DeepEqual(known.prefixes, nic.Spec.Prefixes)
	known.ips, known.prefixes = nic.Spec.IPs, nic.Spec.Prefixes
	known.given = slices.DeleteFunc(known.given, func(address string) bool {
		return !slices.ContainsFunc(nic.Spec.IPs, func(source v1alpha1.IPSource) bool { return source.Value == address })
	})
}

// knows tells whether a NetworkInterface was seen and is still there.
func (p *precedence) knows(uid types.UID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[uid] != nil
}

// forget tells that a NetworkInterface is no more.
func (p *precedence) forget(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, uid)
}

// takeAddresses gives a NetworkInterface the addresses that it asks for. If others precede it, it gets none, and it returns
// the first address that is not for it and the one that it is for.
func (p *precedence) takeAddresses(nic *v1alpha1.NetworkInterface, contenders contenders) (string, *v1alpha1.NetworkInterface) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.known[nic.UID]
	if own == nil {
		return "", nil // It is no more.
	}
	var wanted []string
	for _, source := range nic.Spec.IPs {
		if source.Value == "" {
			continue
		}
		first := nic
		for _, contender := range contenders(source.Value) {
			if contender.UID != first.UID && p.precedes(contender, first, source.Value) {
				first = contender
			}
		}
		if first.UID != nic.UID {
			own.given = nil
			return source.Value, first
		}
		wanted = append(wanted, source.Value)
	}
	own.given = wanted
	return "", nil
}

// next returns which of the NetworkInterfaces that ask for or have an address is the first in line, itself left out.
func (p *precedence) next(uid types.UID, address string, contenders contenders) *v1alpha1.NetworkInterface {
	p.mu.Lock()
	defer p.mu.Unlock()
	var first *v1alpha1.NetworkInterface
	for _, other := range contenders(address) {
		if other.UID != uid && (first == nil || p.precedes(other, first, address)) {
			first = other
		}
	}
	return first
}

// giveBackAddresses takes from a NetworkInterface what it was given and can't use.
func (p *precedence) giveBackAddresses(nic *v1alpha1.NetworkInterface) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if own := p.known[nic.UID]; own != nil {
		own.given = nil
	}
}

// precedes tells which of two NetworkInterfaces that ask for the same address may have it: the one that has it, else
// the one that was created first.
func (p *precedence) precedes(contender, nic *v1alpha1.NetworkInterface, address string) bool {
	if contenderHas, has := p.has(contender, address), p.has(nic, address); contenderHas != has {
		return contenderHas
	}
	return p.earlier(contender, nic)
}

// earlier tells which of two NetworkInterfaces was created first.
func (p *precedence) earlier(one, other *v1alpha1.NetworkInterface) bool {
	if !one.CreationTimestamp.Equal(&other.CreationTimestamp) {
		return one.CreationTimestamp.Before(&other.CreationTimestamp)
	}
	return cmp.Or(cmp.Compare(p.arrival(one), p.arrival(other)), cmp.Compare(one.Name, other.Name)) < 0
}

// clash returns what of a NetworkInterface overlaps what another of its Network had before, given where it overlaps others. One that was
// told of an overlap came after one that was not; else the one that has its ranges came first, else the one that was created first.
func (p *precedence) clash(nic *v1alpha1.NetworkInterface, clashes []rules.Clash) (rules.Clash, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.known[nic.UID]
	if own == nil {
		return rules.Clash{}, false // It is no more.
	}
	first, found := rules.DecideClash(clashes, func(other *v1alpha1.NetworkInterface) bool {
		if otherTold, told := hasOverlapCondition(other), hasOverlapCondition(nic); otherTold != told {
			return told
		}
		if otherHas, has := p.settled(other), p.settled(nic); otherHas != has {
			return otherHas
		}
		return p.earlier(other, nic)
	})
	own.settled = !found
	return first, found
}

func (p *precedence) settled(nic *v1alpha1.NetworkInterface) bool {
	known := p.known[nic.UID]
	return known != nil && known.settled || nic.Status.State == v1alpha1.NetworkInterfaceStateAvailable
}

func (p *precedence) has(nic *v1alpha1.NetworkInterface, address string) bool {
	if known := p.known[nic.UID]; known != nil && slices.Contains(known.given, address) {
		return true
	}
	return holds(nic, address)
}

func (p *precedence) arrival(nic *v1alpha1.NetworkInterface) int {
	if known := p.known[nic.UID]; known != nil {
		return known.arrival
	}
	return p.arrivals + 1 // It comes only now.
}
