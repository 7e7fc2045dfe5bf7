// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"net/netip"
	"slices"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

var policyTypes = []networking.PolicyType{networking.PolicyTypeEgress, networking.PolicyTypeIngress}

// selectableKinds are what an objectSelector can select.
var selectableKinds = []string{"LoadBalancer", "NetworkInterface", "VirtualIP"}

// ValidateNetworkPolicy validates a new NetworkPolicy.
func ValidateNetworkPolicy(policy *networking.NetworkPolicy) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&policy.ObjectMeta, true, apivalidation.NameIsDNSSubdomain,
		field.NewPath("metadata"))
	return shorten(append(errs, validateNetworkPolicySpec(&policy.Spec, field.NewPath("spec"))...))
}

// ValidateNetworkPolicyUpdate validates a change of a NetworkPolicy's spec. The registry has validated the metadata.
func ValidateNetworkPolicyUpdate(newPolicy, oldPolicy *networking.NetworkPolicy) field.ErrorList {
	path := field.NewPath("spec")
	errs := ratchet(validateNetworkPolicySpec(&newPolicy.Spec, path), func() field.ErrorList {
		return validateNetworkPolicySpec(&oldPolicy.Spec, path)
	})
	return shorten(append(errs, validateSameNetwork(newPolicy.Spec.NetworkRef, oldPolicy.Spec.NetworkRef, path)...))
}

// ValidateNetworkPolicyStatusUpdate validates what a provider writes into the status of a NetworkPolicy.
func ValidateNetworkPolicyStatusUpdate(newPolicy, oldPolicy *networking.NetworkPolicy) field.ErrorList {
	path := field.NewPath("status", "conditions")
	return ratchet(validateConditions(newPolicy.Status.Conditions, path), func() field.ErrorList {
		return validateConditions(oldPolicy.Status.Conditions, path)
	})
}

func validateNetworkPolicySpec(spec *networking.NetworkPolicySpec, path *field.Path) field.ErrorList {
	errs := validateNetworkOf(spec.NetworkRef, path)
	errs = append(errs, validateSelector(&spec.NetworkInterfaceSelector, path.Child("networkInterfaceSelector"))...)
	types := path.Child("policyTypes")
	if len(spec.PolicyTypes) == 0 {
		errs = append(errs, field.Required(types, "must have Ingress, Egress or both, where there are no rules"))
	}
	for i, direction := range spec.PolicyTypes {
		if !slices.Contains(policyTypes, direction) {
			errs = append(errs, field.NotSupported(types.Index(i), direction, policyTypes))
		}
	}
	if ingress := path.Child("ingress"); len(spec.Ingress) > maxRules {
		errs = append(errs, field.TooMany(ingress, len(spec.Ingress), maxRules))
	} else {
		for i := range spec.Ingress {
			rule, path := &spec.Ingress[i], ingress.Index(i)
			errs = append(errs, validatePolicyPeers(rule.From, path.Child("from"))...)
			errs = append(errs, validatePolicyPorts(rule.Ports, path.Child("ports"))...)
		}
	}
	if egress := path.Child("egress"); len(spec.Egress) > maxRules {
		errs = append(errs, field.TooMany(egress, len(spec.Egress), maxRules))
	} else {
		for i := range spec.Egress {
			rule, path := &spec.Egress[i], egress.Index(i)
			errs = append(errs, validatePolicyPorts(rule.Ports, path.Child("ports"))...)
			errs = append(errs, validatePolicyPeers(rule.To, path.Child("to"))...)
		}
	}
	return append(errs, validatePeerCount(spec, path)...)
}

// validatePeerCount bounds the peers of all rules together: each may have the server look at all that the Network has.
func validatePeerCount(spec *networking.NetworkPolicySpec, path *field.Path) field.ErrorList {
	count := 0
	for i := range spec.Ingress {
		count += len(spec.Ingress[i].From)
	}
	for i := range spec.Egress {
		count += len(spec.Egress[i].To)
	}
	if count <= maxPolicyPeers {
		return nil
	}
	err := field.TooMany(path, count, maxPolicyPeers)
	err.Detail = fmt.Sprintf("must have at most %d peers in all rules of ingress and egress together", maxPolicyPeers)
	return field.ErrorList{err}
}

// validatePolicyPeers accepts a peer with neither selector nor range: it matches nothing.
func validatePolicyPeers(peers []networking.NetworkPolicyPeer, path *field.Path) field.ErrorList {
	if len(peers) > maxPeers {
		return field.ErrorList{field.TooMany(path, len(peers), maxPeers)}
	}
	var errs field.ErrorList
	for i := range peers {
		peer, path := &peers[i], path.Index(i)
		if selector := peer.ObjectSelector; selector != nil {
			at := path.Child("objectSelector")
			errs = append(errs, validateOneOf(selector.Kind, at, "kind", selectableKinds...)...)
			errs = append(errs, validateSelector(&selector.LabelSelector, at)...)
		}
		if peer.IPBlock != nil {
			if peer.ObjectSelector != nil {
				errs = append(errs, field.Forbidden(path.Child("ipBlock"), "must not be given beside objectSelector"))
			}
			errs = append(errs, validateIPBlock(peer.IPBlock, path.Child("ipBlock"))...)
		}
	}
	return errs
}

func validateIPBlock(block *networking.IPBlock, path *field.Path) field.ErrorList {
	if block.CIDR == "" {
		return field.ErrorList{field.Required(path.Child("cidr"), "must be a range in CIDR notation")}
	}
	errs := validateCIDR(block.CIDR, path, "cidr")
	except := path.Child("except")
	if len(block.Except) > maxExcept {
		return append(errs, field.TooMany(except, len(block.Except), maxExcept))
	}
	known := len(errs) == 0
	seen := make(sets.Set[string], len(block.Except))
	for i, part := range block.Except {
		path := except.Index(i)
		faults := validateCIDR(part, path)
		switch {
		case len(faults) > 0:
		case seen.Has(part):
			faults = append(faults, field.Duplicate(path, part))
		case known && !contains(netip.MustParsePrefix(block.CIDR), netip.MustParsePrefix(part)):
			faults = append(faults, field.Forbidden(path, fmt.Sprintf("must be a part of %s: %s is not", block.CIDR, part)))
		}
		seen.Insert(part)
		errs = append(errs, faults...)
	}
	return errs
}

// contains tells whether the part is inside the whole, or equal to it.
func contains(whole, part netip.Prefix) bool {
	return part.Bits() >= whole.Bits() && whole.Contains(part.Addr())
}

// validatePolicyPorts accepts a port of 0, which is all.
func validatePolicyPorts(ports []networking.NetworkPolicyPort, path *field.Path) field.ErrorList {
	if len(ports) > maxPorts {
		return field.ErrorList{field.TooMany(path, len(ports), maxPorts)}
	}
	var errs field.ErrorList
	for i := range ports {
		port, path := &ports[i], path.Index(i)
		errs = append(errs, validateProtocol(port.Protocol, path)...)
		switch {
		case port.Port != 0:
			errs = append(errs, validatePort(port.Port, path.Child("port"))...)
			errs = append(errs, validateEndPort(port.Port, port.EndPort, path)...)
		case port.EndPort != nil:
			errs = append(errs, field.Forbidden(path.Child("endPort"), "must not be given without port"))
		}
	}
	return errs
}
