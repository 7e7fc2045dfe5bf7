// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"net/netip"
	"slices"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/rules"
)

var ipFamilies = []networking.IPFamily{networking.IPv4Protocol, networking.IPv6Protocol}

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

// validateIPs validates addresses, item i of the family that item i of families names. How many there must be is for the
// kind to tell.
func validateIPs(ips []networking.IPSource, families []networking.IPFamily, path *field.Path) field.ErrorList {
	if len(ips) > len(ipFamilies) {
		return nil // Which is reported.
	}
	var errs field.ErrorList
	for i := range ips {
		source, path := &ips[i], path.Index(i)
		var family networking.IPFamily // Empty where ipFamilies does not tell.
		if i < len(families) && slices.Contains(ipFamilies, families[i]) {
			family = families[i]
		}
		errs = append(errs, validateSource(source.Value, source.Ephemeral, path)...)
		if source.Value != "" {
			faults := validateUnicast(source.Value, path, "value")
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
	return append(errs, validateSelector(spec.ParentSelector, path.Child("parentSelector"))...)
}

func validatePrefixOf(
	spec *networking.PrefixSpec, family networking.IPFamily, bits int, address bool, path *field.Path,
) field.ErrorList {
	if errs := validateRange(spec.Prefix, path); len(errs) > 0 {
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

// validateTemplateMetadata looks at what is taken over from a template: labels and annotations.
func validateTemplateMetadata(metadata *metav1.ObjectMeta, path *field.Path) field.ErrorList {
	errs := metav1validation.ValidateLabels(metadata.Labels, path.Child("labels"))
	return append(errs, apivalidation.ValidateAnnotations(metadata.Annotations, path.Child("annotations"))...)
}

// validateReported validates the addresses that a provider reports.
func validateReported(ips []string, most int, path *field.Path) field.ErrorList {
	if len(ips) > most {
		return field.ErrorList{field.TooMany(path, len(ips), most)}
	}
	var errs field.ErrorList
	for i, ip := range ips {
		errs = append(errs, validateUnicast(ip, path.Index(i))...)
	}
	return errs
}

// validateUnicast accepts the addresses that a machine can have.
func validateUnicast(ip string, parent *field.Path, names ...string) field.ErrorList {
	if errs := validateIP(ip, parent, names...); len(errs) > 0 {
		return errs
	}
	if what := rules.NotUnicast(rules.OneAddress(netip.MustParseAddr(ip))); what != "" {
		return field.ErrorList{field.Invalid(at(parent, names...), ip, "must be a unicast address: this is "+what)}
	}
	return nil
}

// validateRange accepts the ranges that can lead to machines.
func validateRange(cidr string, parent *field.Path, names ...string) field.ErrorList {
	if errs := validateCIDR(cidr, parent, names...); len(errs) > 0 {
		return errs
	}
	if what := rules.NotUnicast(netip.MustParsePrefix(cidr)); what != "" {
		return field.ErrorList{field.Invalid(at(parent, names...), cidr,
			"must be a range of unicast addresses: what is in this one is "+what)}
	}
	return nil
}

func familyOf(address netip.Addr) networking.IPFamily {
	if address.Is4() {
		return networking.IPv4Protocol
	}
	return networking.IPv6Protocol
}
