// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package validation decides whether an object of the networking.ironcore.dev API is well formed. Its functions are
// pure: they look at the objects they are given and at nothing else, and they return all faults at once, each with the
// path of the field and what would be accepted there. The strategies of the registry call them last, after they have
// restored what the caller may not write; what depends on other objects or on the caller belongs to admission.
package validation

import (
	"cmp"
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
)

// The maxima of the API: lists in items, strings in bytes. A list over its maximum is reported once and its items are
// not looked at, so that refusing a giant object is cheap.
const (
	maxPeerings   = 1000 // of a Network, and so the most claims that it can hold
	maxPrefixes   = 64   // of a peering
	maxConditions = 32
	maxAttributes = 64 // of a NetworkInterface
	maxMembers    = 5  // that a membership names

	maxProviderIDLength   = 512
	maxReasonLength       = 128
	maxMessageLength      = 1024
	maxAttributeKeyLength = 253
	maxAttributeLength    = 1024 // of a value
	maxCIDRLength         = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")
	uidLength             = len("00000000-0000-0000-0000-000000000000")
)

// maxErrors is how many errors one answer lists. A small request can cause a hundred thousand, and what apimachinery
// does to make one message of them is quadratic: it would keep the server busy for minutes.
const maxErrors = 1000

// ValidateNetwork validates a new Network.
func ValidateNetwork(network *networking.Network) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&network.ObjectMeta, true, apivalidation.NameIsDNSSubdomain,
		field.NewPath("metadata"))
	return shorten(append(errs, validateSpec(network, field.NewPath("spec"))...))
}

// ValidateNetworkUpdate validates a change of a Network's metadata and spec.
func ValidateNetworkUpdate(newNetwork, oldNetwork *networking.Network) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&newNetwork.ObjectMeta, &oldNetwork.ObjectMeta,
		field.NewPath("metadata"))
	path := field.NewPath("spec")
	errs = append(errs, validateSpec(newNetwork, path)...)
	errs = append(errs, validateSameProviderID(newNetwork.Spec.ProviderID, oldNetwork.Spec.ProviderID, path)...)
	return shorten(errs)
}

// ValidateNetworkStatusUpdate validates what a provider writes into the status of a Network. The items of
// status.peerings and their phases are not the provider's: the strategy has restored them.
func ValidateNetworkStatusUpdate(newNetwork, oldNetwork *networking.Network) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&newNetwork.ObjectMeta, &oldNetwork.ObjectMeta,
		field.NewPath("metadata"))
	return shorten(append(errs, validateStatus(&newNetwork.Status, field.NewPath("status"))...))
}

// ValidateNetworkBinding validates that a binding fits the Network it is for: it decides on each peering, and its
// claims are those of the Bound peerings and no others, so that phases and claims can't disagree. Whether uid and
// resourceVersion are those of the Network is for the registry to tell: that is a conflict, not a fault.
func ValidateNetworkBinding(binding *networking.NetworkBinding, network *networking.Network) field.ErrorList {
	errs := validatePreconditions(&binding.ObjectMeta)
	peerings := field.NewPath("peerings")
	if got, want := len(binding.Peerings), len(network.Spec.Peerings); got != want {
		return append(errs, field.Invalid(peerings, got,
			fmt.Sprintf("must have %d items, one for each of spec.peerings of the Network, in the same order", want)))
	}
	errs = append(errs, validateDecisions(binding.Peerings, network.Spec.Peerings, peerings)...)
	return shorten(append(errs, validateClaims(binding, network, field.NewPath("incomingPeerings"))...))
}

// ValidateNetworkRealization validates what the provider inside the server made of a Network.
func ValidateNetworkRealization(realization *networking.NetworkRealization, network *networking.Network) field.ErrorList {
	errs := validatePreconditions(&realization.ObjectMeta)
	if id := realization.ProviderID; id != "" {
		errs = append(errs, validateProviderID(id, nil)...)
		errs = append(errs, validateSameProviderID(id, network.Spec.ProviderID, nil)...)
	}
	return shorten(append(errs, validateStatus(&realization.Status, field.NewPath("status"))...))
}

// ValidateNetworkMembership validates a count of the members of a Network, with the names of the first few.
func ValidateNetworkMembership(membership *networking.NetworkMembership) field.ErrorList {
	errs := validatePreconditions(&membership.ObjectMeta)
	count := int(membership.NetworkInterfaces)
	if count < 0 {
		errs = append(errs, field.Invalid(field.NewPath("networkInterfaces"), count, "must not be negative"))
	}
	path := field.NewPath("names")
	most := min(max(count, 0), maxMembers)
	if len(membership.Names) > most {
		return append(errs, field.TooMany(path, len(membership.Names), most))
	}
	names := make(sets.Set[string], len(membership.Names))
	for i, name := range membership.Names {
		errs = append(errs, validateSubdomain(name, path.Index(i))...)
		if names.Has(name) {
			errs = append(errs, field.Duplicate(path.Index(i), name))
		}
		names.Insert(name)
	}
	return errs
}

// validatePreconditions demands of a decision on a Network that it says which state of which Network was decided on.
func validatePreconditions(decision *metav1.ObjectMeta) field.ErrorList {
	var errs field.ErrorList
	metadata := field.NewPath("metadata")
	if decision.UID == "" {
		errs = append(errs, field.Required(metadata.Child("uid"), "must be the one of the Network decided on"))
	}
	if decision.ResourceVersion == "" {
		errs = append(errs, field.Required(metadata.Child("resourceVersion"),
			"must be the one of the Network decided on"))
	}
	return errs
}

// shorten drops the errors over the maximum, and says so in the last one that stays.
func shorten(errs field.ErrorList) field.ErrorList {
	if len(errs) <= maxErrors {
		return errs
	}
	last := errs[maxErrors-1]
	last.Detail = strings.TrimSpace(fmt.Sprintf("%s (%d more errors are not listed)", last.Detail, len(errs)-maxErrors))
	return errs[:maxErrors]
}

// validateSpec leaves out spec.incomingPeerings: these are written by a binding alone, and validated there.
func validateSpec(network *networking.Network, path *field.Path) field.ErrorList {
	errs := validateProviderID(network.Spec.ProviderID, path)
	return append(errs, validatePeerings(network, path.Child("peerings"))...)
}

func validateProviderID(id string, path *field.Path) field.ErrorList {
	if len(id) > maxProviderIDLength {
		return field.ErrorList{field.TooLong(path.Child("providerID"), id, maxProviderIDLength)}
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return field.ErrorList{field.Invalid(path.Child("providerID"), id,
				"must consist of printable ASCII characters other than space")}
		}
	}
	return nil
}

func validateSameProviderID(id, stored string, path *field.Path) field.ErrorList {
	if stored == "" || id == stored {
		return nil
	}
	return field.ErrorList{field.Invalid(path.Child("providerID"), id, apivalidation.FieldImmutableErrorMsg)}
}

func validatePeerings(network *networking.Network, path *field.Path) field.ErrorList {
	peerings := network.Spec.Peerings
	if len(peerings) > maxPeerings {
		return field.ErrorList{field.TooMany(path, len(peerings), maxPeerings)}
	}

	var errs field.ErrorList
	self := types.NamespacedName{Namespace: network.Namespace, Name: network.Name}
	names := make(sets.Set[string], len(peerings))
	peers := make(sets.Set[types.NamespacedName], len(peerings))
	for i := range peerings {
		peering, path := &peerings[i], path.Index(i)
		errs = append(errs, validateItemName(peering.Name, names, path)...)
		errs = append(errs, validateNetworkRef(&peering.NetworkRef, path)...)

		switch peer := peerOf(network, peering); {
		case peer.Name == "":
			// Names no Network, which is reported above.
		case peer == self:
			errs = append(errs, field.Invalid(path.Child("networkRef"), peer.String(),
				"must name another Network: a Network can't be peered with itself"))
		case peers.Has(peer):
			errs = append(errs, field.Duplicate(path.Child("networkRef"), peer.String()))
		default:
			peers.Insert(peer)
		}

		errs = append(errs, validatePrefixes(peering.Prefixes, path)...)
	}
	return errs
}

// peerOf names the Network at the other end of a peering of the network.
func peerOf(network *networking.Network, peering *networking.NetworkPeering) types.NamespacedName {
	return types.NamespacedName{
		Namespace: cmp.Or(peering.NetworkRef.Namespace, network.Namespace),
		Name:      peering.NetworkRef.Name,
	}
}

func validateNetworkRef(ref *networking.NetworkPeeringNetworkRef, peering *field.Path) field.ErrorList {
	errs := validateSubdomain(ref.Name, peering, "networkRef", "name")
	if ref.Namespace != "" {
		errs = append(errs, validateLabel(ref.Namespace, peering, "networkRef", "namespace")...)
	}
	if ref.UID != "" {
		errs = append(errs, validateUID(ref.UID, peering.Child("networkRef", "uid"))...)
	}
	return errs
}

func validatePrefixes(prefixes []networking.PeeringPrefix, peering *field.Path) field.ErrorList {
	if len(prefixes) == 0 {
		return nil
	}
	path := peering.Child("prefixes")
	if len(prefixes) > maxPrefixes {
		return field.ErrorList{field.TooMany(path, len(prefixes), maxPrefixes)}
	}

	var errs field.ErrorList
	names := make(sets.Set[string], len(prefixes))
	for i := range prefixes {
		prefix, path := &prefixes[i], path.Index(i)
		errs = append(errs, validateItemName(prefix.Name, names, path)...)

		switch hasPrefix, hasRef := prefix.Prefix != "", prefix.PrefixRef != nil; {
		case !hasPrefix && !hasRef:
			errs = append(errs, field.Required(path, "must have either prefix or prefixRef"))
		case hasPrefix && hasRef:
			errs = append(errs, field.Forbidden(path, "must not have both prefix and prefixRef"))
		}
		if prefix.Prefix != "" {
			errs = append(errs, validateCIDR(prefix.Prefix, path, "prefix")...)
		}
		if prefix.PrefixRef != nil {
			errs = append(errs, validateSubdomain(prefix.PrefixRef.Name, path, "prefixRef", "name")...)
		}
	}
	return errs
}

func validateStatus(status *networking.NetworkStatus, path *field.Path) field.ErrorList {
	errs := validateOneOf(status.State, path, "state",
		networking.NetworkStatePending, networking.NetworkStateAvailable, networking.NetworkStateError)

	errs = append(errs, validateConditions(status.Conditions, path.Child("conditions"))...)

	peerings := path.Child("peerings")
	if len(status.Peerings) > maxPeerings {
		return append(errs, field.TooMany(peerings, len(status.Peerings), maxPeerings))
	}
	for i := range status.Peerings {
		peering, path := &status.Peerings[i], peerings.Index(i)
		if peering.State != "" {
			errs = append(errs, validateOneOf(peering.State, path, "state", networking.NetworkPeeringStatePending,
				networking.NetworkPeeringStateReady, networking.NetworkPeeringStateError)...)
		}
		errs = append(errs, validateStatusPrefixes(peering.Prefixes, path)...)
	}
	return errs
}

func validateConditions(conditions []metav1.Condition, path *field.Path) field.ErrorList {
	if len(conditions) > maxConditions {
		return field.ErrorList{field.TooMany(path, len(conditions), maxConditions)}
	}
	return metav1validation.ValidateConditions(conditions, path)
}

// validateStatusPrefixes lets a provider report a prefix that has no range yet.
func validateStatusPrefixes(prefixes []networking.PeeringPrefixStatus, peering *field.Path) field.ErrorList {
	if len(prefixes) == 0 {
		return nil
	}
	path := peering.Child("prefixes")
	if len(prefixes) > maxPrefixes {
		return field.ErrorList{field.TooMany(path, len(prefixes), maxPrefixes)}
	}

	var errs field.ErrorList
	names := make(sets.Set[string], len(prefixes))
	for i := range prefixes {
		prefix, path := &prefixes[i], path.Index(i)
		errs = append(errs, validateItemName(prefix.Name, names, path)...)
		if prefix.Prefix != "" {
			errs = append(errs, validateCIDR(prefix.Prefix, path, "prefix")...)
		}
	}
	return errs
}

// validateDecisions expects as many decisions as peerings.
func validateDecisions(
	decisions []networking.NetworkPeeringBinding, peerings []networking.NetworkPeering, path *field.Path,
) field.ErrorList {
	var errs field.ErrorList
	for i := range decisions {
		decision, path := &decisions[i], path.Index(i)
		if want := peerings[i].Name; decision.Name != want {
			errs = append(errs, field.Invalid(path.Child("name"), decision.Name,
				fmt.Sprintf("must be %q, the name of item %d of spec.peerings of the Network", want, i)))
		}
		errs = append(errs, validateOneOf(decision.Phase, path, "phase",
			networking.NetworkPeeringPhasePending, networking.NetworkPeeringPhaseBound)...)
		errs = append(errs, validateReason(decision.Reason, path)...)
		if len(decision.Message) > maxMessageLength {
			errs = append(errs, field.TooLong(path.Child("message"), decision.Message, maxMessageLength))
		}
	}
	return errs
}

func validateReason(reason string, decision *field.Path) field.ErrorList {
	switch {
	case reason == "":
		return field.ErrorList{field.Required(decision.Child("reason"), "must say why the phase is what it is")}
	case len(reason) > maxReasonLength:
		return field.ErrorList{field.TooLong(decision.Child("reason"), reason, maxReasonLength)}
	case !isCamelCase(reason):
		return field.ErrorList{field.Invalid(decision.Child("reason"), reason,
			"must be one CamelCase word: a capital letter, then letters and digits")}
	}
	return nil
}

func isCamelCase(word string) bool {
	for i := range len(word) {
		switch c := word[i]; {
		case 'A' <= c && c <= 'Z':
		case i > 0 && ('a' <= c && c <= 'z' || '0' <= c && c <= '9'):
		default:
			return false
		}
	}
	return true
}

// validateClaims expects as many decisions in the binding as the network has peerings.
func validateClaims(
	binding *networking.NetworkBinding, network *networking.Network, path *field.Path,
) field.ErrorList {
	claims := binding.IncomingPeerings
	if len(claims) > maxPeerings {
		return field.ErrorList{field.TooMany(path, len(claims), maxPeerings)}
	}

	bound := make(map[types.NamespacedName]*networking.NetworkPeering, len(claims))
	for i := range binding.Peerings {
		if binding.Peerings[i].Phase == networking.NetworkPeeringPhaseBound {
			peering := &network.Spec.Peerings[i]
			bound[peerOf(network, peering)] = peering
		}
	}

	var errs field.ErrorList
	claimants := make(sets.Set[types.NamespacedName], len(claims))
	uids := make(sets.Set[types.UID], len(claims))
	for i := range claims {
		claim, path := &claims[i], path.Index(i)
		claimant := types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}

		errs = append(errs, validateLabel(claim.Namespace, path, "namespace")...)
		errs = append(errs, validateSubdomain(claim.Name, path, "name")...)
		switch peering, isBound := bound[claimant]; {
		case claim.Namespace == "" || claim.Name == "":
			// Names no Network, which is reported above.
		case !isBound:
			errs = append(errs, field.Invalid(path, claimant.String(),
				"must be a Network that a Bound peering of this Network names"))
		case claimants.Has(claimant):
			errs = append(errs, field.Duplicate(path, claimant.String()))
		case peering.NetworkRef.UID != "" && peering.NetworkRef.UID != claim.UID:
			errs = append(errs, field.Invalid(path.Child("uid"), claim.UID,
				fmt.Sprintf("must be %q, which peering %q asks for", peering.NetworkRef.UID, peering.Name)))
		}
		claimants.Insert(claimant)

		switch {
		case claim.UID == "":
			errs = append(errs, field.Required(path.Child("uid"), "must be the metadata.uid of the claiming Network"))
		case uids.Has(claim.UID):
			errs = append(errs, field.Duplicate(path.Child("uid"), claim.UID))
		default:
			errs = append(errs, validateUID(claim.UID, path.Child("uid"))...)
		}
		uids.Insert(claim.UID)
	}

	for i := range binding.Peerings {
		peering := &network.Spec.Peerings[i]
		peer := peerOf(network, peering)
		if binding.Peerings[i].Phase == networking.NetworkPeeringPhaseBound && !claimants.Has(peer) {
			errs = append(errs, field.Required(path,
				fmt.Sprintf("must hold the claim of %q, because peering %q is Bound", peer, peering.Name)))
		}
	}
	return errs
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
	errs := validateLabel(name, item, "name")
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
		return field.ErrorList{field.TooLong(at(parent, names...), name, maxLength)}
	}
	var errs field.ErrorList
	for _, fault := range faults(name) {
		errs = append(errs, field.Invalid(at(parent, names...), name, fault))
	}
	return errs
}

// validateUID accepts what an API server gives to an object as metadata.uid; nothing else could ever match one.
func validateUID(uid types.UID, path *field.Path) field.ErrorList {
	if len(uid) > uidLength {
		return field.ErrorList{field.TooLong(path, uid, uidLength)}
	}
	return validate.UUID(context.Background(), operation.Operation{}, path, &uid, nil)
}

// validateCIDR accepts one spelling of each range alone, so that ranges are equal exactly when their texts are.
func validateCIDR(cidr string, parent *field.Path, names ...string) field.ErrorList {
	if len(cidr) > maxCIDRLength {
		return field.ErrorList{field.TooLong(at(parent, names...), cidr, maxCIDRLength)}
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
		return field.ErrorList{field.TooLong(at(parent, names...), ip, maxCIDRLength)}
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
	if slices.Contains(supported, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(parent.Child(name), value, supported)}
}
