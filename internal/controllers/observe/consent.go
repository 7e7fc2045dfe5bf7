// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/rules"
)

// claim means that one Network names another.
type claim struct{ from, to types.NamespacedName }

// naming is a claim whose two sides are not both bound yet.
type naming struct {
	since   time.Time
	isBound bool
}

// consents notes since when a Network has named another one. Peerings from before the start are not measured:
// their start is not known.
type consents struct {
	mu      sync.Mutex
	since   map[claim]*naming
	now     func() time.Time
	observe func(seconds float64)
}

// WatchConsent measures the time from consent to a bound peering, on the leader.
func (f *Figures) WatchConsent(networks cache.SharedIndexInformer) error {
	c := &consents{since: map[claim]*naming{}, now: time.Now, observe: func(seconds float64) {
		if f.held.Load() != nil {
			consentToBound.Observe(seconds)
		}
	}}
	_, err := queue.FollowFromStart(networks, func(before, after *v1alpha1.Network, atStart bool) {
		if !atStart {
			c.changed(before, after)
		}
	})()
	return err
}

// changed handles a change of a Network. Old is nil for a new one, network for one that is gone.
func (c *consents) changed(old, network *v1alpha1.Network) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was, is := phases(old), phases(network)
	now := c.now()
	const bound = v1alpha1.NetworkPeeringPhaseBound
	for claim, phase := range is {
		before, known := was[claim]
		switch {
		case phase == bound && before != phase:
			c.isBound(claim, now)
		case phase != bound && (!known || before == bound):
			c.since[claim] = &naming{since: now}
		}
	}
	for claim := range was {
		if _, still := is[claim]; !still {
			delete(c.since, claim)
		}
	}
}

// isBound measures how long a claim took that is bound now. When its other side is too, both are forgotten.
func (c *consents) isBound(mine claim, now time.Time) {
	theirs := mine.back()
	one, other := c.since[mine], c.since[theirs]
	if one == nil || other == nil {
		delete(c.since, mine)
		return
	}
	one.isBound = true
	c.observe(min(now.Sub(one.since), now.Sub(other.since)).Seconds())
	if other.isBound {
		delete(c.since, mine)
		delete(c.since, theirs)
	}
}

func (c claim) back() claim { return claim{from: c.to, to: c.from} }

// phases are the phases of the peerings of a Network, by claim.
func phases(network *v1alpha1.Network) map[claim]v1alpha1.NetworkPeeringPhase {
	result := map[claim]v1alpha1.NetworkPeeringPhase{}
	if network == nil {
		return result
	}
	from := rules.NameOf(network)
	status := map[string]v1alpha1.NetworkPeeringPhase{}
	for i := range network.Status.Peerings {
		status[network.Status.Peerings[i].Name] = network.Status.Peerings[i].Phase
	}
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		to := rules.TargetOf(network, peering)
		result[claim{from: from, to: to}] = status[peering.Name]
	}
	return result
}
