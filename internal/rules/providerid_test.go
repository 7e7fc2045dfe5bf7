// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"strings"
	"testing"
)

func TestIsProviderID(t *testing.T) {
	for sentence, tc := range map[string]struct {
		id   string
		want bool
	}{
		"a URL is one":               {"ovn://network-1", true},
		"none is fine":               {"", true},
		"a space is not printed":     {"has space", false},
		"only ASCII":                 {"ovn://ü", false},
		"the longest is one":         {strings.Repeat("x", MaxProviderIDLength), true},
		"one byte more is too long":  {strings.Repeat("x", MaxProviderIDLength+1), false},
		"control characters are not": {"a\nb", false},
	} {
		if got := IsProviderID(tc.id); got != tc.want {
			t.Errorf("%s: got %t", sentence, got)
		}
	}
}
