// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// BenchmarkDecide decides what to write of a Network's realization: all of it, or nothing, which is most often the case.
func BenchmarkDecide(b *testing.B) {
	for _, peerings := range []int{2, 1000} {
		realized := provider.Realization{
			ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable,
			Reason: "Available", Message: "The network provider has realized the Network.",
			Peerings: make(map[string]provider.PeeringRealization),
		}
		network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"}}
		for i := range peerings {
			name := fmt.Sprintf("p%d", i)
			network.Status.Peerings = append(network.Status.Peerings, v1alpha1.NetworkPeeringStatus{Name: name})
			realized.Peerings[name] = provider.PeeringRealization{State: v1alpha1.NetworkPeeringStateReady}
		}
		for _, step := range []struct {
			name    string
			network *v1alpha1.Network
			writes  bool
		}{{"new", network, true}, {"unchanged", decide(network, realized), false}} {
			b.Run(fmt.Sprintf("%s/%d peerings", step.name, peerings), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if written := decide(step.network, realized) != nil; written != step.writes {
						b.Fatalf("got write %t, want %t", written, step.writes)
					}
				}
			})
		}
	}
}
