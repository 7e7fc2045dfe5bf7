// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// IsReadyStale tells whether the condition Ready of a Network or NetworkInterface is not what follows from its condition Available
// and its generations: a replica of an earlier release, which does not keep Ready, wrote the object last. Any write repairs it.
func IsReadyStale(generation, observed int64, conditions []metav1.Condition) bool {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	available := meta.IsStatusConditionTrue(conditions, v1alpha1.NetworkAvailable)
	return ready == nil || ready.ObservedGeneration != observed ||
		(ready.Status == metav1.ConditionTrue) != (available && observed >= generation)
}
