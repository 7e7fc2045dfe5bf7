// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestGaps(t *testing.T) {
	a, b := types.NamespacedName{Namespace: "team-a", Name: "a"}, types.NamespacedName{Namespace: "team-b", Name: "b"}
	for sentence, tc := range map[string]struct {
		happens func(g *Unreadable)
		seen    int64
		a, inA  bool
	}{
		"there are none at first": {happens: func(*Unreadable) {}},
		"what a list could not read is one": {
			happens: func(g *Unreadable) { g.Found("networks", 5, []types.NamespacedName{a}) }, seen: 9, a: true, inA: true,
		},
		"what is in another namespace or of another kind is none": {
			happens: func(g *Unreadable) {
				g.Found("networks", 5, []types.NamespacedName{b})
				g.Found("virtualips", 5, []types.NamespacedName{a})
			}, seen: 9,
		},
		"what was mended counts until the informer has it": {
			happens: func(g *Unreadable) {
				g.Found("networks", 5, []types.NamespacedName{a})
				g.Closed("networks", a, 7)
			}, seen: 6, a: true, inA: true,
		},
		"and no longer": {
			happens: func(g *Unreadable) {
				g.Found("networks", 5, []types.NamespacedName{a})
				g.Closed("networks", a, 7)
			}, seen: 7,
		},
		"what a later list does not name counts until the informer has seen as much": {
			happens: func(g *Unreadable) {
				g.Found("networks", 5, []types.NamespacedName{a})
				g.Found("networks", 8, nil)
			}, seen: 7, a: true, inA: true,
		},
		"and no longer than that": {
			happens: func(g *Unreadable) {
				g.Found("networks", 5, []types.NamespacedName{a})
				g.Found("networks", 8, nil)
			}, seen: 8,
		},
		"what can't be read once more is one again": {
			happens: func(g *Unreadable) {
				g.Found("networks", 5, []types.NamespacedName{a})
				g.Closed("networks", a, 7)
				g.Found("networks", 8, []types.NamespacedName{a})
			}, seen: 9, a: true, inA: true,
		},
	} {
		g := &Unreadable{Seen: func(string) int64 { return tc.seen }}
		tc.happens(g)
		if has, in := g.Has("networks", a), g.In("team-a", "networks", "natgateways"); has != tc.a || in != tc.inA {
			t.Errorf("%s: got %t and %t, want %t and %t", sentence, has, in, tc.a, tc.inA)
		}
	}
	if (*Unreadable)(nil).Any("networks") {
		t.Error("a nil one has objects")
	}
}
