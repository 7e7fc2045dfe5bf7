// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"net/netip"
	"slices"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// SetDefaults_PeeringPrefix reads an empty prefixRef as none: clients whose type has no pointer there always send one.
func SetDefaults_PeeringPrefix(prefix *v1alpha1.PeeringPrefix) {
	if prefix.PrefixRef != nil && *prefix.PrefixRef == (v1alpha1.LocalObjectReference{}) {
		prefix.PrefixRef = nil
	}
}

// SetDefaults_NetworkInterfaceSpec takes the families of the addresses and their templates from each other, and reads an empty
// machineRef as none.
func SetDefaults_NetworkInterfaceSpec(spec *v1alpha1.NetworkInterfaceSpec) {
	dropEmpty(&spec.MachineRef)
	spec.IPFamilies = matchFamilies(spec.IPFamilies, spec.IPs)
}

// SetDefaults_VirtualIPSpec reads an empty targetRef as none.
func SetDefaults_VirtualIPSpec(spec *v1alpha1.VirtualIPSpec) { dropEmpty(&spec.TargetRef) }

// SetDefaults_EphemeralVirtualIPSpec reads an empty targetRef as none.
func SetDefaults_EphemeralVirtualIPSpec(spec *v1alpha1.EphemeralVirtualIPSpec) {
	dropEmpty(&spec.TargetRef)
}

func dropEmpty(ref **v1alpha1.LocalUIDReference) {
	if *ref != nil && **ref == (v1alpha1.LocalUIDReference{}) {
		*ref = nil
	}
}

// SetDefaults_LoadBalancerSpec takes the families of the addresses and their templates from each other.
func SetDefaults_LoadBalancerSpec(spec *v1alpha1.LoadBalancerSpec) {
	spec.IPFamilies = matchFamilies(spec.IPFamilies, spec.IPs)
}

// SetDefaults_NATGatewaySpec gives each NetworkInterface a usual number of ports.
func SetDefaults_NATGatewaySpec(spec *v1alpha1.NATGatewaySpec) {
	if spec.PortsPerNetworkInterface == nil {
		ports := v1alpha1.DefaultPortsPerNetworkInterface
		spec.PortsPerNetworkInterface = &ports
	}
}

// SetDefaults_NetworkPolicySpec adds the directions that there are rules for, sorted and each once.
func SetDefaults_NetworkPolicySpec(spec *v1alpha1.NetworkPolicySpec) {
	directions := slices.Clone(spec.PolicyTypes)
	if len(spec.Ingress) > 0 {
		directions = append(directions, v1alpha1.PolicyTypeIngress)
	}
	if len(spec.Egress) > 0 {
		directions = append(directions, v1alpha1.PolicyTypeEgress)
	}
	slices.Sort(directions)
	spec.PolicyTypes = slices.Compact(directions)
}

// SetDefaults_IPSource spells an address.
func SetDefaults_IPSource(source *v1alpha1.IPSource) { spell(&source.Value) }

// SetDefaults_LoadBalancerDestination spells an address.
func SetDefaults_LoadBalancerDestination(destination *v1alpha1.LoadBalancerDestination) {
	spell(&destination.IP)
}

// SetDefaults_NetworkInterfaceStatus spells the addresses.
func SetDefaults_NetworkInterfaceStatus(status *v1alpha1.NetworkInterfaceStatus) {
	spellAll(status.IPs)
	spell(&status.VirtualIP)
}

// SetDefaults_LoadBalancerStatus spells the addresses.
func SetDefaults_LoadBalancerStatus(status *v1alpha1.LoadBalancerStatus) { spellAll(status.IPs) }

// SetDefaults_NATGatewayStatus spells the addresses.
func SetDefaults_NATGatewayStatus(status *v1alpha1.NATGatewayStatus) { spellAll(status.IPs) }

// SetDefaults_VirtualIPStatus spells the address.
func SetDefaults_VirtualIPStatus(status *v1alpha1.VirtualIPStatus) { spell(&status.IP) }

// spell gives an address the one spelling that RFC 5952 recommends, so that addresses are equal exactly when their texts are.
// What is no address stays as it is: validation says so.
func spell(ip *string) {
	if address, err := netip.ParseAddr(*ip); err == nil {
		*ip = address.String()
	}
}

func spellAll(ips []string) {
	for i := range ips {
		spell(&ips[i])
	}
}

// matchFamilies gives each address of a template the family and the length that it must have, and returns the families of
// the addresses where none are given.
func matchFamilies(families []v1alpha1.IPFamily, ips []v1alpha1.IPSource) []v1alpha1.IPFamily {
	switch {
	case len(families) == 0:
		for i := range ips {
			families = append(families, familyOf(&ips[i]))
		}
	case len(families) == len(ips):
		for i := range ips {
			if template := templateOf(&ips[i]); template != nil && template.IPFamily == "" {
				template.IPFamily = families[i]
			}
		}
	}
	for i := range ips {
		if template := templateOf(&ips[i]); template != nil && template.Prefix == "" && template.PrefixLength == 0 {
			template.PrefixLength = addressLength[template.IPFamily]
		}
	}
	return families
}

// addressLength is the length of the prefix that is one address.
var addressLength = map[v1alpha1.IPFamily]int32{v1alpha1.IPv4Protocol: 32, v1alpha1.IPv6Protocol: 128}

func templateOf(source *v1alpha1.IPSource) *v1alpha1.PrefixSpec {
	if source.Ephemeral == nil || source.Ephemeral.PrefixTemplate == nil {
		return nil
	}
	return &source.Ephemeral.PrefixTemplate.Spec
}

// familyOf is empty where the source does not tell; validation says so.
func familyOf(source *v1alpha1.IPSource) v1alpha1.IPFamily {
	if source.Value == "" {
		if template := templateOf(source); template != nil {
			return template.IPFamily
		}
		return ""
	}
	switch address, err := netip.ParseAddr(source.Value); {
	case err != nil:
		return ""
	case address.Is4():
		return v1alpha1.IPv4Protocol
	default:
		return v1alpha1.IPv6Protocol
	}
}
