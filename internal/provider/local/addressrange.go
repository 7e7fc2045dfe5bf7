// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"fmt"
	"net/netip"
	"strings"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// AddressRanges are one range of addresses for each IP family, or for one of them. It is a flag value, written as CIDRs with a
// comma between them.
type AddressRanges []netip.Prefix

// DefaultAddressRanges are for documentation (RFC 5737 and RFC 3849): no network routes them.
func DefaultAddressRanges() AddressRanges {
	return AddressRanges{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
}

// String returns the ranges as a flag writes them.
func (r *AddressRanges) String() string {
	texts := make([]string, 0, len(*r))
	for _, prefix := range *r {
		texts = append(texts, prefix.String())
	}
	return strings.Join(texts, ",")
}

// Type names the form of the flag value.
func (*AddressRanges) Type() string { return "cidr[,cidr]" }

// Set reads a flag value.
func (r *AddressRanges) Set(value string) error {
	var ranges AddressRanges
	for text := range strings.SplitSeq(value, ",") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix != prefix.Masked() || prefix.Addr().Is4In6() {
			return fmt.Errorf("%q is no range in CIDR notation: give for instance 203.0.113.0/24,2001:db8::/32", text)
		}
		for _, other := range ranges {
			if other.Addr().Is4() == prefix.Addr().Is4() {
				return fmt.Errorf("%s and %s are of one IP family: give one range for each", other, prefix)
			}
		}
		ranges = append(ranges, prefix)
	}
	*r = ranges
	return nil
}

// pools returns what can be allocated of each family.
func (r *AddressRanges) pools() map[v1alpha1.IPFamily]addressPool {
	pools := make(map[v1alpha1.IPFamily]addressPool)
	for _, prefix := range *r {
		family := v1alpha1.IPv6Protocol
		if prefix.Addr().Is4() {
			family = v1alpha1.IPv4Protocol
		}
		pools[family] = addressPool{prefix}
	}
	return pools
}

// addressPool has the addresses of a range. If there are more than two, it leaves out the first and, for IPv4, the last: the
// network and broadcast addresses.
type addressPool struct{ netip.Prefix }

func (p addressPool) after(address netip.Addr) netip.Addr {
	if next := address.Next(); p.Contains(address) && p.usable(next) {
		return next
	}
	if first := p.Addr(); p.usable(first) {
		return first
	}
	return p.Addr().Next()
}

func (p addressPool) usable(address netip.Addr) bool {
	if p.Addr().BitLen()-p.Bits() <= 1 {
		return p.Contains(address)
	}
	return p.Contains(address) && address != p.Addr() && (address.Is6() || p.Contains(address.Next()))
}

func (addressPool) parse(text string) (netip.Addr, error) { return netip.ParseAddr(text) }
