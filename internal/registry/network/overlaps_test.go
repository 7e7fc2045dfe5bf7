// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
)

func TestOverlapsAreLookedForWhereAWriteMayMakeSome(t *testing.T) {
	for sentence, tc := range map[string]struct {
		change func(*networking.Network)
		want   bool
	}{
		"a label makes none":            {change: func(n *networking.Network) { n.Labels = map[string]string{"a": "b"} }},
		"a finalizer makes none":        {change: func(n *networking.Network) { n.Finalizers = []string{"example.com/f"} }},
		"another annotation makes none": {change: func(n *networking.Network) { n.Annotations["a"] = "b" }},
		"prefixes may": {want: true, change: func(n *networking.Network) {
			n.Spec.Peerings[0].Prefixes = []networking.PeeringPrefix{{Name: "p", Prefix: "10.0.0.0/8"}}
		}},
		"one who is declined no longer may": {want: true, change: func(n *networking.Network) {
			delete(n.Annotations, v1alpha1.DeclinedPeeringsAnnotation)
		}},
		"without peerings there are none": {change: func(n *networking.Network) { n.Spec.Peerings = nil }},
		"in a deletion there are none": {change: func(n *networking.Network) {
			n.DeletionTimestamp, n.Spec.Peerings[0].Prefixes = &metav1.Time{}, []networking.PeeringPrefix{{Name: "p", Prefix: "10.0.0.0/8"}}
		}},
	} {
		t.Run(sentence, func(t *testing.T) {
			stored := asking("b")
			stored.Annotations = map[string]string{v1alpha1.DeclinedPeeringsAnnotation: "team-a/a"}
			changed := stored.DeepCopy()
			tc.change(changed)
			looked := false
			(&Overlaps{watched{looked: &looked}}).ofNetwork(changed, stored)
			if looked != tc.want {
				t.Errorf("it looked for overlaps: %v, want %v", looked, tc.want)
			}
		})
	}
}

// watched tells whether anybody looks at it.
type watched struct {
	askedBy
	looked *bool
}

func (w watched) Network(types.NamespacedName) *v1alpha1.Network {
	*w.looked = true
	return nil
}
