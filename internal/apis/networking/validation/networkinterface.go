// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

// ValidateNetworkInterface validates a new NetworkInterface.
func ValidateNetworkInterface(nic *networking.NetworkInterface) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&nic.ObjectMeta, true, apivalidation.NameIsDNSSubdomain,
		field.NewPath("metadata"))
	return shorten(append(errs, validateInterfaceSpec(nic.Name, &nic.Spec, field.NewPath("spec"))...))
}

// ValidateNetworkInterfaceUpdate validates a change of a NetworkInterface's spec. The registry has validated the metadata.
func ValidateNetworkInterfaceUpdate(newNIC, oldNIC *networking.NetworkInterface) field.ErrorList {
	path := field.NewPath("spec")
	spec, stored := &newNIC.Spec, &oldNIC.Spec
	errs := ratchet(validateInterfaceSpec(newNIC.Name, spec, path), func() field.ErrorList {
		return validateInterfaceSpec(oldNIC.Name, stored, path)
	})
	errs = append(errs, validateSameNetwork(spec.NetworkRef, stored.NetworkRef, path)...)
	errs = append(errs, apivalidation.ValidateImmutableField(spec.IPFamilies, stored.IPFamilies, path.Child("ipFamilies"))...)
	return shorten(errs)
}

// ValidateNetworkInterfaceStatusUpdate validates what a provider writes into the status of a NetworkInterface.
func ValidateNetworkInterfaceStatusUpdate(newNIC, oldNIC *networking.NetworkInterface) field.ErrorList {
	path := field.NewPath("status")
	return shorten(ratchet(validateInterfaceStatus(&newNIC.Status, path), func() field.ErrorList {
		return validateInterfaceStatus(&oldNIC.Status, path)
	}))
}

func validateInterfaceStatus(status *networking.NetworkInterfaceStatus, path *field.Path) field.ErrorList {
	errs := validateOneOf(status.State, path, "state", networking.NetworkInterfaceStatePending,
		networking.NetworkInterfaceStateAvailable, networking.NetworkInterfaceStateError)
	errs = append(errs, validateReported(status.IPs, len(ipFamilies), path.Child("ips"))...)
	if prefixes := path.Child("prefixes"); len(status.Prefixes) > maxPrefixes {
		errs = append(errs, field.TooMany(prefixes, len(status.Prefixes), maxPrefixes))
	} else {
		for i, prefix := range status.Prefixes {
			errs = append(errs, validateRange(prefix, prefixes.Index(i))...)
		}
	}
	if status.VirtualIP != "" {
		errs = append(errs, validateUnicast(status.VirtualIP, path, "virtualIP")...)
	}
	if mac := status.MACAddress; mac != "" && !macAddress.MatchString(mac) {
		errs = append(errs, field.Invalid(path.Child("macAddress"), mac, "must be six bytes in lower case, for instance 02:00:5e:10:00:01"))
	}
	errs = append(errs, validateReported(status.Gateways, len(ipFamilies), path.Child("gateways"))...)
	if status.MTU < 0 || status.MTU > maxMTU {
		errs = append(errs, field.Invalid(path.Child("mtu"), status.MTU, fmt.Sprintf("must be from 0 to %d", maxMTU)))
	}
	return append(errs, validateConditions(status.Conditions, path.Child("conditions"))...)
}

// maxMTU is the length of the longest IP packet.
const maxMTU = 65535

var macAddress = regexp.MustCompile(macMaybe)

func validateInterfaceSpec(name string, spec *networking.NetworkInterfaceSpec, path *field.Path) field.ErrorList {
	errs := validateProviderID(spec.ProviderID, path)
	errs = append(errs, validateNetworkOf(spec.NetworkRef, path)...)
	if machine := spec.MachineRef; machine != nil {
		errs = append(errs, validateSubdomain(machine.Name, path, "machineRef", "name")...)
		if machine.UID == "" {
			errs = append(errs, field.Required(path.Child("machineRef", "uid"), "must be the metadata.uid of the Machine"))
		} else {
			errs = append(errs, validateUID(machine.UID, path.Child("machineRef", "uid"))...)
		}
	}
	errs = append(errs, validateIPFamilies(spec.IPFamilies, path.Child("ipFamilies"))...)
	ips, families := path.Child("ips"), spec.IPFamilies
	switch n := len(families); {
	case len(spec.IPs) == 0:
		errs = append(errs, field.Required(ips, "must have one item for each of ipFamilies, in the same order"))
	case n == 0 || n > len(ipFamilies):
		// ipFamilies is at fault, which is reported there.
	case len(spec.IPs) != n:
		errs = append(errs, field.Invalid(ips, len(spec.IPs),
			fmt.Sprintf("must have %d items, one for each of ipFamilies, in the same order", n)))
		families = nil
	}
	errs = append(errs, validateIPs(spec.IPs, families, ips)...)
	errs = append(errs, validateInterfacePrefixes(spec.Prefixes, path.Child("prefixes"))...)
	if spec.VirtualIP != nil {
		errs = append(errs, validateVirtualIPSource(name, spec.VirtualIP, path.Child("virtualIP"))...)
	}
	return append(errs, validateAttributes(spec.Attributes, path.Child("attributes"))...)
}

func validateInterfacePrefixes(prefixes []networking.PrefixSource, path *field.Path) field.ErrorList {
	if len(prefixes) > maxPrefixes {
		return field.ErrorList{field.TooMany(path, len(prefixes), maxPrefixes)}
	}
	var errs field.ErrorList
	seen := make(sets.Set[string], len(prefixes))
	for i := range prefixes {
		source, path := &prefixes[i], path.Index(i)
		errs = append(errs, validateSource(source.Value, source.Ephemeral, path)...)
		if source.Value != "" {
			errs = append(errs, validateRange(source.Value, path, "value")...)
			if seen.Has(source.Value) {
				errs = append(errs, field.Duplicate(path.Child("value"), source.Value))
			}
			seen.Insert(source.Value)
		}
		if source.Ephemeral != nil {
			errs = append(errs, validateEphemeralPrefix(source.Ephemeral, "", false, path.Child("ephemeral"))...)
		}
	}
	return errs
}

func validateVirtualIPSource(nic string, source *networking.VirtualIPSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch hasRef, isEphemeral := source.VirtualIPRef != nil, source.Ephemeral != nil; {
	case !hasRef && !isEphemeral:
		errs = append(errs, field.Required(path, "must have either virtualIPRef or ephemeral"))
	case hasRef && isEphemeral:
		errs = append(errs, field.Forbidden(path, "must not have both virtualIPRef and ephemeral"))
	}
	if source.VirtualIPRef != nil {
		errs = append(errs, validateLabel(source.VirtualIPRef.Name, path, "virtualIPRef", "name")...)
	}
	if source.Ephemeral != nil {
		if len(utilvalidation.IsDNS1123Label(nic)) > 0 {
			errs = append(errs, field.Invalid(path.Child("ephemeral"), nic, nameOfVirtualIP))
		}
		errs = append(errs, validateEphemeralVirtualIP(source.Ephemeral, path.Child("ephemeral"))...)
	}
	return errs
}

const nameOfVirtualIP = "the VirtualIP has the name of the NetworkInterface, which must then be a DNS label (RFC 1123) of at most 63 " +
	"characters: rename the NetworkInterface, or use virtualIPRef"

func validateEphemeralVirtualIP(source *networking.EphemeralVirtualIPSource, path *field.Path) field.ErrorList {
	template, path := source.VirtualIPTemplate, path.Child("virtualIPTemplate")
	if template == nil {
		return field.ErrorList{field.Required(path, "must be given")}
	}
	errs := validateTemplateMetadata(&template.ObjectMeta, path.Child("metadata"))
	spec, path := &template.Spec, path.Child("spec")
	virtualIP := networking.VirtualIPSpec{Type: spec.Type, IPFamily: spec.IPFamily, TargetRef: spec.TargetRef}
	errs = append(errs, validateVirtualIPSpec(&virtualIP, path)...)
	if spec.ReclaimPolicy != "" {
		errs = append(errs, validateOneOf(spec.ReclaimPolicy, path, "reclaimPolicy",
			networking.ReclaimPolicyRetain, networking.ReclaimPolicyDelete)...)
	}
	return errs
}

func validateAttributes(attributes map[string]string, path *field.Path) field.ErrorList {
	if len(attributes) > maxAttributes {
		return field.ErrorList{field.TooMany(path, len(attributes), maxAttributes)}
	}
	var errs field.ErrorList
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		switch value := attributes[key]; {
		case key == "":
			errs = append(errs, field.Invalid(path, key, "must not have an empty key"))
		case len(key) > maxAttributeKeyLength:
			errs = append(errs, tooLong(path.Key(key), key, maxAttributeKeyLength))
		case len(value) > maxAttributeLength:
			errs = append(errs, tooLong(path.Key(key), value, maxAttributeLength))
		}
	}
	return errs
}
