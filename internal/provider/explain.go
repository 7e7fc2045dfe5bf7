// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Explain gives the condition Available the reason and the message that a provider reports with a state. Where it
// reports none, it takes back an earlier explanation; the server then words the condition by the state.
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

// WordedByServer tells whether a reason of the condition Available is the server's own, not a provider's.
func WordedByServer(reason string) bool {
	switch reason {
	case v1alpha1.NetworkReasonPending, v1alpha1.NetworkReasonAvailable, v1alpha1.NetworkReasonError:
		return true
	}
	return false
}
