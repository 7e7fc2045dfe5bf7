// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

// allPorts is how many ports an address has.
const allPorts = 1 << 16

// ValidateNATGateway validates a new NATGateway.
func ValidateNATGateway(gateway *networking.NATGateway) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&gateway.ObjectMeta, true, apivalidation.NameIsDNSLabel, field.NewPath("metadata"))
	return append(errs, validateNATGatewaySpec(&gateway.Spec, field.NewPath("spec"))...)
}

// ValidateNATGatewayUpdate validates a change of a NATGateway's spec. The registry has validated the metadata.
func ValidateNATGatewayUpdate(newGateway, oldGateway *networking.NATGateway) field.ErrorList {
	path := field.NewPath("spec")
	errs := ratchet(validateNATGatewaySpec(&newGateway.Spec, path), func() field.ErrorList {
		return validateNATGatewaySpec(&oldGateway.Spec, path)
	})
	return append(errs, validateSameNetwork(newGateway.Spec.NetworkRef, oldGateway.Spec.NetworkRef, path)...)
}

// ValidateNATGatewayStatusUpdate validates what a provider writes into the status of a NATGateway.
func ValidateNATGatewayStatusUpdate(newGateway, oldGateway *networking.NATGateway) field.ErrorList {
	path := field.NewPath("status")
	return ratchet(validateNATGatewayStatus(&newGateway.Status, path), func() field.ErrorList {
		return validateNATGatewayStatus(&oldGateway.Status, path)
	})
}

func validateNATGatewaySpec(spec *networking.NATGatewaySpec, path *field.Path) field.ErrorList {
	errs := validateOneOf(spec.Type, path, "type", networking.NATGatewayTypePublic)
	errs = append(errs, validateOneOf(spec.IPFamily, path, "ipFamily", ipFamilies...)...)
	errs = append(errs, validateNetworkOf(spec.NetworkRef, path)...)
	if ports := spec.PortsPerNetworkInterface; ports != nil && (*ports < 1 || *ports > allPorts || *ports&(*ports-1) != 0) {
		errs = append(errs, field.Invalid(path.Child("portsPerNetworkInterface"), *ports,
			"must be a power of two from 1 to 65536, the number of ports of an address"))
	}
	return errs
}

func validateNATGatewayStatus(status *networking.NATGatewayStatus, path *field.Path) field.ErrorList {
	errs := validateReported(status.IPs, maxAddresses, path.Child("ips"))
	return append(errs, validateConditions(status.Conditions, path.Child("conditions"))...)
}
