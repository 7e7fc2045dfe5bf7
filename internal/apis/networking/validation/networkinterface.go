// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

var ipFamilies = []networking.IPFamily{networking.IPv4Protocol, networking.IPv6Protocol}

// ValidateNetworkInterface validates a new NetworkInterface.
func ValidateNetworkInterface(nic *networking.NetworkInterface) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&nic.ObjectMeta, true, apivalidation.NameIsDNSSubdomain,
		field.NewPath("metadata"))
	return shorten(append(errs, validateInterfaceSpec(&nic.Spec, field.NewPath("spec"))...))
}

// ValidateNetworkInterfaceUpdate validates a change of a NetworkInterface's metadata and spec.
func ValidateNetworkInterfaceUpdate(newNIC, oldNIC *networking.NetworkInterface) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&newNIC.ObjectMeta, &oldNIC.ObjectMeta, field.NewPath("metadata"))
	path := field.NewPath("spec")
	spec, stored := &newNIC.Spec, &oldNIC.Spec
	errs = append(errs, validateInterfaceSpec(spec, path)...)
	errs = append(errs, apivalidation.ValidateImmutableField(spec.NetworkRef.Name, stored.NetworkRef.Name,
		path.Child("networkRef", "name"))...)
	errs = append(errs, apivalidation.ValidateImmutableField(spec.IPFamilies, stored.IPFamilies, path.Child("ipFamilies"))...)
	// The strategy has ended the providerID of a machineRef that ended. One without a machineRef may be taken away.
	sameMachine := equality.Semantic.DeepEqual(spec.MachineRef, stored.MachineRef)
	takenAway := spec.ProviderID == "" && stored.MachineRef == nil
	if stored.ProviderID != "" && spec.ProviderID != stored.ProviderID && sameMachine && !takenAway {
		errs = append(errs, field.Invalid(path.Child("providerID"), spec.ProviderID,
			apivalidation.FieldImmutableErrorMsg+" until machineRef changes"))
	}
	return shorten(errs)
}

// ValidateNetworkInterfaceStatusUpdate validates what a provider writes into the status of a NetworkInterface.
func ValidateNetworkInterfaceStatusUpdate(newNIC, oldNIC *networking.NetworkInterface) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&newNIC.ObjectMeta, &oldNIC.ObjectMeta, field.NewPath("metadata"))
	status, path := &newNIC.Status, field.NewPath("status")
	errs = append(errs, validateOneOf(status.State, path, "state", networking.NetworkInterfaceStatePending,
		networking.NetworkInterfaceStateAvailable, networking.NetworkInterfaceStateError)...)
	if ips := path.Child("ips"); len(status.IPs) > len(ipFamilies) {
		errs = append(errs, field.TooMany(ips, len(status.IPs), len(ipFamilies)))
	} else {
		for i, ip := range status.IPs {
			errs = append(errs, validateIP(ip, ips.Index(i))...)
		}
	}
	if prefixes := path.Child("prefixes"); len(status.Prefixes) > maxPrefixes {
		errs = append(errs, field.TooMany(prefixes, len(status.Prefixes), maxPrefixes))
	} else {
		for i, prefix := range status.Prefixes {
			errs = append(errs, validateCIDR(prefix, prefixes.Index(i))...)
		}
	}
	if status.VirtualIP != "" {
		errs = append(errs, validateIP(status.VirtualIP, path, "virtualIP")...)
	}
	return shorten(append(errs, validateConditions(status.Conditions, path.Child("conditions"))...))
}

func validateInterfaceSpec(spec *networking.NetworkInterfaceSpec, path *field.Path) field.ErrorList {
	errs := validateProviderID(spec.ProviderID, path)
	errs = append(errs, validateSubdomain(spec.NetworkRef.Name, path, "networkRef", "name")...)
	if machine := spec.MachineRef; machine != nil {
		errs = append(errs, validateSubdomain(machine.Name, path, "machineRef", "name")...)
		if machine.UID == "" {
			errs = append(errs, field.Required(path.Child("machineRef", "uid"), "must be the metadata.uid of the Machine"))
		} else {
			errs = append(errs, validateUID(machine.UID, path.Child("machineRef", "uid"))...)
		}
	}
	errs = append(errs, validateIPFamilies(spec.IPFamilies, path.Child("ipFamilies"))...)
	errs = append(errs, validateIPs(spec.IPs, spec.IPFamilies, path.Child("ips"))...)
	errs = append(errs, validateInterfacePrefixes(spec.Prefixes, path.Child("prefixes"))...)
	if spec.VirtualIP != nil {
		errs = append(errs, validateVirtualIP(spec.VirtualIP, path.Child("virtualIP"))...)
	}
	return append(errs, validateAttributes(spec.Attributes, path.Child("attributes"))...)
}

func validateIPFamilies(families []networking.IPFamily, path *field.Path) field.ErrorList {
	switch {
	case len(families) == 0:
		return field.ErrorList{field.Required(path, "must have IPv4, IPv6 or both")}
	case len(families) > len(ipFamilies):
		return field.ErrorList{field.TooMany(path, len(families), len(ipFamilies))}
	}
	var errs field.ErrorList
	for i, family := range families {
		if !slices.Contains(ipFamilies, family) {
			errs = append(errs, field.NotSupported(path.Index(i), family, ipFamilies))
		} else if slices.Contains(families[:i], family) {
			errs = append(errs, field.Duplicate(path.Index(i), family))
		}
	}
	return errs
}

func validateIPs(ips []networking.IPSource, families []networking.IPFamily, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch n := len(families); {
	case len(ips) == 0:
		return field.ErrorList{field.Required(path, "must have one item for each of ipFamilies, in the same order")}
	case n == 0 || n > len(ipFamilies):
		// ipFamilies is at fault, which is reported there.
	case len(ips) != n:
		errs = append(errs, field.Invalid(path, len(ips),
			fmt.Sprintf("must have %d items, one for each of ipFamilies, in the same order", n)))
	}
	if len(ips) > len(ipFamilies) {
		return errs
	}
	for i := range ips {
		source, path := &ips[i], path.Index(i)
		var family networking.IPFamily // Empty where ipFamilies does not tell.
		if len(ips) == len(families) && slices.Contains(ipFamilies, families[i]) {
			family = families[i]
		}
		errs = append(errs, validateSource(source.Value, source.Ephemeral, path)...)
		if source.Value != "" {
			faults := validateIP(source.Value, path, "value")
			if len(faults) == 0 && family != "" && familyOf(netip.MustParseAddr(source.Value)) != family {
				faults = append(faults, field.Invalid(path.Child("value"), source.Value,
					fmt.Sprintf("must be an %s address, which item %d of ipFamilies asks for", family, i)))
			}
			errs = append(errs, faults...)
		}
		if source.Ephemeral != nil {
			errs = append(errs, validateEphemeralPrefix(source.Ephemeral, family, true, path.Child("ephemeral"))...)
		}
	}
	return errs
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
			errs = append(errs, validateCIDR(source.Value, path, "value")...)
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

func validateSource(value string, ephemeral *networking.EphemeralPrefixSource, path *field.Path) field.ErrorList {
	switch {
	case value == "" && ephemeral == nil:
		return field.ErrorList{field.Required(path, "must have either value or ephemeral")}
	case value != "" && ephemeral != nil:
		return field.ErrorList{field.Forbidden(path, "must not have both value and ephemeral")}
	}
	return nil
}

// validateEphemeralPrefix holds a template against the family that it is for, where that is known; one for an address
// has the length of an address.
func validateEphemeralPrefix(
	source *networking.EphemeralPrefixSource, family networking.IPFamily, address bool, path *field.Path,
) field.ErrorList {
	template, path := source.PrefixTemplate, path.Child("prefixTemplate")
	if template == nil {
		return field.ErrorList{field.Required(path, "must be given")}
	}
	errs := validateTemplateMetadata(&template.ObjectMeta, path.Child("metadata"))
	spec, path := &template.Spec, path.Child("spec")
	switch {
	case family == "" && spec.IPFamily == "":
		if !address { // Of an address, ipFamilies tells, or is at fault itself.
			errs = append(errs, field.Required(path.Child("ipFamily"), "must be IPv4 or IPv6"))
		}
	case family == "":
		family = spec.IPFamily
		errs = append(errs, validateOneOf(family, path, "ipFamily", ipFamilies...)...)
	case spec.IPFamily != "" && spec.IPFamily != family:
		errs = append(errs, field.Invalid(path.Child("ipFamily"), spec.IPFamily, fmt.Sprintf("must be %s, as in ipFamilies", family)))
	}

	bits := map[networking.IPFamily]int{networking.IPv4Protocol: 32, networking.IPv6Protocol: 128}[family]
	if bits == 0 {
		return errs // The family is at fault, which is reported above or in ipFamilies.
	}
	length := int(spec.PrefixLength)
	switch {
	case length < 0 || length > bits:
		errs = append(errs, field.Invalid(path.Child("prefixLength"), length, fmt.Sprintf("must be from 0 to %d", bits)))
	case address && length != 0 && length != bits:
		errs = append(errs, field.Invalid(path.Child("prefixLength"), length, fmt.Sprintf("must be %d, for one address", bits)))
	}
	if spec.Prefix != "" {
		errs = append(errs, validatePrefixOf(spec, family, bits, address, path.Child("prefix"))...)
	}
	if spec.ParentRef != nil {
		errs = append(errs, validateSubdomain(spec.ParentRef.Name, path, "parentRef", "name")...)
	}
	return append(errs, metav1validation.ValidateLabelSelector(spec.ParentSelector,
		metav1validation.LabelSelectorValidationOptions{}, path.Child("parentSelector"))...)
}

func validatePrefixOf(
	spec *networking.PrefixSpec, family networking.IPFamily, bits int, address bool, path *field.Path,
) field.ErrorList {
	if errs := validateCIDR(spec.Prefix, path); len(errs) > 0 {
		return errs
	}
	prefix := netip.MustParsePrefix(spec.Prefix)
	switch {
	case familyOf(prefix.Addr()) != family:
		return field.ErrorList{field.Invalid(path, spec.Prefix, fmt.Sprintf("must be an %s range", family))}
	case address && prefix.Bits() != bits:
		return field.ErrorList{field.Invalid(path, spec.Prefix, fmt.Sprintf("must end with /%d, for one address", bits))}
	case spec.PrefixLength != 0 && prefix.Bits() != int(spec.PrefixLength):
		return field.ErrorList{field.Invalid(path, spec.Prefix, "must have the length that prefixLength says")}
	}
	return nil
}

func validateVirtualIP(source *networking.VirtualIPSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch hasRef, isEphemeral := source.VirtualIPRef != nil, source.Ephemeral != nil; {
	case !hasRef && !isEphemeral:
		errs = append(errs, field.Required(path, "must have either virtualIPRef or ephemeral"))
	case hasRef && isEphemeral:
		errs = append(errs, field.Forbidden(path, "must not have both virtualIPRef and ephemeral"))
	}
	if source.VirtualIPRef != nil {
		errs = append(errs, validateSubdomain(source.VirtualIPRef.Name, path, "virtualIPRef", "name")...)
	}
	if source.Ephemeral != nil {
		errs = append(errs, validateEphemeralVirtualIP(source.Ephemeral, path.Child("ephemeral"))...)
	}
	return errs
}

func validateEphemeralVirtualIP(source *networking.EphemeralVirtualIPSource, path *field.Path) field.ErrorList {
	template, path := source.VirtualIPTemplate, path.Child("virtualIPTemplate")
	if template == nil {
		return field.ErrorList{field.Required(path, "must be given")}
	}
	errs := validateTemplateMetadata(&template.ObjectMeta, path.Child("metadata"))
	spec, path := &template.Spec, path.Child("spec")
	errs = append(errs, validateOneOf(spec.Type, path, "type", networking.VirtualIPTypePublic)...)
	errs = append(errs, validateOneOf(spec.IPFamily, path, "ipFamily", ipFamilies...)...)
	if spec.ReclaimPolicy != "" {
		errs = append(errs, validateOneOf(spec.ReclaimPolicy, path, "reclaimPolicy",
			networking.ReclaimPolicyRetain, networking.ReclaimPolicyDelete)...)
	}
	return errs
}

// validateTemplateMetadata looks at what is taken over from a template: labels and annotations.
func validateTemplateMetadata(metadata *metav1.ObjectMeta, path *field.Path) field.ErrorList {
	errs := metav1validation.ValidateLabels(metadata.Labels, path.Child("labels"))
	return append(errs, apivalidation.ValidateAnnotations(metadata.Annotations, path.Child("annotations"))...)
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
			errs = append(errs, field.TooLong(path.Key(key), key, maxAttributeKeyLength))
		case len(value) > maxAttributeLength:
			errs = append(errs, field.TooLong(path.Key(key), value, maxAttributeLength))
		}
	}
	return errs
}

func familyOf(address netip.Addr) networking.IPFamily {
	if address.Is4() {
		return networking.IPv4Protocol
	}
	return networking.IPv6Protocol
}
