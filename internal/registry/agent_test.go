// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
)

func TestLeftTo(t *testing.T) {
	now := metav1.Now()
	const left = " This server leaves virtualips to somebody, which has to run."
	for sentence, tc := range map[string]struct {
		agent       string
		ready, want metav1.Condition
	}{
		"what is missing is the agent's to bring": {
			agent: "somebody", ready: Unrealized("No address.", nil)[0],
			want: metav1.Condition{Type: "Ready", Status: "False", Reason: "LeftToAgent", Message: "No address." + left},
		},
		"what nobody reports is the agent's to report": {
			agent: "somebody", ready: metav1.Condition{Type: "Ready", Status: "True", Reason: "NotReported", Message: "Stored."},
			want: metav1.Condition{Type: "Ready", Status: "True", Reason: "LeftToAgent", Message: "Stored." + left},
		},
		"what is realized needs no word": {agent: "somebody", ready: realized("All there.")[0], want: realized("All there.")[0]},
		"the agent's own word stays": {
			agent: "somebody",
			ready: metav1.Condition{Type: "Ready", Status: "False", Reason: "Full", Message: "No room.", LastTransitionTime: now},
			want:  metav1.Condition{Type: "Ready", Status: "False", Reason: "Full", Message: "No room.", LastTransitionTime: now},
		},
		"without an agent, all stays": {ready: Unrealized("No address.", nil)[0], want: Unrealized("No address.", nil)[0]},
	} {
		t.Run(sentence, func(t *testing.T) {
			kind := Definition[*networking.VirtualIP]{
				Plural:     "virtualips",
				Conditions: func(*networking.VirtualIP) []metav1.Condition { return []metav1.Condition{tc.ready} },
			}
			got := kind.LeftTo(tc.agent).Conditions(nil)
			if diff := cmp.Diff([]metav1.Condition{tc.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
