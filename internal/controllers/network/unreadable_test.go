// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
)

func TestWhatDependsOnAnObjectThatCannotBeRead(t *testing.T) {
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"}}
	network.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{{Namespace: "team-b", Name: "b", UID: "uid-of-b"}}
	for sentence, tc := range map[string]struct {
		resource, namespace, name string
		want                      bool
	}{
		"a peer":                               {"networks", "team-b", "b", true},
		"another Network":                      {"networks", "team-b", "c", false},
		"an interface of its own":              {"networkinterfaces", "team-a", "nic", true},
		"an interface of a peer":               {"networkinterfaces", "team-b", "nic", true},
		"an interface elsewhere":               {"networkinterfaces", "team-c", "nic", false},
		"a policy of its own":                  {"networkpolicies", "team-a", "policy", true},
		"a policy of a peer":                   {"networkpolicies", "team-b", "policy", false},
		"a LoadBalancer that a policy selects": {"loadbalancers", "team-a", "lb", true},
		"a VirtualIP that a policy selects":    {"virtualips", "team-a", "vip", true},
	} {
		unreadable := &index.Unreadable{}
		unreadable.Found(tc.resource, 1, []types.NamespacedName{{Namespace: tc.namespace, Name: tc.name}})
		if got := dependsOnUnreadable(network, unreadable); got != tc.want {
			t.Errorf("%s: got %t", sentence, got)
		}
	}
}
