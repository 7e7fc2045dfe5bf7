// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestConcernsPeers(t *testing.T) {
	base := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a"},
		Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{
			{Name: "b", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "b"}},
			{Name: "c", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "c"}},
		}},
		Status: v1alpha1.NetworkStatus{State: v1alpha1.NetworkStatePending},
	}
	with := func(change func(*v1alpha1.Network)) *v1alpha1.Network {
		network := base.DeepCopy()
		change(network)
		return network
	}
	available := with(func(n *v1alpha1.Network) { n.Status.State = v1alpha1.NetworkStateAvailable })
	deleting := with(func(n *v1alpha1.Network) { n.DeletionTimestamp = &metav1.Time{} })

	for sentence, tc := range map[string]struct {
		old, network *v1alpha1.Network
		want         bool
	}{
		"a new Network concerns those that name it": {old: nil, network: base, want: true},
		"a Network that is gone does":               {old: base, network: nil, want: true},
		"a Network made again under its name does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.UID = "2" }),
			want:    true,
		},
		"the begin of a deletion does":             {old: base, network: deleting, want: true},
		"a Network that becomes available does":    {old: base, network: available, want: true},
		"a Network that is available no more does": {old: available, network: base, want: true},
		"an update that changes nothing does not":  {old: base, network: base.DeepCopy()},
		"a deletion that goes on does not":         {old: deleting, network: deleting.DeepCopy()},
		"a state that is no more available does not": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Status.State = "Error" }),
		},
		"a peering less does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings = n.Spec.Peerings[:1] }),
			want:    true,
		},
		"a peering with another Network does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].NetworkRef.Name = "d" }),
			want:    true,
		},
		"a peering with another namespace does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].NetworkRef.Namespace = "d" }),
			want:    true,
		},
		"a pin does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].NetworkRef.UID = "d" }),
			want:    true,
		},
		"a peering under another name does not": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].Name = "d" }),
		},
		"what a peering exposes does not": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].Prefixes = []v1alpha1.PeeringPrefix{{}} }),
		},
		"labels do not": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Labels = map[string]string{"app": "web"} }),
		},
		"the outcome of a binding concerns nobody else": {
			old: base,
			network: with(func(n *v1alpha1.Network) {
				n.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{{Name: "b"}}
				n.Status.Peerings = []v1alpha1.NetworkPeeringStatus{{Name: "b", Phase: v1alpha1.NetworkPeeringPhaseBound}}
			}),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := concernsPeers(tc.old, tc.network); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
