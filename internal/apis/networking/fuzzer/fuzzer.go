// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package fuzzer fills objects of the networking.ironcore.dev API with random values for tests: any value that survives
// defaulting, valid or not.
package fuzzer

import (
	"sigs.k8s.io/randfill"

	"k8s.io/apimachinery/pkg/runtime/serializer"

	"ironcore.dev/networking/internal/apis/networking"
)

// Funcs are the fillers of the types whose values are not all kept by defaulting.
func Funcs(serializer.CodecFactory) []any {
	return []any{
		func(prefix *networking.PeeringPrefix, c randfill.Continue) {
			c.FillNoCustom(prefix)
			// An empty prefixRef is read as none.
			if prefix.PrefixRef != nil && *prefix.PrefixRef == (networking.LocalObjectReference{}) {
				prefix.PrefixRef = nil
			}
		},
		func(ref *networking.LocalUIDReference, c randfill.Continue) {
			c.FillNoCustom(ref)
			// An empty one is read as none.
			if ref.Name == "" {
				ref.Name = "machine"
			}
		},
		func(spec *networking.PrefixSpec, c randfill.Continue) {
			c.FillNoCustom(spec)
			// Of an address, an empty family and a length of 0 are filled in.
			spec.IPFamily, spec.PrefixLength = networking.IPv6Protocol, 1+c.Int31n(128)
		},
		func(spec *networking.NetworkInterfaceSpec, c randfill.Continue) {
			c.FillNoCustom(spec)
			spec.IPFamilies = []networking.IPFamily{networking.IPv4Protocol, networking.IPv6Protocol}
		},
		func(spec *networking.LoadBalancerSpec, c randfill.Continue) {
			c.FillNoCustom(spec)
			spec.IPFamilies = []networking.IPFamily{networking.IPv4Protocol, networking.IPv6Protocol}
		},
		func(spec *networking.NATGatewaySpec, c randfill.Continue) {
			c.FillNoCustom(spec)
			if spec.PortsPerNetworkInterface == nil {
				ports := c.Int31()
				spec.PortsPerNetworkInterface = &ports
			}
		},
		func(spec *networking.NetworkPolicySpec, c randfill.Continue) {
			c.FillNoCustom(spec)
			spec.PolicyTypes = []networking.PolicyType{networking.PolicyTypeEgress, networking.PolicyTypeIngress}
		},
	}
}
