// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/rules"
)

// ValidateNetwork validates a new Network.
func ValidateNetwork(network *networking.Network) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&network.ObjectMeta, true, apivalidation.NameIsDNSSubdomain,
		field.NewPath("metadata"))
	return shorten(append(errs, validateSpec(network, field.NewPath("spec"))...))
}

// ValidateNetworkUpdate validates a change of a Network's spec. The registry has validated the metadata.
func ValidateNetworkUpdate(newNetwork, oldNetwork *networking.Network) field.ErrorList {
	path := field.NewPath("spec")
	errs := ratchet(validateSpec(newNetwork, path), func() field.ErrorList {
		return validateSpec(oldNetwork, path)
	})
	errs = append(errs, validateSameProviderID(newNetwork.Spec.ProviderID, oldNetwork.Spec.ProviderID, path)...)
	return shorten(errs)
}

// ValidateNetworkStatusUpdate validates what a provider writes into the status of a Network. The items of
// status.peerings and their phases are not the provider's: the strategy has restored them.
func ValidateNetworkStatusUpdate(newNetwork, oldNetwork *networking.Network) field.ErrorList {
	path := field.NewPath("status")
	return shorten(ratchet(validateStatus(&newNetwork.Status, path), func() field.ErrorList {
		return validateStatus(&oldNetwork.Status, path)
	}))
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
	if id := realization.ProviderID; id != "" && id != network.Spec.ProviderID { // One that is stored is taken as it is.
		errs = append(errs, validateProviderID(id, nil)...)
		errs = append(errs, validateSameProviderID(id, network.Spec.ProviderID, nil)...)
	}
	path := field.NewPath("status")
	return shorten(append(errs, ratchet(validateStatus(&realization.Status, path), func() field.ErrorList {
		return validateStatus(&network.Status, path)
	})...))
}

// membersOfNetworks are the kinds of which a Network has members.
var membersOfNetworks = []string{"LoadBalancer", "NATGateway", "NetworkInterface"}

// ValidateNetworkMembership validates a count of the members of a Network, with the names of the first few of each kind.
func ValidateNetworkMembership(membership *networking.NetworkMembership) field.ErrorList {
	errs := validatePreconditions(&membership.ObjectMeta)
	count := int(membership.NetworkInterfaces)
	if count < 0 {
		errs = append(errs, field.Invalid(field.NewPath("networkInterfaces"), count, "must not be negative"))
	}
	kinds := make(sets.Set[string], len(membership.Holders))
	for i := range membership.Holders {
		holders, path := &membership.Holders[i], field.NewPath("holders").Index(i)
		errs = append(errs, validateOneOf(holders.Kind, path, "kind", membersOfNetworks...)...)
		if kinds.Has(holders.Kind) {
			errs = append(errs, field.Duplicate(path.Child("kind"), holders.Kind))
		}
		kinds.Insert(holders.Kind)
		errs = append(errs, validateHolders(holders, path)...)
	}
	return errs
}

func validateHolders(holders *networking.NetworkHolders, path *field.Path) field.ErrorList {
	count := int(holders.Count)
	if count < 1 {
		return field.ErrorList{field.Invalid(path.Child("count"), count, "must be at least 1")}
	}
	path = path.Child("names")
	if most := min(count, maxMembers); len(holders.Names) > most {
		return field.ErrorList{field.TooMany(path, len(holders.Names), most)}
	}
	var errs field.ErrorList
	names := make(sets.Set[string], len(holders.Names))
	for i, name := range holders.Names {
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

// validateSpec leaves out spec.incomingPeerings: these are written by a binding alone, and validated there.
func validateSpec(network *networking.Network, path *field.Path) field.ErrorList {
	errs := validateProviderID(network.Spec.ProviderID, path)
	return append(errs, validatePeerings(network, path.Child("peerings"))...)
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
	return rules.PeeringTarget(network.Namespace, peering.NetworkRef.Namespace, peering.NetworkRef.Name)
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
	if prefixes == nil {
		return nil
	}
	path := peering.Child("prefixes")
	switch {
	case len(prefixes) == 0:
		// It reads as "nothing", and an encoding that drops empty lists would make "everything" of it.
		return field.ErrorList{field.Invalid(path, "[]",
			"must not be empty: leave prefixes out to expose everything, or take the peering out to expose nothing")}
	case len(prefixes) > maxPrefixes:
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
			errs = append(errs, tooLong(path.Child("message"), decision.Message, maxMessageLength))
		}
	}
	return errs
}

func validateReason(reason string, decision *field.Path) field.ErrorList {
	switch {
	case reason == "":
		return field.ErrorList{field.Required(decision.Child("reason"), "must say why the phase is what it is")}
	case len(reason) > maxReasonLength:
		return field.ErrorList{tooLong(decision.Child("reason"), reason, maxReasonLength)}
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
