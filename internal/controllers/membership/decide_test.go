// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package membership

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestCount(t *testing.T) {
	deleted := metav1.NewTime(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC))
	network := func(changes ...func(*v1alpha1.Network)) *v1alpha1.Network {
		n := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "net", UID: "u", ResourceVersion: "7"}}
		for _, change := range changes {
			change(n)
		}
		return n
	}
	has := func(count int32) func(*v1alpha1.Network) {
		return func(n *v1alpha1.Network) { n.Status.NetworkInterfaces = count }
	}
	waiting := func(message string) func(*v1alpha1.Network) {
		return func(n *v1alpha1.Network) {
			n.DeletionTimestamp = &deleted
			n.Finalizers = []string{"other", v1alpha1.NetworkInterfacesFinalizer}
			if message != "" {
				n.Status.Conditions = []metav1.Condition{{Type: "DeletionBlocked", Status: "True", Message: message}}
			}
		}
	}
	membership := func(count int32, names ...string) *v1alpha1.NetworkMembership {
		return &v1alpha1.NetworkMembership{
			ObjectMeta:        metav1.ObjectMeta{Namespace: "team-a", Name: "net", UID: "u", ResourceVersion: "7"},
			NetworkInterfaces: count, Names: names,
		}
	}
	const waitsForA = "The deletion waits for 1 NetworkInterface that is still in this Network: a."

	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		members []string
		want    *v1alpha1.NetworkMembership
		mayEnd  bool
	}{
		"none is nothing new":                            {network: network()},
		"a count that is right is not written":           {network: network(has(2)), members: []string{"a", "b"}},
		"a count that differs is written, without names": {network: network(), members: []string{"a", "b"}, want: membership(2)},
		"a deletion that says what it waits for is not written": {
			network: network(has(1), waiting(waitsForA)), members: []string{"a"},
		},
		"a deletion says what it waits for": {
			network: network(has(1), waiting("")), members: []string{"a"}, want: membership(1, "a"),
		},
		"a deletion says so anew when others are left": {
			network: network(has(1), waiting(waitsForA)), members: []string{"b"}, want: membership(1, "b"),
		},
		"a deletion ends without members": {
			network: network(has(1), waiting(waitsForA)), want: membership(0), mayEnd: true,
		},
		"a Network that somebody else keeps is counted to the end": {
			network: network(has(1), waiting(waitsForA), func(n *v1alpha1.Network) { n.Finalizers = []string{"other"} }),
			want:    membership(0),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, count(tc.network, tc.members)); diff != "" {
				t.Errorf("membership (-want +got):\n%s", diff)
			}
			if got := mayEnd(tc.network, tc.members); got != tc.mayEnd {
				t.Errorf("the deletion may end: %t, want %t", got, tc.mayEnd)
			}
		})
	}
}

func TestWithoutFinalizerLeavesOthers(t *testing.T) {
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
		Finalizers: []string{"before", v1alpha1.NetworkInterfacesFinalizer, "after"},
	}}
	if diff := cmp.Diff([]string{"before", "after"}, withoutFinalizer(network).Finalizers); diff != "" {
		t.Errorf("finalizers (-want +got):\n%s", diff)
	}
	if len(network.Finalizers) != 3 {
		t.Errorf("the cached Network was changed: it has %q", network.Finalizers)
	}
}
