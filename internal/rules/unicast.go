// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import "net/netip"

// notUnicast are the ranges whose addresses no machine can have.
var notUnicast = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/32"), "the unspecified address"},
	{netip.MustParsePrefix("::/128"), "the unspecified address"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "the broadcast address"},
}

// NotUnicast says what each address of a range is where no machine can have one of them, and nothing of any other range.
func NotUnicast(prefix netip.Prefix) string {
	for _, reserved := range notUnicast {
		if reserved.prefix.Bits() <= prefix.Bits() && reserved.prefix.Contains(prefix.Addr()) {
			return reserved.what
		}
	}
	return ""
}

// RangeText writes a range of one address as that address.
func RangeText(prefix netip.Prefix) string {
	if prefix.IsSingleIP() {
		return prefix.Addr().String()
	}
	return prefix.String()
}

// OneAddress is the range that an address is.
func OneAddress(address netip.Addr) netip.Prefix { return netip.PrefixFrom(address, address.BitLen()) }
