// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// BenchmarkDecide decides on a Network of which all peers accept, and on one of them: the hub and a spoke of a star.
func BenchmarkDecide(b *testing.B) {
	for _, spokes := range []int{2, 200, 1000} {
		networks := make(map[types.NamespacedName]*v1alpha1.Network)
		hub := available("team-a", "hub")
		for i := range spokes {
			spoke := available("team-b", fmt.Sprintf("spoke-%d", i), ref{Namespace: "team-a", Name: "hub"})
			networks[types.NamespacedName{Namespace: spoke.Namespace, Name: spoke.Name}] = spoke
			hub.Spec.Peerings = append(hub.Spec.Peerings, v1alpha1.NetworkPeering{
				Name: spoke.Name, NetworkRef: ref{Namespace: spoke.Namespace, Name: spoke.Name}})
		}
		networks[types.NamespacedName{Namespace: "team-a", Name: "hub"}] = hub
		first := networks[types.NamespacedName{Namespace: "team-b", Name: "spoke-0"}]
		for _, network := range []*v1alpha1.Network{hub, first} {
			b.Run(fmt.Sprintf("%s of %d", network.Name, spokes), func(b *testing.B) {
				lookup := func(name types.NamespacedName) *v1alpha1.Network { return networks[name] }
				b.ReportAllocs()
				for b.Loop() {
					decided := DecideBinding(network, lookup)
					if len(decided.IncomingPeerings) != len(network.Spec.Peerings) {
						b.Fatalf("%d of %d peerings are Bound", len(decided.IncomingPeerings), len(network.Spec.Peerings))
					}
				}
			})
		}
	}
}
