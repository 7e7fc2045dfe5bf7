// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestIsReadyStale(t *testing.T) {
	conditions := func(available, ready metav1.ConditionStatus, observed int64) []metav1.Condition {
		return []metav1.Condition{{Type: "Available", Status: available}, {Type: "Ready", Status: ready, ObservedGeneration: observed}}
	}
	for sentence, tc := range map[string]struct {
		generation, observed int64
		conditions           []metav1.Condition
		want                 bool
	}{
		"one that is missing is":                            {2, 2, conditions("True", "True", 2)[:1], true},
		"one that agrees is not":                            {2, 2, conditions("True", "True", 2), false},
		"one of what is not available is not":               {2, 2, conditions("False", "False", 2), false},
		"one that waits for the newest spec is not":         {3, 2, conditions("True", "False", 2), false},
		"one of another generation is":                      {2, 2, conditions("True", "True", 1), true},
		"one that does not know what became available is":   {2, 2, conditions("True", "False", 2), true},
		"one that does not know what ended is":              {2, 2, conditions("False", "True", 2), true},
		"one of a server that counts no generations is not": {0, 0, conditions("True", "True", 0), false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := IsReadyStale(tc.generation, tc.observed, tc.conditions); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
