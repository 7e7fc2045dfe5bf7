// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

// ValidateLoadBalancer validates a new LoadBalancer.
func ValidateLoadBalancer(balancer *networking.LoadBalancer) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&balancer.ObjectMeta, true, apivalidation.NameIsDNSLabel, field.NewPath("metadata"))
	return shorten(append(errs, validateLoadBalancerSpec(&balancer.Spec, field.NewPath("spec"))...))
}

// ValidateLoadBalancerUpdate validates a change of a LoadBalancer's spec. The registry has validated the metadata.
func ValidateLoadBalancerUpdate(newBalancer, oldBalancer *networking.LoadBalancer) field.ErrorList {
	path := field.NewPath("spec")
	errs := ratchet(validateLoadBalancerSpec(&newBalancer.Spec, path), func() field.ErrorList {
		return validateLoadBalancerSpec(&oldBalancer.Spec, path)
	})
	return shorten(append(errs, validateSameNetwork(newBalancer.Spec.NetworkRef, oldBalancer.Spec.NetworkRef, path)...))
}

// ValidateLoadBalancerStatusUpdate validates what a provider writes into the status of a LoadBalancer.
func ValidateLoadBalancerStatusUpdate(newBalancer, oldBalancer *networking.LoadBalancer) field.ErrorList {
	path := field.NewPath("status")
	return shorten(ratchet(validateLoadBalancerStatus(&newBalancer.Status, path), func() field.ErrorList {
		return validateLoadBalancerStatus(&oldBalancer.Status, path)
	}))
}

// validateLoadBalancerSpec expects that the addresses of a Public LoadBalancer have been dropped.
func validateLoadBalancerSpec(spec *networking.LoadBalancerSpec, path *field.Path) field.ErrorList {
	errs := validateOneOf(spec.Type, path, "type", networking.LoadBalancerTypePublic, networking.LoadBalancerTypeInternal)
	errs = append(errs, validateIPFamilies(spec.IPFamilies, path.Child("ipFamilies"))...)
	ips := path.Child("ips")
	if n := len(spec.IPFamilies); n > 0 && n <= len(ipFamilies) && len(spec.IPs) > n {
		errs = append(errs, field.Invalid(ips, len(spec.IPs),
			fmt.Sprintf("must have at most %d items, one for each of ipFamilies, in the same order", n)))
	}
	errs = append(errs, validateIPs(spec.IPs, spec.IPFamilies, ips)...)
	errs = append(errs, validateNetworkOf(spec.NetworkRef, path)...)
	errs = append(errs, validateSelector(spec.NetworkInterfaceSelector, path.Child("networkInterfaceSelector"))...)
	return append(errs, validateLoadBalancerPorts(spec.Ports, path.Child("ports"))...)
}

func validateLoadBalancerPorts(ports []networking.LoadBalancerPort, path *field.Path) field.ErrorList {
	if len(ports) > maxPorts {
		return field.ErrorList{field.TooMany(path, len(ports), maxPorts)}
	}
	var errs field.ErrorList
	earlier := map[networking.Protocol][]portRange{}
	for i := range ports {
		port, path := &ports[i], path.Index(i)
		faults := validateProtocol(port.Protocol, path)
		faults = append(faults, validatePort(port.Port, path.Child("port"))...)
		faults = append(faults, validateEndPort(port.Port, port.EndPort, path)...)
		errs = append(errs, faults...)
		if len(faults) > 0 {
			continue
		}
		protocol := networking.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		taken := portRange{first: port.Port, last: port.Port}
		if port.EndPort != nil {
			taken.last = *port.EndPort
		}
		for _, other := range earlier[protocol] {
			if taken.first <= other.last && other.first <= taken.last {
				errs = append(errs, field.Forbidden(path, fmt.Sprintf("port range %s overlaps with port range %s of %s", taken, other, protocol)))
				break
			}
		}
		earlier[protocol] = append(earlier[protocol], taken)
	}
	return errs
}

// portRange is a range of ports, both ends included.
type portRange struct{ first, last int32 }

func (r portRange) String() string { return fmt.Sprintf("[%d %d]", r.first, r.last) }

func validateLoadBalancerStatus(status *networking.LoadBalancerStatus, path *field.Path) field.ErrorList {
	errs := validateReported(status.IPs, maxAddresses, path.Child("ips"))
	return append(errs, validateConditions(status.Conditions, path.Child("conditions"))...)
}
