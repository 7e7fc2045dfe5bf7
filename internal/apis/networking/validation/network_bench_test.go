// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

// fullyBound is a Network whose peerings are all Bound and realized, with the binding that made them so.
func fullyBound(peerings int) (*networking.Network, *networking.NetworkBinding) {
	network := networkA()
	network.ResourceVersion = "7"
	network.Spec.ProviderID = "local://5"
	network.Status.State = networking.NetworkStateAvailable
	network.Status.Conditions = []metav1.Condition{{
		Type: "Available", Status: metav1.ConditionTrue, Reason: "Available",
		LastTransitionTime: metav1.NewTime(time.Unix(1, 0)),
	}}
	binding := &networking.NetworkBinding{ObjectMeta: metav1.ObjectMeta{
		Namespace: network.Namespace, Name: network.Name, UID: uidA, ResourceVersion: network.ResourceVersion,
	}}
	for i := range peerings {
		name := fmt.Sprintf("peering-%d", i)
		peer := networking.NetworkPeeringNetworkRef{Namespace: "team-b", Name: fmt.Sprintf("network-%d", i)}
		network.Spec.Peerings = append(network.Spec.Peerings, via(name, peer))
		binding.IncomingPeerings = append(binding.IncomingPeerings, networking.NetworkPeeringClaimRef{
			Namespace: peer.Namespace, Name: peer.Name,
			UID: types.UID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i)),
		})
		binding.Peerings = append(binding.Peerings, networking.NetworkPeeringBinding{
			Name: name, Phase: networking.NetworkPeeringPhaseBound, Reason: "Bound", Message: "Both name each other.",
		})
		network.Status.Peerings = append(network.Status.Peerings, networking.NetworkPeeringStatus{
			Name: name, Phase: networking.NetworkPeeringPhaseBound, State: networking.NetworkPeeringStateReady,
			Prefixes: []networking.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}},
		})
	}
	network.Spec.IncomingPeerings = binding.IncomingPeerings
	return network, binding
}

// BenchmarkValidateWrites adds to the creates of BenchmarkValidateNetwork the other writes of a Network.
func BenchmarkValidateWrites(b *testing.B) {
	for _, write := range []struct {
		name     string
		validate func(network, old *networking.Network, binding *networking.NetworkBinding) field.ErrorList
	}{
		{"update", func(network, old *networking.Network, _ *networking.NetworkBinding) field.ErrorList {
			return ValidateNetworkUpdate(network, old)
		}},
		{"status", func(network, old *networking.Network, _ *networking.NetworkBinding) field.ErrorList {
			return ValidateNetworkStatusUpdate(network, old)
		}},
		{"binding", func(_, old *networking.Network, binding *networking.NetworkBinding) field.ErrorList {
			return ValidateNetworkBinding(binding, old)
		}},
	} {
		for _, peerings := range []int{8, 1000} {
			b.Run(fmt.Sprintf("%s/%d peerings", write.name, peerings), func(b *testing.B) {
				network, binding := fullyBound(peerings)
				old := network.DeepCopy()
				b.ReportAllocs()
				for b.Loop() {
					if errs := write.validate(network, old, binding); len(errs) > 0 {
						b.Fatal(errs.ToAggregate())
					}
				}
			})
		}
	}
}
