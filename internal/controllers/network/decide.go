// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
)

// Reasons of the controller's own.
const (
	reasonRealizeFailed = "RealizeFailed"
	reasonReleaseFailed = "ReleaseFailed"
	// reasonOverlap: two peers, or a peer and the Network itself, have the same addresses.
	reasonOverlap = "RangesOverlap"
	// reasonNetworkNotFound: the Network of a NetworkPolicy is gone.
	reasonNetworkNotFound = "NetworkNotFound"
	// reasonTooLarge: the NetworkPolicies of a Network select too much.
	reasonTooLarge = "TooLarge"
)

// managedElsewhere tells whether the Network is left to somebody else, with or without a providerID. One that holds the
// provider's finalizer was begun with by the provider and stays with it: nobody else would take it down.
func managedElsewhere(network *v1alpha1.Network, finalizer string) bool {
	return rules.IsManagedElsewhere(network) && !holds(network, finalizer)
}

// boundPeers returns the Networks at the other end of the Bound peerings, by the peering's name. One that was made
// again since it was bound is not among them, nor is one that is not bound to the Network: both sides begin and end at once.
// From the begin of a deletion on, neither side has the other for a peer: a deletion waits for nobody's binding, nor for what
// keeps the other side in use.
func boundPeers(network *v1alpha1.Network, lookup rules.Lookup) map[string]*v1alpha1.Network {
	items := rules.PeeringItems(network)
	peers := make(map[string]*v1alpha1.Network)
	if network.DeletionTimestamp != nil {
		return peers
	}
	claims := sets.New(network.Spec.IncomingPeerings...)
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		if items[peering.Name].Phase != v1alpha1.NetworkPeeringPhaseBound {
			continue
		}
		peer := lookup(rules.TargetOf(network, peering))
		if peer != nil && peer.DeletionTimestamp == nil && claims.Has(claimOf(peer)) &&
			slices.Contains(peer.Spec.IncomingPeerings, claimOf(network)) {
			peers[peering.Name] = peer
		}
	}
	return peers
}

// claimOf returns what a Network that is bound to the given one has in incomingPeerings.
func claimOf(network *v1alpha1.Network) v1alpha1.NetworkPeeringClaimRef {
	return v1alpha1.NetworkPeeringClaimRef{Namespace: network.Namespace, Name: network.Name, UID: network.UID}
}

// situation returns what a provider is to know of a Network's surroundings, given its Bound peers and theirs, and what finds
// NetworkInterfaces. Peerings whose ranges overlap are not in force, and both sides get the state Error.
func situation(
	network *v1alpha1.Network, peersOf func(*v1alpha1.Network) map[string]*v1alpha1.Network, members rules.InterfacesOf,
) (provider.Situation, map[string]provider.PeeringRealization) {
	bound := peersOf(network)
	s := provider.Situation{Peers: make(map[string]provider.Peer, len(bound)), Interfaces: members(network)}
	if len(bound) == 0 {
		return s, nil
	}
	exposures := rules.Exposures(network, bound, members)
	for _, exposure := range exposures {
		s.Peers[exposure.Peering] = provider.Peer{Network: bound[exposure.Peering], Exposes: exposure.Ranges}
	}
	errors := make(map[string]provider.PeeringRealization)
	for name, overlap := range rules.DecideOverlaps(rules.InForce(s.Interfaces), exposures) {
		errors[name] = overlapping(overlap.MessageForOwner(rules.NameOf(bound[name])))
		s.Peers[name] = provider.Peer{Network: bound[name], Overlaps: true}
	}
	for name, peer := range bound {
		if _, ok := errors[name]; ok || !inError(peer, network) {
			continue
		}
		if overlap, ok := rules.OverlapAtPeer(network, peer, peersOf(peer), members); ok {
			errors[name] = overlapping(overlap.MessageForPeer(rules.NameOf(peer)))
		}
	}
	return s, errors
}

// overlapping says why a peering is not in force.
func overlapping(message string) provider.PeeringRealization {
	return provider.PeeringRealization{State: v1alpha1.NetworkPeeringStateError, Reason: reasonOverlap, Message: message}
}

// inError tells whether a Network says that its peering with another one is in error.
func inError(network, other *v1alpha1.Network) bool {
	return slices.ContainsFunc(network.Status.Peerings, func(item v1alpha1.NetworkPeeringStatus) bool {
		return item.State == v1alpha1.NetworkPeeringStateError && item.NetworkRef != nil && item.NetworkRef.UID == other.UID
	})
}

// markOverlapping puts what overlaps in the place of what a provider reports, but for what it found the prefixes to stand for.
func markOverlapping(realization *provider.Realization, overlapping map[string]provider.PeeringRealization) {
	for name, overlap := range overlapping {
		if realization.Peerings == nil {
			realization.Peerings = make(map[string]provider.PeeringRealization)
		}
		overlap.Prefixes = realization.Peerings[name].Prefixes
		realization.Peerings[name] = overlap
	}
}

// affectedPeers returns the peers whose peerings a change of a Network begins or ends, or takes into an error or out of it.
func affectedPeers(before, after *v1alpha1.Network) []types.NamespacedName {
	var peers []types.NamespacedName
	if !slices.Equal(before.Spec.IncomingPeerings, after.Spec.IncomingPeerings) {
		for claim := range sets.New(before.Spec.IncomingPeerings...).SymmetricDifference(sets.New(after.Spec.IncomingPeerings...)) {
			peers = append(peers, types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name})
		}
	}
	was := rules.PeeringItems(before)
	for i := range after.Status.Peerings {
		item := &after.Status.Peerings[i]
		if ref := item.NetworkRef; ref != nil &&
			(item.State == v1alpha1.NetworkPeeringStateError) != (was[item.Name].State == v1alpha1.NetworkPeeringStateError) {
			peers = append(peers, types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name})
		}
	}
	return peers
}

// exposureMayChange tells whether a change of a Network may change what it exposes to its peers.
func exposureMayChange(before, after *v1alpha1.Network) bool {
	return !equality.Semantic.DeepEqual(before.Spec.Peerings, after.Spec.Peerings) ||
		!slices.EqualFunc(before.Status.Peerings, after.Status.Peerings, func(a, b v1alpha1.NetworkPeeringStatus) bool {
			return a.Name == b.Name && slices.Equal(a.Prefixes, b.Prefixes)
		})
}

// concernsNetwork tells whether a change of a NetworkInterface may change what realizes its Network. A nil NetworkInterface does not
// exist. The labels tell which policies are for it.
func concernsNetwork(before, after *v1alpha1.NetworkInterface) bool {
	return concernsPeers(before, after) || !maps.Equal(before.Labels, after.Labels)
}

// concernsPeers tells whether a change of a NetworkInterface may change what its Network exposes.
func concernsPeers(before, after *v1alpha1.NetworkInterface) bool {
	return before == nil || after == nil || before.UID != after.UID || before.Status.State != after.Status.State ||
		!slices.Equal(before.Status.IPs, after.Status.IPs) || !slices.Equal(before.Status.Prefixes, after.Status.Prefixes)
}

// decide returns the Network with the provider ID and the status that tell what realizes it, or nil if they do already.
func decide(network *v1alpha1.Network, realization provider.Realization) *v1alpha1.Network {
	realized := network.DeepCopy()
	if realized.Spec.ProviderID == "" {
		realized.Spec.ProviderID = realization.ProviderID
	}
	status := &realized.Status
	if realization.State != "" {
		status.State = realization.State
		provider.Explain(&status.Conditions, realization.State, realization.Reason, realization.Message)
	}
	for i := range status.Peerings {
		item := &status.Peerings[i]
		if peering, ok := realization.Peerings[item.Name]; ok {
			item.State, item.Prefixes = peering.State, peering.Prefixes
		}
	}
	if realization.Peerings != nil {
		explainPeerings(status, realization.Peerings)
	}
	if realized.Spec.ProviderID == network.Spec.ProviderID && equality.Semantic.DeepEqual(network.Status, *status) {
		return nil
	}
	return realized
}

// maxExplained is how many peerings one condition speaks of, and maxWords how many bytes are said of each: a condition may
// have 32 KiB.
const (
	maxExplained = 10
	maxWords     = 2 << 10
)

// shorten cuts a message that is too long.
func shorten(message string) string {
	if len(message) <= maxWords {
		return message
	}
	return strings.ToValidUTF8(message[:maxWords], "") + "…"
}

// explainPeerings says in conditions what is amiss with peerings.
func explainPeerings(status *v1alpha1.NetworkStatus, realized map[string]provider.PeeringRealization) {
	explain(status, realized, metav1.Condition{Type: v1alpha1.NetworkPrefixesOverlap, Status: metav1.ConditionTrue},
		func(reason string) bool { return reason == reasonOverlap })
	explain(status, realized, metav1.Condition{Type: provider.PeeringsRealized, Status: metav1.ConditionFalse},
		func(reason string) bool { return reason != reasonOverlap })
}

// explain says in a condition what is amiss with peerings for certain reasons, in the order of the peerings. It removes the
// condition where that is nothing.
func explain(status *v1alpha1.NetworkStatus, realized map[string]provider.PeeringRealization, condition metav1.Condition,
	about func(reason string) bool) {
	var messages []string
	for i := range status.Peerings {
		name := status.Peerings[i].Name
		if peering := realized[name]; peering.Reason != "" && about(peering.Reason) {
			condition.Reason = cmp.Or(condition.Reason, peering.Reason)
			messages = append(messages, fmt.Sprintf("%s: %s", name, shorten(peering.Message)))
		}
	}
	if len(messages) == 0 {
		meta.RemoveStatusCondition(&status.Conditions, condition.Type)
		return
	}
	if more := len(messages) - maxExplained; more > 0 {
		messages = append(messages[:maxExplained], fmt.Sprintf("And %d more.", more))
	}
	condition.Message = strings.Join(messages, " ")
	meta.SetStatusCondition(&status.Conditions, condition)
}

// markTooLarge says of policies that a provider enforces, if they select too much, that they allow nothing.
func markTooLarge(realized map[types.UID]provider.PolicyRealization, policies []rules.Policy) {
	for _, policy := range policies {
		if _, isEnforced := realized[policy.UID]; isEnforced && policy.TooLarge {
			realized[policy.UID] = provider.PolicyRealization{Reason: reasonTooLarge, Message: fmt.Sprintf(
				"It allows nothing: the rules of this Network's NetworkPolicies select more than %d addresses and ranges. "+
					"Select fewer objects, or give ranges that hold them in ipBlock.", rules.MaxSelected)}
		}
	}
}

// explainPolicy returns a NetworkPolicy with the condition Ready that tells what became of it, or nil if it does already.
func explainPolicy(policy *v1alpha1.NetworkPolicy, realization provider.PolicyRealization) *v1alpha1.NetworkPolicy {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: realization.Reason, Message: shorten(realization.Message),
		ObservedGeneration: policy.Generation,
	}
	if realization.InForce {
		condition.Status = metav1.ConditionTrue
	}
	ready := meta.FindStatusCondition(policy.Status.Conditions, condition.Type)
	if realization.Transient && isReported(policy) && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == policy.Generation {
		return nil
	}
	explained := policy.DeepCopy()
	meta.SetStatusCondition(&explained.Status.Conditions, condition)
	explained.Status.ObservedGeneration = policy.Generation
	if equality.Semantic.DeepEqual(explained.Status, policy.Status) {
		return nil
	}
	return explained
}

// isReported tells whether a NetworkPolicy has a provider's word.
func isReported(policy *v1alpha1.NetworkPolicy) bool {
	ready := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && !slices.Contains(
		[]string{v1alpha1.ReasonPending, v1alpha1.ReasonNotReported, v1alpha1.ReasonLeftToAgent}, ready.Reason)
}

// event tells users of a change that concerns them.
type event struct{ kind, reason, message string }

// events lists what a status tells that an earlier one did not.
func events(before, after *v1alpha1.Network) []event {
	var news []event
	for _, conditionType := range []string{v1alpha1.NetworkAvailable, provider.PeeringsRealized, v1alpha1.NetworkPrefixesOverlap} {
		reason, message := explanation(after, conditionType)
		oldReason, oldMessage := explanation(before, conditionType)
		if reason != "" && (reason != oldReason || message != oldMessage) {
			news = append(news, event{corev1.EventTypeWarning, reason, message})
		}
	}
	if before.Status.State == after.Status.State {
		return news
	}
	switch explained, _ := explanation(after, v1alpha1.NetworkAvailable); {
	case after.Status.State == v1alpha1.NetworkStateAvailable:
		news = append(news, event{corev1.EventTypeNormal, v1alpha1.NetworkReasonAvailable,
			"Realized as " + after.Spec.ProviderID})
	case after.Status.State == v1alpha1.NetworkStateError && explained == "":
		news = append(news, event{corev1.EventTypeWarning, v1alpha1.NetworkReasonError,
			"The network provider cannot realize the Network"})
	}
	return news
}

// explanation returns the words that the provider gave for a condition, if any.
func explanation(network *v1alpha1.Network, conditionType string) (reason, message string) {
	condition := meta.FindStatusCondition(network.Status.Conditions, conditionType)
	if condition == nil || provider.WordedByServer(condition.Reason) {
		return "", ""
	}
	return condition.Reason, condition.Message
}

func holds(network *v1alpha1.Network, finalizer string) bool {
	return finalizer != "" && slices.Contains(network.Finalizers, finalizer)
}

func withFinalizer(network *v1alpha1.Network, finalizer string) *v1alpha1.Network {
	network = network.DeepCopy()
	network.Finalizers = append(network.Finalizers, finalizer)
	return network
}

func withoutFinalizer(network *v1alpha1.Network, finalizer string) *v1alpha1.Network {
	network = network.DeepCopy()
	network.Finalizers = slices.DeleteFunc(network.Finalizers, func(f string) bool { return f == finalizer })
	return network
}
