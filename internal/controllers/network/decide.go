// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/binding"
	"ironcore.dev/networking/internal/provider"
)

// managedByAnnotation on a Network tells that somebody else realizes it.
const managedByAnnotation = "common.ironcore.dev/managed-by"

// Reasons of the controller's own.
const (
	reasonRealizeFailed = "RealizeFailed"
	reasonReleaseFailed = "ReleaseFailed"
)

// managedElsewhere tells whether the Network is left to somebody else. A Network that the provider has begun with
// stays with it: nobody else would follow its peerings or take it down.
func managedElsewhere(network *v1alpha1.Network, finalizer string) bool {
	return network.Annotations[managedByAnnotation] != "" && network.Spec.ProviderID == "" && !holds(network, finalizer)
}

// boundPeers returns the Networks at the other end of the Bound peerings, by the peering's name. One that was made
// again since it was bound is not among them.
func boundPeers(network *v1alpha1.Network, lookup binding.Lookup) map[string]*v1alpha1.Network {
	bound := make(map[string]bool)
	for i := range network.Status.Peerings {
		item := &network.Status.Peerings[i]
		bound[item.Name] = item.Phase == v1alpha1.NetworkPeeringPhaseBound
	}
	peers := make(map[string]*v1alpha1.Network)
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		if !bound[peering.Name] {
			continue
		}
		peer := lookup(binding.Target(network.Namespace, peering.NetworkRef))
		if peer != nil && slices.Contains(network.Spec.IncomingPeerings,
			v1alpha1.NetworkPeeringClaimRef{Namespace: peer.Namespace, Name: peer.Name, UID: peer.UID}) {
			peers[peering.Name] = peer
		}
	}
	return peers
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

// maxExplained is how many peerings one condition speaks of.
const maxExplained = 10

// explainPeerings says in a condition what is amiss with peerings, in the order of the peerings.
func explainPeerings(status *v1alpha1.NetworkStatus, realized map[string]provider.PeeringRealization) {
	var reason string
	var messages []string
	for i := range status.Peerings {
		name := status.Peerings[i].Name
		if peering := realized[name]; peering.Reason != "" {
			if reason == "" {
				reason = peering.Reason
			}
			messages = append(messages, fmt.Sprintf("%s: %s", name, peering.Message))
		}
	}
	if reason == "" {
		meta.RemoveStatusCondition(&status.Conditions, provider.PeeringsRealized)
		return
	}
	if more := len(messages) - maxExplained; more > 0 {
		messages = append(messages[:maxExplained], fmt.Sprintf("And %d more.", more))
	}
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type:    provider.PeeringsRealized,
		Status:  metav1.ConditionFalse,
		Reason:  reason,
		Message: strings.Join(messages, " "),
	})
}

// event tells users of a change that concerns them.
type event struct{ kind, reason, message string }

// events lists what a status tells that an earlier one did not.
func events(before, after *v1alpha1.Network) []event {
	var told []event
	for _, conditionType := range []string{v1alpha1.NetworkAvailable, provider.PeeringsRealized} {
		reason, message := explanation(after, conditionType)
		oldReason, oldMessage := explanation(before, conditionType)
		if reason != "" && (reason != oldReason || message != oldMessage) {
			told = append(told, event{corev1.EventTypeWarning, reason, message})
		}
	}
	if before.Status.State == after.Status.State {
		return told
	}
	switch explained, _ := explanation(after, v1alpha1.NetworkAvailable); {
	case after.Status.State == v1alpha1.NetworkStateAvailable:
		told = append(told, event{corev1.EventTypeNormal, v1alpha1.NetworkReasonAvailable,
			"Realized as " + after.Spec.ProviderID})
	case after.Status.State == v1alpha1.NetworkStateError && explained == "":
		told = append(told, event{corev1.EventTypeWarning, v1alpha1.NetworkReasonError,
			"The network provider cannot realize the Network"})
	}
	return told
}

// explanation returns the words that the provider gave for a condition, if any.
func explanation(network *v1alpha1.Network, conditionType string) (reason, message string) {
	condition := meta.FindStatusCondition(network.Status.Conditions, conditionType)
	if condition == nil || provider.WordedByServer(condition.Reason) {
		return "", ""
	}
	return condition.Reason, condition.Message
}

// droppedClaims lists the claims that a holder had before and has no more; a nil holder does not exist.
func droppedClaims(before, holder *v1alpha1.Network) []v1alpha1.NetworkPeeringClaimRef {
	var kept []v1alpha1.NetworkPeeringClaimRef
	if holder != nil {
		kept = holder.Spec.IncomingPeerings
	}
	if equality.Semantic.DeepEqual(before.Spec.IncomingPeerings, kept) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(before.Spec.IncomingPeerings), func(claim v1alpha1.NetworkPeeringClaimRef) bool {
		return slices.Contains(kept, claim)
	})
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
