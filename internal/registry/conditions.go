// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// AvailableCondition returns the condition Available of a kind's object in a state. A reason and a message that the
// provider gave stay as long as they fit the state.
func AvailableCondition[S ~string](kind string, state S, given []metav1.Condition) metav1.Condition {
	derived := metav1.Condition{Type: v1alpha1.NetworkAvailable, Status: metav1.ConditionFalse}
	switch string(state) {
	case v1alpha1.NetworkReasonAvailable:
		derived.Status = metav1.ConditionTrue
		derived.Reason = v1alpha1.NetworkReasonAvailable
		derived.Message = fmt.Sprintf("The network provider has realized the %s.", kind)
	case v1alpha1.NetworkReasonError:
		derived.Reason = v1alpha1.NetworkReasonError
		derived.Message = fmt.Sprintf("The network provider cannot realize the %s.", kind)
	default:
		derived.Reason = v1alpha1.NetworkReasonPending
		derived.Message = fmt.Sprintf("The network provider has not realized the %s yet.", kind)
	}
	available := meta.FindStatusCondition(given, derived.Type)
	if available == nil || available.Status != derived.Status || available.Reason == "" {
		return derived
	}
	switch available.Reason {
	case v1alpha1.NetworkReasonPending, v1alpha1.NetworkReasonAvailable, v1alpha1.NetworkReasonError:
		if available.Reason != derived.Reason {
			return derived
		}
	}
	return *available
}

// ReadyCondition returns the condition Ready: an object is ready when what was asked of it last is in force, which the
// condition that it follows tells. Tools that wait for an object wait for this.
func ReadyCondition(generation, observed int64, inForce metav1.Condition) metav1.Condition {
	ready := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: inForce.Status, Reason: inForce.Reason, Message: inForce.Message,
	}
	if ready.Status == metav1.ConditionTrue && observed < generation {
		ready.Status = metav1.ConditionFalse
		ready.Reason = v1alpha1.NetworkReasonPending
		ready.Message = "What was asked last is not in force yet."
	}
	return ready
}

// mergeConditions returns the conditions that the server derives, dated by their last transition since the stored ones, and
// after them those of the given that are not of the server's types.
func mergeConditions(derived, given, stored []metav1.Condition, serverTypes []string, now metav1.Time) []metav1.Condition {
	for i := range derived {
		condition := &derived[i]
		condition.LastTransitionTime = now
		if before := meta.FindStatusCondition(stored, condition.Type); before != nil && before.Status == condition.Status {
			condition.LastTransitionTime = before.LastTransitionTime
		}
	}
	for _, condition := range given {
		if !slices.Contains(serverTypes, condition.Type) {
			if condition.LastTransitionTime.IsZero() { // The group's first clients may leave it out.
				condition.LastTransitionTime = now
			}
			derived = append(derived, condition)
		}
	}
	return derived
}
