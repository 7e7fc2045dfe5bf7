// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package prefixes

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestUsersOfPrefixes(t *testing.T) {
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	name := types.NamespacedName{Namespace: "team-a", Name: "a"}
	front := types.NamespacedName{Namespace: "team-a", Name: "front"}
	back := types.NamespacedName{Namespace: "team-a", Name: "back"}
	a := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a"}}
	again := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-another-a"}}
	r.use(front, a)
	r.use(back, a)
	r.use(front, again)

	found := func(prefix *types.NamespacedName) map[types.UID]types.NamespacedName {
		users := make(map[types.UID]types.NamespacedName)
		r.changed(prefix, func(name types.NamespacedName, uid types.UID) { users[uid] = name })
		return users
	}
	for sentence, tc := range map[string]struct {
		prefix *types.NamespacedName
		want   map[types.UID]types.NamespacedName
	}{
		"a Prefix that both use":  {&front, map[types.UID]types.NamespacedName{"uid-of-a": name, "uid-of-another-a": name}},
		"a Prefix that one uses":  {&back, map[types.UID]types.NamespacedName{"uid-of-a": name}},
		"a Prefix of nobody's":    {&types.NamespacedName{Namespace: "team-b", Name: "back"}, map[types.UID]types.NamespacedName{}},
		"all that may be changed": {nil, map[types.UID]types.NamespacedName{"uid-of-a": name, "uid-of-another-a": name}},
	} {
		if diff := cmp.Diff(tc.want, found(tc.prefix)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sentence, diff)
		}
	}

	// Of a Network that is gone, the UID is all that is known.
	r.Forget("uid-of-a")
	if diff := cmp.Diff(map[types.UID]types.NamespacedName{"uid-of-another-a": name}, found(nil)); diff != "" {
		t.Errorf("after one is gone (-want +got):\n%s", diff)
	}
	r.Forget("uid-of-another-a")
	if len(r.users)+len(r.uses) > 0 {
		t.Errorf("nobody is left, but users %v and uses %v", r.users, r.uses)
	}
}
