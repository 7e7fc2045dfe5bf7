// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// decide returns the write that brings a Network in line with what realizes it: of the Network itself, or else of its
// status, or none.
func decide(network *v1alpha1.Network, realization provider.Realization) (update, status *v1alpha1.Network) {
	if network.Spec.ProviderID == "" && realization.ProviderID != "" {
		update = network.DeepCopy()
		update.Spec.ProviderID = realization.ProviderID
		return update, nil
	}
	status = network.DeepCopy()
	if realization.State != "" {
		status.Status.State = realization.State
	}
	if realization.Reason != "" {
		meta.SetStatusCondition(&status.Status.Conditions, metav1.Condition{
			Type:    v1alpha1.NetworkAvailable,
			Status:  conditionStatus(status.Status.State),
			Reason:  realization.Reason,
			Message: realization.Message,
		})
	} else if realization.State != "" {
		dropExplanation(&status.Status)
	}
	for i := range status.Status.Peerings {
		item := &status.Status.Peerings[i]
		if realized, ok := realization.Peerings[item.Name]; ok {
			item.State, item.Prefixes = realized.State, realized.Prefixes
		}
	}
	if equality.Semantic.DeepEqual(network.Status, status.Status) {
		return nil, nil
	}
	return nil, status
}

func conditionStatus(state v1alpha1.NetworkState) metav1.ConditionStatus {
	if state == v1alpha1.NetworkStateAvailable {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}

// dropExplanation takes back a reason that the provider gave earlier; the server then words the condition by the state.
func dropExplanation(status *v1alpha1.NetworkStatus) {
	available := meta.FindStatusCondition(status.Conditions, v1alpha1.NetworkAvailable)
	if available == nil {
		return
	}
	switch available.Reason {
	case v1alpha1.NetworkReasonPending, v1alpha1.NetworkReasonAvailable, v1alpha1.NetworkReasonError:
	default:
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.NetworkAvailable)
	}
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
