// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package prefixes

import (
	"fmt"
	"net/netip"
	"strings"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// reasonUnresolved is the reason of a peering with a prefix that has no range.
const reasonUnresolved = "PrefixUnresolved"

// Resolve returns the range of a Prefix in the namespace of a Network, or why there is none.
type Resolve func(prefixName string) (prefix, why string)

// Resolved are the ranges of the prefixes of a peering.
type Resolved struct {
	// Items are the prefixes in their order. An item without a range exposes nothing.
	Items []v1alpha1.PeeringPrefixStatus
	// Reason and Message say which have no range, and are empty if all have one.
	Reason, Message string
}

// Decide returns the ranges of the prefixes of a peering.
func Decide(peering *v1alpha1.NetworkPeering, resolve Resolve) Resolved {
	var resolved Resolved
	var missing []string
	for i := range peering.Prefixes {
		item := &peering.Prefixes[i]
		prefix, why := item.Prefix, ""
		if item.PrefixRef != nil {
			prefix, why = resolve(item.PrefixRef.Name)
		}
		if why == "" && !isRange(prefix) {
			prefix, why = "", fmt.Sprintf("%q is not a range in canonical CIDR notation.", prefix)
		}
		if why != "" {
			missing = append(missing, fmt.Sprintf("Prefix item %s exposes nothing: %s", item.Name, why))
		}
		resolved.Items = append(resolved.Items, v1alpha1.PeeringPrefixStatus{Name: item.Name, Prefix: prefix})
	}
	if len(missing) > 0 {
		resolved.Reason, resolved.Message = reasonUnresolved, strings.Join(missing, " ")
	}
	return resolved
}

func isRange(text string) bool {
	prefix, err := netip.ParsePrefix(text)
	return err == nil && prefix.Masked().String() == text
}
