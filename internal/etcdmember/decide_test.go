// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"strings"
	"testing"
)

func TestDecide(t *testing.T) {
	const self = "https://etcd-2:2380"
	others := []member{
		{name: "etcd-0", peerURL: "https://etcd-0:2380", started: true},
		{name: "etcd-1", peerURL: "https://etcd-1:2380", started: true},
	}
	for name, tt := range map[string]struct {
		hasData bool
		known   []member
		state   string
		why     string // part of it
	}{
		"a member with data starts, whatever the others know":      {hasData: true, known: others, state: "new"},
		"a member of a cluster that nobody has started yet starts": {state: "new"},
		"a member that is not known stays out":                     {known: others, why: "does not know it"},
		"a member that was added joins":                            {known: append(others[:2:2], member{peerURL: self}), state: "existing"},
		"a member that was slower than its peers at the first start starts": {
			known: append(others[:2:2], member{name: "etcd-2", peerURL: self}), state: "new"},
		"a member that has served before and has no data stays out": {
			known: append(others[:2:2], member{name: "etcd-2", peerURL: self, started: true}), why: "has lost its data"},
		"a name does not make a member known": {
			known: append(others[:2:2], member{name: "etcd-2", peerURL: "https://elsewhere:2380"}), why: "does not know it"},
	} {
		t.Run(name, func(t *testing.T) {
			state, why := decide("etcd-2", self, tt.hasData, tt.known)
			if state != tt.state || !strings.Contains(why, tt.why) || (why == "") != (tt.why == "") {
				t.Errorf("decide() = %q, %q; want %q, %q", state, why, tt.state, tt.why)
			}
			if strings.Contains(why, "\n") {
				t.Errorf("%q is more than one line", why)
			}
		})
	}
}
