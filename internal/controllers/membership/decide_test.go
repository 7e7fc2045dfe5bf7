// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package membership

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
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
			NetworkInterfaces: count, Holders: rules.Members{NetworkInterfaces: names}.Holders(),
		}
	}
	in := func(interfaces ...string) rules.Members { return rules.Members{NetworkInterfaces: interfaces} }
	const waitsForA = "The deletion waits for 1 NetworkInterface that is still in this Network: a."

	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		members rules.Members
		want    *v1alpha1.NetworkMembership
		mayEnd  bool
	}{
		"none is nothing new":                            {network: network()},
		"a count that is right is not written":           {network: network(has(2)), members: in("a", "b")},
		"a count that differs is written, without names": {network: network(), members: in("a", "b"), want: membership(2)},
		"a deletion that says what it waits for is not written": {
			network: network(has(1), waiting(waitsForA)), members: in("a"),
		},
		"a deletion says what it waits for": {
			network: network(has(1), waiting("")), members: in("a"), want: membership(1, "a"),
		},
		"a deletion says so anew when others are left": {
			network: network(has(1), waiting(waitsForA)), members: in("b"), want: membership(1, "b"),
		},
		"a deletion waits for a LoadBalancer and a NATGateway as well, which are not counted": {
			network: network(has(1), waiting(waitsForA)),
			members: rules.Members{LoadBalancers: []string{"l"}, NATGateways: []string{"n"}},
			want: &v1alpha1.NetworkMembership{
				ObjectMeta: membership(0).ObjectMeta,
				Holders: []v1alpha1.NetworkHolders{
					{Kind: "LoadBalancer", Count: 1, Names: []string{"l"}}, {Kind: "NATGateway", Count: 1, Names: []string{"n"}},
				},
			},
		},
		"what is in a Network that is not being deleted is of no account but for the number of interfaces": {
			network: network(has(1), func(n *v1alpha1.Network) { n.Finalizers = []string{"networking.ironcore.dev/network"} }),
			members: rules.Members{NetworkInterfaces: []string{"a"}, LoadBalancers: []string{"l"}},
		},
		"a deletion ends without members": {
			network: network(has(1), waiting(waitsForA)), want: membership(0), mayEnd: true,
		},
		"a deletion that began at ironcore's own server waits as well": {
			network: network(has(1), waiting(""), func(n *v1alpha1.Network) { n.Finalizers = []string{"networking.ironcore.dev/network"} }),
			members: in("a"), want: membership(1, "a"),
		},
		"and ends likewise": {
			network: network(waiting(""), func(n *v1alpha1.Network) { n.Finalizers = []string{"networking.ironcore.dev/network"} }),
			mayEnd:  true,
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
			if got := deletionMayEnd(tc.network, tc.members); got != tc.mayEnd {
				t.Errorf("the deletion may end: %t, want %t", got, tc.mayEnd)
			}
		})
	}
}

func TestBlocked(t *testing.T) {
	network := func(uid string, conditions ...metav1.Condition) *v1alpha1.Network {
		n := &v1alpha1.Network{}
		n.UID, n.Status.Conditions = types.UID(uid), conditions
		return n
	}
	waits := func(reason, message string) metav1.Condition {
		return metav1.Condition{Type: "DeletionBlocked", Status: "True", Reason: reason, Message: message}
	}
	interfaces, fewer := waits("NetworkInterfacesExist", "2 of them"), waits("NetworkInterfacesExist", "1 of them")
	balancers := waits("LoadBalancersExist", "1 of them")

	for sentence, tc := range map[string]struct {
		before, after *v1alpha1.Network
		want          string // the reason
	}{
		"a Network that is not being deleted is not":             {before: network("u"), after: network("u")},
		"a deletion that begins to wait is":                      {before: network("u"), after: network("u", interfaces), want: interfaces.Reason},
		"one that waits for fewer is told of already":            {before: network("u", interfaces), after: network("u", fewer)},
		"one that waits for others is told of again":             {before: network("u", interfaces), after: network("u", balancers), want: balancers.Reason},
		"one that waits no more is not":                          {before: network("u", interfaces), after: network("u")},
		"a Network that waits when it is first seen is":          {after: network("u", interfaces), want: interfaces.Reason},
		"a Network of that name that was made and deleted again": {before: network("u", interfaces), after: network("v", fewer), want: fewer.Reason},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := ""
			if condition := blocked(tc.before, tc.after); condition != nil {
				got = condition.Reason
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSettling(t *testing.T) {
	deleted := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	network := func(conditions ...metav1.Condition) *v1alpha1.Network {
		at := metav1.NewTime(deleted)
		return &v1alpha1.Network{
			ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &at, Finalizers: []string{v1alpha1.NetworkInterfacesFinalizer}},
			Status:     v1alpha1.NetworkStatus{Conditions: conditions},
		}
	}
	blocked := metav1.Condition{Type: v1alpha1.NetworkDeletionBlocked, Status: metav1.ConditionTrue}
	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		after   time.Duration
		wait    bool
	}{
		"the request that deletes a Network is left to let it go":     {network: network(), after: time.Second, wait: true},
		"a request that did not let the Network go is not waited for": {network: network(), after: 2 * time.Second},
		"a Network whose request found members is let go at once":     {network: network(blocked)},
		"a clock that is slightly behind waits, too":                  {network: network(), after: -time.Second, wait: true},
		"a deletion that is yet to come is not waited for":            {network: network(), after: -time.Hour},
	} {
		t.Run(sentence, func(t *testing.T) {
			if wait := waitForDeletingRequest(tc.network, deleted.Add(tc.after)); wait > 0 != tc.wait {
				t.Errorf("waits %s", wait)
			}
		})
	}
}
