// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// Schema is what validation demands of the fields of a type, as far as a schema can say it. It refuses nothing that validation
// accepts; an empty text or reference is a field that is left out.
type Schema struct {
	// Required are fields that must be given. Optional are those that need not, where the type alone says otherwise.
	Required, Optional []string
	// MaybeEmpty are fields with an enumeration that take the empty text too.
	MaybeEmpty []string
	// Immutable are fields that never change, or not once they are set.
	Immutable []string
	Fields    map[string]spec.SchemaProps
}

// The forms of texts. A form that ends with Maybe takes the empty text too.
const (
	subdomain      = `^` + label + `(\.` + label + `)*$`
	subdomainMaybe = `^(` + label + `(\.` + label + `)*)?$`
	labelMaybe     = `^(` + label + `)?$`
	label          = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
	uidMaybe       = `^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$`
	providerID     = `^[!-~]*$`
	camelCase      = `^[A-Z][A-Za-z0-9]*$`
	address        = `^[0-9a-f.:]+$`
	addressMaybe   = `^[0-9a-f.:]*$`
	addresses      = `^[0-9a-f.:]+/[0-9]+$`
	macMaybe       = `^([0-9a-f]{2}(:[0-9a-f]{2}){5})?$`
	addressesMaybe = `^([0-9a-f.:]+/[0-9]+)?$`
)

func text(pattern string, maxLength int) spec.SchemaProps {
	return spec.SchemaProps{Pattern: pattern, MaxLength: new(int64(maxLength))}
}

func format(format string, props spec.SchemaProps) spec.SchemaProps {
	props.Format = format
	return props
}

func list(most int) spec.SchemaProps { return spec.SchemaProps{MaxItems: new(int64(most))} }

// listOf bounds the items of a list too.
func listOf(most int, item spec.SchemaProps) spec.SchemaProps {
	props := list(most)
	props.Items = &spec.SchemaOrArray{Schema: &spec.Schema{SchemaProps: item}}
	return props
}

func number(least, most int) spec.SchemaProps {
	return spec.SchemaProps{Minimum: new(float64(least)), Maximum: new(float64(most))}
}

func oneOf(words []string) (props spec.SchemaProps) {
	for _, word := range words {
		props.Enum = append(props.Enum, word)
	}
	return props
}

func atLeastOne(props spec.SchemaProps) spec.SchemaProps {
	props.MinItems = new(int64(1))
	return props
}

// Schemas returns what validation demands, by the name of the type. Enumerations of types are not repeated here.
func Schemas() map[string]Schema {
	var (
		name       = text(subdomain, utilvalidation.DNS1123SubdomainMaxLength)
		namespace  = text(labelMaybe, utilvalidation.DNS1123LabelMaxLength)
		provider   = text(providerID, maxProviderIDLength)
		ip         = format("ip", text(address, maxCIDRLength))
		ipMaybe    = format("ip", text(addressMaybe, maxCIDRLength))
		cidr       = format("cidr", text(addresses, maxCIDRLength))
		cidrMaybe  = format("cidr", text(addressesMaybe, maxCIDRLength))
		port       = number(1, allPorts-1)
		families   = list(len(ipFamilies))
		conditions = list(maxConditions)
		attributes = spec.SchemaProps{MaxProperties: new(int64(maxAttributes)), AdditionalProperties: &spec.SchemaOrBool{
			Allows: true, Schema: &spec.Schema{SchemaProps: spec.SchemaProps{MaxLength: new(int64(maxAttributeLength))}},
		}}
	)
	return map[string]Schema{
		"NetworkSpec": {Immutable: []string{"providerID"}, Fields: map[string]spec.SchemaProps{
			"providerID": provider, "peerings": list(maxPeerings), "incomingPeerings": list(maxPeerings),
		}},
		"NetworkPeering": {Fields: map[string]spec.SchemaProps{
			"name": name, "prefixes": atLeastOne(list(maxPrefixes)),
		}},
		"NetworkPeeringNetworkRef": {Fields: map[string]spec.SchemaProps{
			"name": name, "namespace": namespace, "uid": format("uuid", text(uidMaybe, uidLength)),
		}},
		"PeeringPrefix": {Fields: map[string]spec.SchemaProps{"name": name, "prefix": cidrMaybe}},
		"NetworkStatus": {MaybeEmpty: []string{"state"}, Fields: map[string]spec.SchemaProps{
			"conditions": conditions, "peerings": list(maxPeerings),
		}},
		"NetworkPeeringStatus": {MaybeEmpty: []string{"state"}, Fields: map[string]spec.SchemaProps{"prefixes": list(maxPrefixes)}},
		"PeeringPrefixStatus":  {Fields: map[string]spec.SchemaProps{"name": name, "prefix": cidrMaybe}},
		"NetworkBinding":       {Fields: map[string]spec.SchemaProps{"incomingPeerings": list(maxPeerings), "peerings": list(maxPeerings)}},
		"NetworkPeeringBinding": {Fields: map[string]spec.SchemaProps{
			"reason": text(camelCase, maxReasonLength), "message": {MaxLength: new(int64(maxMessageLength))},
		}},
		"NetworkRealization": {Fields: map[string]spec.SchemaProps{"providerID": provider}},
		"NetworkMembership":  {Fields: map[string]spec.SchemaProps{"networkInterfaces": {Minimum: new(0.0)}}},
		"NetworkHolders": {Fields: map[string]spec.SchemaProps{
			"kind": oneOf(membersOfNetworks), "count": {Minimum: new(1.0)}, "names": listOf(maxMembers, name),
		}},

		"LocalObjectReference": {Required: []string{"name"}, Fields: map[string]spec.SchemaProps{"name": name}},
		"LocalUIDReference": {Optional: []string{"name", "uid"}, Fields: map[string]spec.SchemaProps{
			"name": text(subdomainMaybe, utilvalidation.DNS1123SubdomainMaxLength),
			"uid":  format("uuid", text(uidMaybe, uidLength)),
		}},

		"NetworkInterface": {Required: []string{"spec"}},
		"NetworkInterfaceSpec": {Optional: []string{"ipFamilies"}, Immutable: []string{"networkRef", "ipFamilies"}, Fields: map[string]spec.SchemaProps{
			"providerID": provider, "ipFamilies": families, "ips": atLeastOne(list(len(ipFamilies))),
			"prefixes": list(maxPrefixes), "attributes": attributes,
		}},
		"NetworkInterfaceStatus": {MaybeEmpty: []string{"state"}, Fields: map[string]spec.SchemaProps{
			"ips": listOf(len(ipFamilies), ip), "prefixes": listOf(maxPrefixes, cidr), "virtualIP": ipMaybe,
			"conditions": conditions, "gateways": listOf(len(ipFamilies), ip), "mtu": number(0, maxMTU),
			"macAddress": {Pattern: macMaybe, Format: "mac"},
		}},
		"IPSource":                 {Fields: map[string]spec.SchemaProps{"value": ipMaybe}},
		"PrefixSource":             {Fields: map[string]spec.SchemaProps{"value": cidrMaybe}},
		"EphemeralPrefixSource":    {Required: []string{"prefixTemplate"}},
		"EphemeralVirtualIPSource": {Required: []string{"virtualIPTemplate"}},
		"VirtualIPTemplateSpec":    {Required: []string{"spec"}},
		"EphemeralVirtualIPSpec":   {MaybeEmpty: []string{"reclaimPolicy"}},
		"PrefixSpec":               {MaybeEmpty: []string{"ipFamily"}, Fields: map[string]spec.SchemaProps{"prefix": cidrMaybe, "prefixLength": number(0, 128)}},

		"VirtualIP":       {Required: []string{"spec"}},
		"VirtualIPSpec":   {Immutable: []string{"type", "ipFamily"}},
		"VirtualIPStatus": {Fields: map[string]spec.SchemaProps{"ip": ipMaybe, "conditions": conditions}},

		"LoadBalancer": {Required: []string{"spec"}},
		"LoadBalancerSpec": {Optional: []string{"ipFamilies"}, Immutable: []string{"networkRef"}, Fields: map[string]spec.SchemaProps{
			"ipFamilies": families, "ips": list(len(ipFamilies)), "ports": list(maxPorts),
		}},
		"LoadBalancerPort":   {Fields: map[string]spec.SchemaProps{"port": port, "endPort": port}},
		"LoadBalancerStatus": {Fields: map[string]spec.SchemaProps{"ips": listOf(maxAddresses, ip), "conditions": conditions}},
		"LoadBalancerRouting": {
			Optional: []string{"networkRef", "destinations"},
			Fields:   map[string]spec.SchemaProps{"destinations": list(maxDestinations)},
		},
		"LoadBalancerDestination": {Fields: map[string]spec.SchemaProps{"ip": ip}},
		"LoadBalancerTargetRef": {Optional: []string{"uid", "providerID"}, Fields: map[string]spec.SchemaProps{
			"name": name, "uid": format("uuid", text(uidMaybe, uidLength)), "providerID": provider,
		}},

		"NATGateway":       {Required: []string{"spec"}},
		"NATGatewaySpec":   {Immutable: []string{"networkRef"}, Fields: map[string]spec.SchemaProps{"portsPerNetworkInterface": number(1, allPorts)}},
		"NATGatewayStatus": {Fields: map[string]spec.SchemaProps{"ips": listOf(maxAddresses, ip), "conditions": conditions}},

		"NetworkPolicy": {Required: []string{"spec"}},
		"NetworkPolicySpec": {
			Optional: []string{"networkInterfaceSelector"}, Immutable: []string{"networkRef"},
			Fields: map[string]spec.SchemaProps{"ingress": list(maxRules), "egress": list(maxRules)},
		},
		"NetworkPolicyIngressRule": {Fields: map[string]spec.SchemaProps{"from": list(maxPeers), "ports": list(maxPorts)}},
		"NetworkPolicyEgressRule":  {Fields: map[string]spec.SchemaProps{"to": list(maxPeers), "ports": list(maxPorts)}},
		"ObjectSelector":           {Fields: map[string]spec.SchemaProps{"kind": oneOf(selectableKinds)}},
		"IPBlock": {Fields: map[string]spec.SchemaProps{
			"cidr": cidr, "except": listOf(maxExcept, cidr),
		}},
		"NetworkPolicyPort":   {Fields: map[string]spec.SchemaProps{"port": number(0, allPorts-1), "endPort": port}},
		"NetworkPolicyStatus": {Fields: map[string]spec.SchemaProps{"conditions": conditions}},
	}
}
