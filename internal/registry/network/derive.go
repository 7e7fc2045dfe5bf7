// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/binding"
	"ironcore.dev/networking/internal/registry/kind"
)

// What the server derives in the same write as the change it follows from. Pure functions of the new and the stored
// Network; the strategies call them.

// mirrorPeerings gives every peering its item in status.peerings, in order, and drops items and claims of peerings that
// are gone or name another Network now. The network carries the stored status and claims when it is called; old is the
// stored Network, nil on create.
func mirrorPeerings(network, old *networking.Network, now metav1.Time) {
	if old != nil && equality.Semantic.DeepEqual(network.Spec.Peerings, old.Spec.Peerings) {
		return
	}
	kept := make(map[string]*networking.NetworkPeeringStatus, len(network.Status.Peerings))
	if old != nil {
		targets := make(map[string]networking.NetworkPeeringNetworkRef, len(old.Spec.Peerings))
		for i := range old.Spec.Peerings {
			targets[old.Spec.Peerings[i].Name] = resolve(old, old.Spec.Peerings[i].NetworkRef)
		}
		items := statusByName(old.Status.Peerings)
		for i := range network.Spec.Peerings {
			peering := &network.Spec.Peerings[i]
			if target, ok := targets[peering.Name]; ok && target == resolve(network, peering.NetworkRef) {
				kept[peering.Name] = items[peering.Name]
			}
		}
	}

	claims := make(map[types.NamespacedName]networking.NetworkPeeringClaimRef, len(network.Spec.IncomingPeerings))
	for _, claim := range network.Spec.IncomingPeerings {
		claims[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = claim
	}
	network.Spec.IncomingPeerings = nil
	var statuses []networking.NetworkPeeringStatus
	undecided := false
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		status := kept[peering.Name]
		if status == nil {
			status = newPeeringStatus(network, peering.Name, now)
			undecided = undecided || status.Reason == v1alpha1.PeeringReasonEvaluating
		}
		if status.Phase == networking.NetworkPeeringPhaseBound {
			target := resolve(network, peering.NetworkRef)
			if claim, ok := claims[types.NamespacedName{Namespace: target.Namespace, Name: target.Name}]; ok {
				network.Spec.IncomingPeerings = append(network.Spec.IncomingPeerings, claim)
			}
		}
		statuses = append(statuses, *status)
	}
	network.Status.Peerings = statuses

	// Without a new item that only the controller can decide on, the phases already speak for this generation.
	observed := old == nil || old.Status.ObservedGeneration == old.Generation
	if !undecided && (observed || len(statuses) == 0) {
		network.Status.ObservedGeneration = network.Generation
	}
}

// newPeeringStatus is where a peering starts, with the reason that the controller would give if the Network itself
// already tells it.
func newPeeringStatus(network *networking.Network, name string, now metav1.Time) *networking.NetworkPeeringStatus {
	reason, message := binding.OwnReason(network.DeletionTimestamp != nil, v1alpha1.NetworkState(network.Status.State))
	if reason == "" {
		reason = v1alpha1.PeeringReasonEvaluating
		message = "The peering controller has not decided on this peering yet."
	}
	return &networking.NetworkPeeringStatus{
		Name:                    name,
		Phase:                   networking.NetworkPeeringPhasePending,
		Reason:                  reason,
		Message:                 message,
		LastPhaseTransitionTime: &now,
	}
}

// resolve fills in the namespace that a reference without one means.
func resolve(network *networking.Network, ref networking.NetworkPeeringNetworkRef) networking.NetworkPeeringNetworkRef {
	if ref.Namespace == "" {
		ref.Namespace = network.Namespace
	}
	return ref
}

func statusByName(items []networking.NetworkPeeringStatus) map[string]*networking.NetworkPeeringStatus {
	byName := make(map[string]*networking.NetworkPeeringStatus, len(items))
	for i := range items {
		byName[items[i].Name] = &items[i]
	}
	return byName
}

// mergeProviderStatus returns the stored status with what a provider may change taken from the sent one: the state,
// conditions of its own, and the data plane's word on each peering that the stored status has. An item that the provider
// left out stays as it is.
func mergeProviderStatus(sent, stored networking.NetworkStatus) networking.NetworkStatus {
	merged := stored
	merged.Conditions = sent.Conditions
	if sent.State != "" {
		merged.State = sent.State
	}
	merged.Peerings = slices.Clone(stored.Peerings)
	items := statusByName(sent.Peerings)
	for i := range merged.Peerings {
		if item := items[merged.Peerings[i].Name]; item != nil {
			merged.Peerings[i].State = item.State
			merged.Peerings[i].Prefixes = item.Prefixes
		}
	}
	return merged
}

// applyRealization puts into the Network what the provider inside the server made of it: the provider ID and the status
// change together.
func applyRealization(network *networking.Network, realized *networking.NetworkRealization, now metav1.Time) {
	if realized.ProviderID != "" {
		network.Spec.ProviderID = realized.ProviderID
	}
	stored := network.Status
	network.Status = mergeProviderStatus(realized.Status, stored)
	deriveConditions(network, stored.Conditions, now)
}

// applyBinding puts a decision into the Network: claims, phases and conditions change together.
func applyBinding(network *networking.Network, decided *networking.NetworkBinding, now metav1.Time) {
	network.Spec.IncomingPeerings = decided.IncomingPeerings
	items := statusByName(network.Status.Peerings)
	for i := range decided.Peerings {
		decision := &decided.Peerings[i]
		item := items[decision.Name]
		if item.Phase != decision.Phase {
			item.LastPhaseTransitionTime = &now
		}
		item.Phase, item.Reason, item.Message = decision.Phase, decision.Reason, decision.Message
	}
	network.Status.ObservedGeneration = network.Generation
	deriveConditions(network, network.Status.Conditions, now)
}

// serverConditions are the types of the conditions that the server keeps.
var serverConditions = []string{v1alpha1.NetworkAvailable, v1alpha1.NetworkPeered, v1alpha1.NetworkDeletionBlocked}

// deriveConditions makes Available agree with the state and Peered with the phases; stored are the conditions before
// this write. What a deletion waits for is for applyMembership to say, and stays as stored.
func deriveConditions(network *networking.Network, stored []metav1.Condition, now metav1.Time) {
	status := &network.Status
	derived := []metav1.Condition{kind.AvailableCondition("Network", status.State, status.Conditions)}
	if len(status.Peerings) > 0 {
		derived = append(derived, peeredCondition(status))
	}
	if blocked := meta.FindStatusCondition(stored, v1alpha1.NetworkDeletionBlocked); blocked != nil {
		derived = append(derived, *blocked)
	}
	status.Conditions = kind.Conditions(derived, status.Conditions, stored, serverConditions, now)
}

func peeredCondition(status *networking.NetworkStatus) metav1.Condition {
	bound, total := countBound(status), len(status.Peerings)
	derived := metav1.Condition{
		Type:               v1alpha1.NetworkPeered,
		Status:             metav1.ConditionTrue,
		Reason:             v1alpha1.NetworkReasonAllBound,
		Message:            fmt.Sprintf("%d of %d peerings are Bound.", bound, total),
		ObservedGeneration: status.ObservedGeneration,
	}
	if bound < total {
		derived.Status = metav1.ConditionFalse
		derived.Reason = v1alpha1.NetworkReasonPeeringsPending
	}
	return derived
}

func countBound(status *networking.NetworkStatus) int {
	bound := 0
	for i := range status.Peerings {
		if status.Peerings[i].Phase == networking.NetworkPeeringPhaseBound {
			bound++
		}
	}
	return bound
}
