// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

// mergeProviderStatus returns the stored status with what a provider may change taken from the sent one: the state,
// conditions of its own, and the data plane's word on each peering that the stored status has. About an item that the
// provider left out it says nothing any more.
func mergeProviderStatus(sent, stored networking.NetworkStatus) networking.NetworkStatus {
	merged := stored
	merged.Conditions = slices.DeleteFunc(slices.Clone(sent.Conditions), func(condition metav1.Condition) bool {
		return condition.Type == v1alpha1.NetworkDeletionBlocked
	})
	if blocked := meta.FindStatusCondition(stored.Conditions, v1alpha1.NetworkDeletionBlocked); blocked != nil {
		merged.Conditions = append(merged.Conditions, *blocked)
	}
	if sent.State != "" {
		merged.State = sent.State
	}
	merged.Peerings = slices.Clone(stored.Peerings)
	reported := worstReports(sent.Peerings)
	for i := range merged.Peerings {
		item := &merged.Peerings[i]
		report := reported[item.Name] // Empty where the provider says nothing.
		item.State, item.Prefixes = report.State, report.Prefixes
		// The reason must not contradict the state that it stands beside.
		if item.Reason == v1alpha1.PeeringReasonNetworkNotAvailable && merged.State == networking.NetworkStateAvailable {
			item.Reason, item.Message = v1alpha1.PeeringReasonEvaluating, evaluating
		}
	}
	return merged
}

// conditionTypes are the types of the conditions that the server keeps.
var conditionTypes = []string{
	v1alpha1.NetworkAvailable, v1alpha1.ConditionReady, v1alpha1.NetworkPeered, v1alpha1.NetworkDeletionBlocked,
}

// conditions make Available agree with the state and Peered with the phases. What a deletion waits for is for
// applyMembership to say.
func conditions(network *networking.Network) []metav1.Condition {
	status := &network.Status
	available := registry.AvailableCondition("Network", status.State, status.Conditions)
	available.ObservedGeneration = network.Generation
	derived := []metav1.Condition{
		available,
		registry.ReadyCondition(network.Generation, status.ObservedGeneration, available),
		peeredCondition(network),
	}
	if blocked := meta.FindStatusCondition(status.Conditions, v1alpha1.NetworkDeletionBlocked); blocked != nil {
		derived = append(derived, *blocked)
	}
	return derived
}

func peeredCondition(network *networking.Network) metav1.Condition {
	status := &network.Status
	bound, total := countBound(status), len(status.Peerings)
	derived := metav1.Condition{
		Type:    v1alpha1.NetworkPeered,
		Status:  metav1.ConditionTrue,
		Reason:  v1alpha1.NetworkReasonAllBound,
		Message: fmt.Sprintf("%d of %d peerings bound.", bound, total),
	}
	switch {
	case total == 0:
		derived.Reason, derived.Message = v1alpha1.NetworkReasonNoPeerings, "The Network has no peerings."
	case bound < total && status.ObservedGeneration < network.Generation:
		derived.Status, derived.Reason = metav1.ConditionFalse, v1alpha1.NetworkReasonEvaluating
	case bound < total:
		derived.Status, derived.Reason = metav1.ConditionFalse, v1alpha1.NetworkReasonPeeringsPending
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
