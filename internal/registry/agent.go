// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// LeftTo returns the definition for a server that leaves the kind to an agent outside: as long as nothing is reported of an
// object, its condition Ready says who is to do so. Without an agent, it stays as it is.
func (d Definition[T]) LeftTo(agent string) Definition[T] {
	if agent == "" {
		return d
	}
	conditions := d.Conditions
	d.Conditions = func(object T) []metav1.Condition {
		derived := conditions(object)
		for i := range derived {
			// One with a date is the agent's own.
			if condition := &derived[i]; condition.LastTransitionTime.IsZero() && condition.Reason != v1alpha1.ReasonRealized {
				condition.Reason = v1alpha1.ReasonLeftToAgent
				condition.Message += fmt.Sprintf(" This server leaves %s to %s, which has to run.", d.Plural, agent)
			}
		}
		return derived
	}
	return d
}
