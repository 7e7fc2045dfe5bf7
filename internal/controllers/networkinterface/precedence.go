// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"cmp"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// precedence knows of NetworkInterfaces what the cache does not: which of them came first within a second, and which
// addresses were given to them a moment ago, before the cache tells. So no two workers give the same address twice.
type precedence struct {
	mu       sync.Mutex
	known    map[types.UID]*standing
	arrivals int
}

type standing struct {
	// arrival is its place among those that were seen to come, zero for all that were there at the start.
	arrival int
	// given are the addresses that it may put in force, or has.
	given []string
}

func newPrecedence() *precedence { return &precedence{known: make(map[types.UID]*standing)} }

// seen tells of a NetworkInterface as it is now, and whether it was there at the start. What it was given and does not
// ask for any more is free again.
func (p *precedence) seen(nic *v1alpha1.NetworkInterface, atStart bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.known[nic.UID]
	if known == nil {
		known = &standing{}
		p.known[nic.UID] = known
		if !atStart {
			p.arrivals++
			known.arrival = p.arrivals
		}
	}
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

// went tells that a NetworkInterface is no more.
func (p *precedence) went(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, uid)
}

// take gives a NetworkInterface the addresses that it asks for. If others precede it, it gets none, and take returns
// the first address that is not for it and the one that it is for.
func (p *precedence) take(nic *v1alpha1.NetworkInterface, rivals rivals) (string, *v1alpha1.NetworkInterface) {
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
		for _, rival := range rivals(source.Value) {
			if rival.UID != first.UID && p.precedes(rival, first, source.Value) {
				first = rival
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

// giveBack takes from a NetworkInterface what it was given and can't use.
func (p *precedence) giveBack(nic *v1alpha1.NetworkInterface) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if own := p.known[nic.UID]; own != nil {
		own.given = nil
	}
}

// precedes tells which of two NetworkInterfaces that ask for the same address may have it: the one that has it, else
// the one that was created first.
func (p *precedence) precedes(rival, nic *v1alpha1.NetworkInterface, address string) bool {
	if rivalHas, has := p.has(rival, address), p.has(nic, address); rivalHas != has {
		return rivalHas
	}
	if !rival.CreationTimestamp.Equal(&nic.CreationTimestamp) {
		return rival.CreationTimestamp.Before(&nic.CreationTimestamp)
	}
	return cmp.Or(cmp.Compare(p.arrival(rival), p.arrival(nic)), cmp.Compare(rival.Name, nic.Name)) < 0
}

func (p *precedence) has(nic *v1alpha1.NetworkInterface, address string) bool {
	if known := p.known[nic.UID]; known != nil && slices.Contains(known.given, address) {
		return true
	}
	return inForce(nic, address)
}

func (p *precedence) arrival(nic *v1alpha1.NetworkInterface) int {
	if known := p.known[nic.UID]; known != nil {
		return known.arrival
	}
	return p.arrivals + 1 // It comes only now.
}
