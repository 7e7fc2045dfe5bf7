// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package kind

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

// Conditions returns the conditions that the server derives, dated by their last transition since the stored ones, and
// after them those of the given that are not of the server's types.
func Conditions(derived, given, stored []metav1.Condition, serverTypes []string, now metav1.Time) []metav1.Condition {
	for i := range derived {
		condition := &derived[i]
		condition.LastTransitionTime = now
		if before := meta.FindStatusCondition(stored, condition.Type); before != nil && before.Status == condition.Status {
			condition.LastTransitionTime = before.LastTransitionTime
		}
	}
	for _, condition := range given {
		if !slices.Contains(serverTypes, condition.Type) {
			derived = append(derived, condition)
		}
	}
	return derived
}
