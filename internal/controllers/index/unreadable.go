// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// UnreadablePeriod is how often a controller looks again at what it leaves alone because of an unreadable object.
const UnreadablePeriod = 10 * time.Second

// Unreadable are the stored objects that can't be read. The informers do not have them, but they may still hold what they held. So
// nothing is released that depends on them. A nil Unreadable has none.
type Unreadable struct {
	// Seen returns up to which revision the informer of a resource has seen all changes. It is set before any object is found.
	Seen func(resource string) int64

	mu sync.Mutex
	// of has the objects of each resource, and the revision at which each became readable again, zero before that.
	of map[string]map[types.NamespacedName]int64
}

// Found tells which objects of a resource can't be read at a revision; all others can, or are no more.
func (g *Unreadable) Found(resource string, revision int64, names []types.NamespacedName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := make(map[types.NamespacedName]int64)
	for name, closed := range g.of[resource] {
		if closed == 0 {
			closed = revision
		}
		found[name] = closed
	}
	for _, name := range names {
		found[name] = 0
	}
	if g.of == nil {
		g.of = make(map[string]map[types.NamespacedName]int64)
	}
	g.of[resource] = found
}

// Closed tells that an object can be read again, or is no more, from a revision on.
func (g *Unreadable) Closed(resource string, name types.NamespacedName, revision int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.of[resource][name]; known {
		g.of[resource][name] = revision
	}
}

// Has tells whether an object is there that can't be read.
func (g *Unreadable) Has(resource string, name types.NamespacedName) bool {
	return g.any(resource, func(found types.NamespacedName) bool { return found == name })
}

// In tells whether a namespace has objects of any of the resources that can't be read.
func (g *Unreadable) In(namespace string, resources ...string) bool {
	for _, resource := range resources {
		if g.any(resource, func(found types.NamespacedName) bool { return found.Namespace == namespace }) {
			return true
		}
	}
	return false
}

// Any tells whether there are objects of a resource that can't be read.
func (g *Unreadable) Any(resource string) bool {
	return g.any(resource, func(types.NamespacedName) bool { return true })
}

// any looks for an object. One that is readable again counts until the informer has seen it.
func (g *Unreadable) any(resource string, wanted func(types.NamespacedName) bool) bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, closed := range g.of[resource] {
		if closed > 0 && g.Seen(resource) >= closed {
			delete(g.of[resource], name)
			continue
		}
		if wanted(name) {
			return true
		}
	}
	return false
}
