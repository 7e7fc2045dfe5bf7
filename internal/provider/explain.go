// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Explain writes the reason and message that a provider reports with a state into the condition Available. Without a reason it
// removes the provider's earlier condition: the server then writes one of its own.
func Explain[S ~string](conditions *[]metav1.Condition, state S, reason, message string) {
	if reason == "" {
		stored := meta.FindStatusCondition(*conditions, v1alpha1.NetworkAvailable)
		if stored != nil && !WordedByServer(stored.Reason) {
			meta.RemoveStatusCondition(conditions, v1alpha1.NetworkAvailable)
		}
		return
	}
	explained := metav1.Condition{
		Type: v1alpha1.NetworkAvailable, Status: metav1.ConditionFalse, Reason: reason, Message: message,
	}
	if string(state) == string(v1alpha1.NetworkStateAvailable) {
		explained.Status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(conditions, explained)
}

// WordedByServer tells whether a reason of the condition Available is the server's, not a provider's.
func WordedByServer(reason string) bool {
	switch reason {
	case v1alpha1.NetworkReasonPending, v1alpha1.NetworkReasonAvailable, v1alpha1.NetworkReasonError:
		return true
	}
	return false
}
