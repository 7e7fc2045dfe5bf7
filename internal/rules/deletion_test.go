// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import "testing"

func TestMessage(t *testing.T) {
	for sentence, tc := range map[string]struct {
		members Members
		want    string
	}{
		"one is named": {
			members: Members{NetworkInterfaces: []string{"a"}},
			want:    "The deletion waits for 1 NetworkInterface that is still in this Network: a.",
		},
		"a few are named in alphabetical order": {
			members: Members{NetworkInterfaces: []string{"c", "a", "b"}},
			want:    "The deletion waits for 3 NetworkInterfaces that are still in this Network: a, b, c.",
		},
		"of many the first are named and the others counted": {
			members: Members{NetworkInterfaces: []string{"g", "f", "e", "d", "c", "b", "a"}},
			want:    "The deletion waits for 7 NetworkInterfaces that are still in this Network: a, b, c, d, e and 2 more.",
		},
		"each kind has its sentence": {
			members: Members{NATGateways: []string{"n"}, LoadBalancers: []string{"y", "x"}},
			want: "The deletion waits for 2 LoadBalancers that are still in this Network: x, y. " +
				"The deletion waits for 1 NATGateway that is still in this Network: n.",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := DeletionMessage(tc.members.Holders()); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
