// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

// ValidateLoadBalancerRouting validates a new LoadBalancerRouting.
func ValidateLoadBalancerRouting(routing *networking.LoadBalancerRouting) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&routing.ObjectMeta, true, apivalidation.NameIsDNSSubdomain,
		field.NewPath("metadata"))
	return shorten(append(errs, validateRouting(routing)...))
}

// ValidateLoadBalancerRoutingUpdate validates a change of a LoadBalancerRouting. The registry has validated the metadata.
func ValidateLoadBalancerRoutingUpdate(newRouting, oldRouting *networking.LoadBalancerRouting) field.ErrorList {
	return shorten(ratchet(validateRouting(newRouting), func() field.ErrorList {
		return validateRouting(oldRouting)
	}))
}

// validateRouting accepts a networkRef that is empty: who writes destinations by hand may leave it out.
func validateRouting(routing *networking.LoadBalancerRouting) field.ErrorList {
	var errs field.ErrorList
	if routing.NetworkRef != (networking.LocalUIDReference{}) {
		errs = validateLocalUIDReference(routing.NetworkRef, field.NewPath("networkRef"))
	}
	path := field.NewPath("destinations")
	if len(routing.Destinations) > maxDestinations {
		return append(errs, field.TooMany(path, len(routing.Destinations), maxDestinations))
	}
	type target struct {
		ip  string
		uid types.UID
	}
	seen := make(sets.Set[target], len(routing.Destinations))
	for i := range routing.Destinations {
		destination, path := &routing.Destinations[i], path.Index(i)
		if destination.IP == "" {
			errs = append(errs, field.Required(path.Child("ip"), "must be the address that traffic is handed to"))
			continue
		}
		errs = append(errs, validateUnicast(destination.IP, path, "ip")...)
		target := target{ip: destination.IP}
		if ref := destination.TargetRef; ref != nil {
			errs = append(errs, validateLocalUIDReference(networking.LocalUIDReference{Name: ref.Name, UID: ref.UID},
				path.Child("targetRef"))...)
			if ref.ProviderID != "" {
				errs = append(errs, validateProviderID(ref.ProviderID, path.Child("targetRef"))...)
			}
			target.uid = ref.UID
		}
		if seen.Has(target) {
			errs = append(errs, field.Duplicate(path.Child("ip"), destination.IP))
		}
		seen.Insert(target)
	}
	return errs
}
