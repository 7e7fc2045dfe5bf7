// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// concernsPeers tells whether a change of a Network can change the binding of those that name it. A nil Network does not
// exist.
func concernsPeers(old, network *v1alpha1.Network) bool {
	if old == nil || network == nil {
		return true
	}
	return old.UID != network.UID ||
		old.Annotations[v1alpha1.DeclinedPeeringsAnnotation] != network.Annotations[v1alpha1.DeclinedPeeringsAnnotation] ||
		(old.DeletionTimestamp == nil) != (network.DeletionTimestamp == nil) ||
		(old.Status.State == v1alpha1.NetworkStateAvailable) != (network.Status.State == v1alpha1.NetworkStateAvailable) ||
		!slices.EqualFunc(old.Spec.Peerings, network.Spec.Peerings, func(a, b v1alpha1.NetworkPeering) bool {
			return a.NetworkRef == b.NetworkRef
		})
}

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
	if network.Status.ObservedGeneration != network.Generation || // Without peerings, it is another server's that knows none.
		rules.IsReadyStale(network.Generation, network.Status.ObservedGeneration, network.Status.Conditions) {
		result = words
	}
	items := rules.PeeringItems(network)
	for _, decision := range decided.Peerings {
		stored := items[decision.Name]
		switch {
		case stored.Phase == v1alpha1.NetworkPeeringPhaseBound && decision.Phase != v1alpha1.NetworkPeeringPhaseBound:
			return release
		case stored.Phase != decision.Phase:
			result = bind
		case stored.Reason != decision.Reason || stored.Message != decision.Message || stored.NetworkRef == nil:
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

// delayBeforeWrite tells how long to wait before writing. A decision is written at once if it ends a peering or leaves none Pending.
// Otherwise a Network that is new or has just become available is given a moment: its peers usually follow, and one
// write then does for all. The moment begins when its decision is first held back, which is zero if it was not yet.
func delayBeforeWrite(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding, change change, held, now time.Time) time.Duration {
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

// droppedClaims lists the claims that a decision ends.
func droppedClaims(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding) []v1alpha1.NetworkPeeringClaimRef {
	return slices.DeleteFunc(slices.Clone(network.Spec.IncomingPeerings), func(claim v1alpha1.NetworkPeeringClaimRef) bool {
		return slices.Contains(decided.IncomingPeerings, claim)
	})
}

// holdBack leaves Pending what a decision would bind anew with a peer that is to rest, and returns the shortest rest, or
// zero.
func holdBack(
	network *v1alpha1.Network, decided *v1alpha1.NetworkBinding, rest func(peer types.UID) time.Duration,
) time.Duration {
	var shortest time.Duration
	resting := make(map[types.NamespacedName]bool)
	decided.IncomingPeerings = slices.DeleteFunc(decided.IncomingPeerings, func(claim v1alpha1.NetworkPeeringClaimRef) bool {
		wait := rest(claim.UID)
		if wait == 0 || slices.Contains(network.Spec.IncomingPeerings, claim) {
			return false
		}
		if shortest == 0 || wait < shortest {
			shortest = wait
		}
		resting[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = true
		return true
	})
	if shortest == 0 {
		return 0
	}
	for i := range network.Spec.Peerings {
		ref, decision := &network.Spec.Peerings[i].NetworkRef, &decided.Peerings[i] // There is one for each peering.
		if target := rules.PeeringTarget(network.Namespace, ref.Namespace, ref.Name); resting[target] {
			decision.Phase, decision.Reason = v1alpha1.NetworkPeeringPhasePending, v1alpha1.PeeringReasonEvaluating
			decision.Message = fmt.Sprintf("This peering ended a moment ago. It is bound again once Network %s stays as it is.", target)
		}
	}
	return shortest
}

// keepUnreadable leaves what a decision would end only because the Network at the other end can't be read, and tells whether there is
// such a peering. That Network may still name this one; what is stored of it is unknown.
func keepUnreadable(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding, unreadable func(types.NamespacedName) bool) bool {
	items := rules.PeeringItems(network)
	kept := false
	for i := range network.Spec.Peerings {
		ref, decision := &network.Spec.Peerings[i].NetworkRef, &decided.Peerings[i] // There is one for each peering.
		target := rules.PeeringTarget(network.Namespace, ref.Namespace, ref.Name)
		isMissing := decision.Reason == v1alpha1.PeeringReasonPeerNotFound || decision.Reason == v1alpha1.PeeringReasonPeeringNotAccepted
		if item := items[decision.Name]; isMissing && item.Phase == v1alpha1.NetworkPeeringPhaseBound && unreadable(target) {
			decision.Phase, decision.Reason, decision.Message = item.Phase, item.Reason, item.Message
			kept = true
		}
	}
	if kept {
		decided.IncomingPeerings = claimsOfBound(network, decided)
	}
	return kept
}

// claimsOfBound lists a claim for each peering that a decision has as Bound: the decided one, else the stored one.
func claimsOfBound(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding) []v1alpha1.NetworkPeeringClaimRef {
	known := make(map[types.NamespacedName]v1alpha1.NetworkPeeringClaimRef)
	for _, claim := range slices.Concat(network.Spec.IncomingPeerings, decided.IncomingPeerings) {
		known[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = claim
	}
	var claims []v1alpha1.NetworkPeeringClaimRef
	for i := range network.Spec.Peerings {
		claim, ok := known[rules.TargetOf(network, &network.Spec.Peerings[i])]
		if ok && decided.Peerings[i].Phase == v1alpha1.NetworkPeeringPhaseBound {
			claims = append(claims, claim)
		}
	}
	return claims
}

// transition is a change of a phase, for the Event that tells of it.
type transition struct {
	kind, reason, message string
}

// released is the transition of a peering that carries no traffic any more, which its owner should know of.
func released(message string) transition {
	return transition{kind: corev1.EventTypeWarning, reason: "PeeringReleased", message: message}
}

// transitions lists the phases that a decision changes.
func transitions(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding) []transition {
	var changed []transition
	items := rules.PeeringItems(network)
	for _, decision := range decided.Peerings {
		if items[decision.Name].Phase == decision.Phase {
			continue
		}
		message := fmt.Sprintf("Peering %s is %s: %s", decision.Name, decision.Phase, decision.Message)
		if decision.Phase == v1alpha1.NetworkPeeringPhaseBound {
			changed = append(changed, transition{kind: corev1.EventTypeNormal, reason: "PeeringBound", message: message})
		} else {
			changed = append(changed, released(message))
		}
	}
	return changed
}

// endedBySpec lists the Bound peerings that a change of the Network's own spec took out or led elsewhere. That write ends them,
// so no decision does.
func endedBySpec(before, after *v1alpha1.Network) []transition {
	if before.UID != after.UID || before.Generation == after.Generation {
		return nil
	}
	targets := func(network *v1alpha1.Network) map[string]v1alpha1.NetworkPeeringNetworkRef {
		means := make(map[string]v1alpha1.NetworkPeeringNetworkRef, len(network.Spec.Peerings))
		for i := range network.Spec.Peerings {
			peering := &network.Spec.Peerings[i]
			ref := peering.NetworkRef
			ref.Namespace = rules.PeeringTarget(network.Namespace, ref.Namespace, ref.Name).Namespace
			means[peering.Name] = ref
		}
		return means
	}
	meant, means := targets(before), targets(after)
	var gone []transition
	for i := range before.Status.Peerings {
		item := &before.Status.Peerings[i]
		ref, remains := means[item.Name]
		switch {
		case item.Phase != v1alpha1.NetworkPeeringPhaseBound || remains && ref == meant[item.Name]:
		case remains:
			gone = append(gone, released(fmt.Sprintf("Peering %s names another Network now.", item.Name)))
		default:
			gone = append(gone, released(fmt.Sprintf("Peering %s is no longer in spec.peerings.", item.Name)))
		}
	}
	return gone
}

// hasStaleClaim tells whether a Network holds a claim whose Network is gone, has been created again under its name, is being
// deleted, or names the holder no more.
func hasStaleClaim(holder *v1alpha1.Network, lookup rules.Lookup) bool {
	return slices.ContainsFunc(holder.Spec.IncomingPeerings, func(claim v1alpha1.NetworkPeeringClaimRef) bool {
		claimant := lookup(types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name})
		return claimant == nil || claimant.UID != claim.UID || claimant.DeletionTimestamp != nil ||
			!rules.Names(claimant, holder)
	})
}

// claimMayEnd tells whether a change of a Network can make its claims stale.
func claimMayEnd(old, network *v1alpha1.Network) bool {
	return old.UID != network.UID ||
		old.DeletionTimestamp == nil && network.DeletionTimestamp != nil ||
		old.Generation != network.Generation
}

// newlyNamed lists whom a Network names that it did not name before. A Network that was created again names all anew.
func newlyNamed(before, after *v1alpha1.Network) []types.NamespacedName {
	var named []types.NamespacedName
	for i := range after.Spec.Peerings {
		ref := &after.Spec.Peerings[i].NetworkRef
		target := rules.PeeringTarget(after.Namespace, ref.Namespace, ref.Name)
		known := before != nil && before.UID == after.UID && slices.ContainsFunc(before.Spec.Peerings,
			func(peering v1alpha1.NetworkPeering) bool { return peering.NetworkRef == *ref })
		if !known {
			named = append(named, target)
		}
	}
	return named
}

// requestMessage tells the owner of a Network who asks for a peering: those who are new, and how many do in all.
func requestMessage(newest []types.NamespacedName, all int) string {
	const most = 3
	slices.SortFunc(newest, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	names := make([]string, 0, most)
	for _, name := range newest[:min(len(newest), most)] {
		names = append(names, name.String())
	}
	who := "Network " + names[0] + " asks"
	if left := len(newest) - len(names); left > 0 {
		who = fmt.Sprintf("Networks %s and %d more ask", strings.Join(names, ", "), left)
	} else if len(names) > 1 {
		who = fmt.Sprintf("Networks %s and %s ask", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
	}
	message := who + " for a peering: to accept, name it in spec.peerings; to refuse, in the annotation " +
		v1alpha1.DeclinedPeeringsAnnotation + "."
	if all > len(newest) {
		message += fmt.Sprintf(" %d ask in all.", all)
	}
	return message
}
