// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

// ValidateVirtualIP validates a new VirtualIP.
func ValidateVirtualIP(vip *networking.VirtualIP) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&vip.ObjectMeta, true, apivalidation.NameIsDNSLabel, field.NewPath("metadata"))
	return append(errs, validateVirtualIPSpec(&vip.Spec, field.NewPath("spec"))...)
}

// ValidateVirtualIPUpdate validates a change of a VirtualIP's spec. The registry has validated the metadata.
func ValidateVirtualIPUpdate(newVIP, oldVIP *networking.VirtualIP) field.ErrorList {
	spec, stored, path := &newVIP.Spec, &oldVIP.Spec, field.NewPath("spec")
	errs := ratchet(validateVirtualIPSpec(spec, path), func() field.ErrorList {
		return validateVirtualIPSpec(stored, path)
	})
	errs = append(errs, apivalidation.ValidateImmutableField(spec.Type, stored.Type, path.Child("type"))...)
	return append(errs, apivalidation.ValidateImmutableField(spec.IPFamily, stored.IPFamily, path.Child("ipFamily"))...)
}

// ValidateVirtualIPStatusUpdate validates what a provider writes into the status of a VirtualIP.
func ValidateVirtualIPStatusUpdate(newVIP, oldVIP *networking.VirtualIP) field.ErrorList {
	path := field.NewPath("status")
	return ratchet(validateVirtualIPStatus(&newVIP.Status, path), func() field.ErrorList {
		return validateVirtualIPStatus(&oldVIP.Status, path)
	})
}

func validateVirtualIPSpec(spec *networking.VirtualIPSpec, path *field.Path) field.ErrorList {
	errs := validateOneOf(spec.Type, path, "type", networking.VirtualIPTypePublic)
	errs = append(errs, validateOneOf(spec.IPFamily, path, "ipFamily", ipFamilies...)...)
	if target := spec.TargetRef; target != nil {
		errs = append(errs, validateLocalUIDReference(*target, path.Child("targetRef"))...)
	}
	return errs
}

func validateVirtualIPStatus(status *networking.VirtualIPStatus, path *field.Path) field.ErrorList {
	errs := validateConditions(status.Conditions, path.Child("conditions"))
	if status.IP != "" {
		errs = append(errs, validateUnicast(status.IP, path, "ip")...)
	}
	return errs
}
