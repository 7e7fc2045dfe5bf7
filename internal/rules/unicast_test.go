// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"net/netip"
	"testing"
)

func TestNotUnicast(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1/32":        "",
		"10.0.0.0/24":        "",
		"2001:db8::/32":      "",
		"169.254.0.1/32":     "",
		"fe80::1/128":        "",
		"0.0.0.0/0":          "",
		"::/0":               "",
		"192.0.0.0/2":        "", // has more than multicast addresses
		"240.0.0.0/4":        "", // has more than the broadcast address
		"0.0.0.0/32":         "the unspecified address",
		"::/128":             "the unspecified address",
		"127.0.0.1/32":       "a loopback address",
		"127.1.0.0/16":       "a loopback address",
		"::1/128":            "a loopback address",
		"224.0.0.1/32":       "a multicast address",
		"239.255.255.255/32": "a multicast address",
		"224.0.0.0/4":        "a multicast address",
		"ff02::1/128":        "a multicast address",
		"ff00::/8":           "a multicast address",
		"255.255.255.255/32": "the broadcast address",
	} {
		t.Run(text, func(t *testing.T) {
			if got := NotUnicast(netip.MustParsePrefix(text)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
