// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package validation decides whether an object of the networking.ironcore.dev API is well formed. Its functions are
// pure: they look at the objects they are given and at nothing else, and they return all faults at once, each with the
// path of the field and what would be accepted there. The strategies of the registry call them last, after they have
// restored what the caller may not write; what depends on other objects or on the caller belongs to admission.
package validation

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/operation"
	"k8s.io/apimachinery/pkg/api/validate"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/rules"
)

// The maxima of the API: lists in items, strings in bytes. A list over its maximum is reported once and its items are
// not looked at, so that refusing a giant object is cheap.
const (
	maxPeerings     = 1000 // of a Network, and so the most claims that it can hold
	maxPrefixes     = 64   // of a peering, and of a NetworkInterface
	maxConditions   = 32
	maxAttributes   = 64    // of a NetworkInterface
	maxMembers      = 5     // that a membership names
	maxAddresses    = 1000  // that a provider reports of a LoadBalancer or of a NATGateway
	maxPorts        = 1000  // of a LoadBalancer, and of a rule
	maxRules        = 1000  // of a NetworkPolicy, in each direction
	maxPeers        = 1000  // of a rule
	maxPolicyPeers  = 5000  // of a NetworkPolicy, in all its rules
	maxExcept       = 1000  // of a range in a rule
	maxDestinations = 10000 // of a LoadBalancerRouting

	maxProviderIDLength   = rules.MaxProviderIDLength
	maxReasonLength       = 128
	maxMessageLength      = 1024
	maxAttributeKeyLength = 253
	maxAttributeLength    = 1024 // of a value
	maxCIDRLength         = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")
	uidLength             = len("00000000-0000-0000-0000-000000000000")
)

func validateConditions(conditions []metav1.Condition, path *field.Path) field.ErrorList {
	if len(conditions) > maxConditions {
		return field.ErrorList{field.TooMany(path, len(conditions), maxConditions)}
	}
	return metav1validation.ValidateConditions(conditions, path)
}

func validateProviderID(id string, path *field.Path) field.ErrorList {
	if len(id) > maxProviderIDLength {
		return field.ErrorList{tooLong(path.Child("providerID"), id, maxProviderIDLength)}
	}
	if !rules.IsProviderID(id) {
		return field.ErrorList{field.Invalid(path.Child("providerID"), id,
			"must consist of printable ASCII characters other than space")}
	}
	return nil
}

// validateNetworkOf demands the name of the Network that an object belongs to.
func validateNetworkOf(ref networking.LocalObjectReference, spec *field.Path) field.ErrorList {
	return validateSubdomain(ref.Name, spec, "networkRef", "name")
}

// validateSameNetwork holds an object in the Network that it belongs to.
func validateSameNetwork(ref, stored networking.LocalObjectReference, spec *field.Path) field.ErrorList {
	return apivalidation.ValidateImmutableField(ref.Name, stored.Name, spec.Child("networkRef", "name"))
}

// validateLocalUIDReference accepts a reference without a uid: whichever object has the name.
func validateLocalUIDReference(ref networking.LocalUIDReference, path *field.Path) field.ErrorList {
	errs := validateSubdomain(ref.Name, path, "name")
	if ref.UID != "" {
		errs = append(errs, validateUID(ref.UID, path.Child("uid"))...)
	}
	return errs
}

func validateProtocol(protocol *networking.Protocol, port *field.Path) field.ErrorList {
	if protocol == nil {
		return nil
	}
	return validateOneOf(*protocol, port, "protocol", networking.ProtocolSCTP, networking.ProtocolTCP, networking.ProtocolUDP)
}

func validatePort(port int32, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, fault := range utilvalidation.IsValidPortNum(int(port)) {
		errs = append(errs, field.Invalid(path, port, fault))
	}
	return errs
}

// validateEndPort validates the end of a range of ports, where there is one.
func validateEndPort(port int32, endPort *int32, path *field.Path) field.ErrorList {
	if endPort == nil {
		return nil
	}
	errs := validatePort(*endPort, path.Child("endPort"))
	if len(errs) == 0 && *endPort < port {
		errs = append(errs, field.Forbidden(path.Child("endPort"), fmt.Sprintf("endPort %d must be >= port %d", *endPort, port)))
	}
	return errs
}

func validateSelector(selector *metav1.LabelSelector, path *field.Path) field.ErrorList {
	return metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, path)
}

// The helpers below take the path of the field's parent and the names that lead from there to the field, none for the
// field itself, so that a path is only built for an error.

func at(parent *field.Path, names ...string) *field.Path {
	if len(names) == 0 {
		return parent
	}
	return parent.Child(names[0], names[1:]...)
}

// validateItemName validates the name that an item of a list has to itself, and adds it to those seen in the list.
func validateItemName(name string, seen sets.Set[string], item *field.Path) field.ErrorList {
	errs := validateSubdomain(name, item, "name")
	if name != "" && seen.Has(name) {
		errs = append(errs, field.Duplicate(item.Child("name"), name))
	}
	seen.Insert(name)
	return errs
}

func validateLabel(name string, parent *field.Path, names ...string) field.ErrorList {
	return validateName(name, utilvalidation.DNS1123LabelMaxLength, utilvalidation.IsDNS1123Label, parent, names...)
}

func validateSubdomain(name string, parent *field.Path, names ...string) field.ErrorList {
	return validateName(name, utilvalidation.DNS1123SubdomainMaxLength, utilvalidation.IsDNS1123Subdomain, parent, names...)
}

func validateName(
	name string, maxLength int, faults func(string) []string, parent *field.Path, names ...string,
) field.ErrorList {
	switch {
	case name == "":
		return field.ErrorList{field.Required(at(parent, names...), "must not be empty")}
	case len(name) > maxLength:
		return field.ErrorList{tooLong(at(parent, names...), name, maxLength)}
	}
	var errs field.ErrorList
	for _, fault := range faults(name) {
		errs = append(errs, field.Invalid(at(parent, names...), name, fault))
	}
	return errs
}

// tooLong is field.TooLong with the value, which ratcheting compares and no message shows.
func tooLong[T ~string](path *field.Path, value T, maxLength int) *field.Error {
	err := field.TooLong(path, value, maxLength)
	err.BadValue = value
	return err
}

// validateUID accepts what an API server gives to an object as metadata.uid; nothing else could ever match one.
func validateUID(uid types.UID, path *field.Path) field.ErrorList {
	if len(uid) > uidLength {
		return field.ErrorList{tooLong(path, uid, uidLength)}
	}
	return validate.UUID(context.Background(), operation.Operation{}, path, &uid, nil)
}

// validateCIDR accepts one spelling of each range alone, so that ranges are equal exactly when their texts are.
func validateCIDR(cidr string, parent *field.Path, names ...string) field.ErrorList {
	if len(cidr) > maxCIDRLength {
		return field.ErrorList{tooLong(at(parent, names...), cidr, maxCIDRLength)}
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return field.ErrorList{field.Invalid(at(parent, names...), cidr,
			"must be a range in CIDR notation without leading zeros, for instance 10.0.0.0/24 or 2001:db8::/32")}
	}
	if prefix.Addr().Is4In6() {
		return field.ErrorList{field.Invalid(at(parent, names...), cidr,
			"must not be an IPv4-mapped IPv6 range: write it as IPv4")}
	}
	if canonical := prefix.Masked().String(); cidr != canonical {
		return field.ErrorList{field.Invalid(at(parent, names...), cidr,
			fmt.Sprintf("must be in canonical form with all host bits zero: %q", canonical))}
	}
	return nil
}

// validateIP accepts one spelling of each address alone.
func validateIP(ip string, parent *field.Path, names ...string) field.ErrorList {
	if len(ip) > maxCIDRLength {
		return field.ErrorList{tooLong(at(parent, names...), ip, maxCIDRLength)}
	}
	address, err := netip.ParseAddr(ip)
	if err != nil || address.Zone() != "" {
		return field.ErrorList{field.Invalid(at(parent, names...), ip,
			"must be an IP address without leading zeros, for instance 10.0.0.1 or 2001:db8::1")}
	}
	if address.Is4In6() {
		return field.ErrorList{field.Invalid(at(parent, names...), ip, "must not be an IPv4-mapped IPv6 address: write it as IPv4")}
	}
	if canonical := address.String(); ip != canonical {
		return field.ErrorList{field.Invalid(at(parent, names...), ip, fmt.Sprintf("must be in canonical form: %q", canonical))}
	}
	return nil
}

func validateOneOf[T ~string](value T, parent *field.Path, name string, supported ...T) field.ErrorList {
	switch {
	case slices.Contains(supported, value):
		return nil
	case value == "":
		return field.ErrorList{field.Required(parent.Child(name), "must be "+choice(supported))}
	}
	return field.ErrorList{field.NotSupported(parent.Child(name), value, supported)}
}

// choice is "A, B or C".
func choice[T ~string](words []T) string {
	texts := make([]string, 0, len(words))
	for _, word := range words {
		texts = append(texts, string(word))
	}
	last := len(texts) - 1
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}
