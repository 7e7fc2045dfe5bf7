// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// BenchmarkConcernsPeers asks of an update that does not matter to peers, which takes the longest: all is compared.
func BenchmarkConcernsPeers(b *testing.B) {
	for _, peerings := range []int{2, 1000} {
		b.Run(fmt.Sprintf("%d peerings", peerings), func(b *testing.B) {
			old := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a"}}
			for i := range peerings {
				name := fmt.Sprintf("network-%d", i)
				old.Spec.Peerings = append(old.Spec.Peerings, v1alpha1.NetworkPeering{
					Name: name, NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: name}})
			}
			network := old.DeepCopy()
			network.Spec.ProviderID = "local://5"
			b.ReportAllocs()
			for b.Loop() {
				if concernsPeers(old, network) {
					b.Fatal("a provider ID concerns no peer")
				}
			}
		})
	}
}
