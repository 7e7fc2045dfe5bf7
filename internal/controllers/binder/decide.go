// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package binder

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// change is how a decision differs from what is stored.
type change int

const (
	// unchanged: nothing to write.
	unchanged change = iota
	// words: reasons or messages alone, or the generation that they were decided for.
	words
	// release: a peering or claim ends. Never held back.
	release
	// bind: peerings become Bound, and none ends.
	bind
)

// compare tells what a decision would change.
func compare(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding) change {
	result := unchanged
	if network.Status.ObservedGeneration != network.Generation && len(decided.Peerings) > 0 {
		result = words
	}
	for i, decision := range decided.Peerings {
		stored := &network.Status.Peerings[i]
		switch {
		case stored.Phase == v1alpha1.NetworkPeeringPhaseBound && decision.Phase != v1alpha1.NetworkPeeringPhaseBound:
			return release
		case stored.Phase != decision.Phase:
			result = bind
		case stored.Reason != decision.Reason || stored.Message != decision.Message:
			result = max(result, words)
		}
	}
	if result != bind && !equality.Semantic.DeepEqual(network.Spec.IncomingPeerings, decided.IncomingPeerings) {
		return release
	}
	return result
}

// settleTime is how long a decision is held back that is likely to change again soon.
const settleTime = time.Second

// pace tells how long to wait before writing. A decision is written at once if it ends a peering or leaves none Pending.
// Otherwise a Network that is new or has just become available is given a moment: its peers usually follow, and one
// write then does for all. The moment begins when its decision is first held back, which is zero if it was not yet.
func pace(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding, change change, held, now time.Time) time.Duration {
	if change == release || len(decided.IncomingPeerings) == len(decided.Peerings) {
		return 0
	}
	last := network.CreationTimestamp.Time
	if available := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkAvailable); available != nil &&
		available.LastTransitionTime.After(last) {
		last = available.LastTransitionTime.Time
	}
	for i := range network.Status.Peerings {
		if at := network.Status.Peerings[i].LastPhaseTransitionTime; at != nil && at.After(last) {
			last = at.Time
		}
	}
	switch lately := settleTime + time.Second; { // Times in the API have no fractions of a second.
	case now.Sub(last) >= lately:
		return 0
	case held.IsZero():
		return settleTime
	default:
		return settleTime - now.Sub(held)
	}
}

// transition is a change of a phase, for the Event that tells of it.
type transition struct {
	reason, message string
}

// transitions lists the phases that a decision changes.
func transitions(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding) []transition {
	var changed []transition
	for i, decision := range decided.Peerings {
		if network.Status.Peerings[i].Phase == decision.Phase {
			continue
		}
		reason := "PeeringReleased"
		if decision.Phase == v1alpha1.NetworkPeeringPhaseBound {
			reason = "PeeringBound"
		}
		changed = append(changed, transition{
			reason:  reason,
			message: fmt.Sprintf("Peering %s is %s: %s", decision.Name, decision.Phase, decision.Message),
		})
	}
	return changed
}
