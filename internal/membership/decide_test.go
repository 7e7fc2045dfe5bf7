// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package membership

import "testing"

func TestMessage(t *testing.T) {
	for sentence, tc := range map[string]struct {
		members []string
		want    string
	}{
		"one is named": {
			members: []string{"a"},
			want:    "The deletion waits for 1 NetworkInterface that is still in this Network: a.",
		},
		"a few are named in alphabetical order": {
			members: []string{"c", "a", "b"},
			want:    "The deletion waits for 3 NetworkInterfaces that are still in this Network: a, b, c.",
		},
		"of many the first are named and the others counted": {
			members: []string{"g", "f", "e", "d", "c", "b", "a"},
			want:    "The deletion waits for 7 NetworkInterfaces that are still in this Network: a, b, c, d, e and 2 more.",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := Message(int32(len(tc.members)), FirstNames(tc.members)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
