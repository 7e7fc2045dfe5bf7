// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestHasStaleClaim(t *testing.T) {
	holder := func(claims ...v1alpha1.NetworkPeeringClaimRef) *v1alpha1.Network {
		return &v1alpha1.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "holder", UID: "uid-of-holder"},
			Spec:       v1alpha1.NetworkSpec{IncomingPeerings: claims},
		}
	}
	claim := v1alpha1.NetworkPeeringClaimRef{Namespace: "team-b", Name: "claimant", UID: "uid-of-claimant"}
	claimant := func(change func(*v1alpha1.Network)) *v1alpha1.Network {
		network := &v1alpha1.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "claimant", UID: "uid-of-claimant"},
			Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{{
				NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-a", Name: "holder"},
			}}},
		}
		change(network)
		return network
	}
	good := claimant(func(*v1alpha1.Network) {})

	for sentence, tc := range map[string]struct {
		holder   *v1alpha1.Network
		claimant *v1alpha1.Network
		want     bool
	}{
		"a Network without claims has no stale one": {holder: holder(), claimant: good, want: false},
		"the claim of a Network that names the holder holds": {
			holder: holder(claim), claimant: good, want: false,
		},
		"the claim of a Network that is not available is no matter of release": {
			holder:   holder(claim),
			claimant: claimant(func(n *v1alpha1.Network) { n.Status.State = v1alpha1.NetworkStateError }),
			want:     false,
		},
		"the claim of a Network that is gone is stale": {holder: holder(claim), claimant: nil, want: true},
		"the claim of a Network that was made again is stale": {
			holder: holder(claim), claimant: claimant(func(n *v1alpha1.Network) { n.UID = "uid-of-another" }), want: true,
		},
		"the claim of a Network that is being deleted is stale": {
			holder:   holder(claim),
			claimant: claimant(func(n *v1alpha1.Network) { n.DeletionTimestamp = &metav1.Time{} }),
			want:     true,
		},
		"the claim of a Network that names the holder no more is stale": {
			holder: holder(claim), claimant: claimant(func(n *v1alpha1.Network) { n.Spec.Peerings = nil }), want: true,
		},
		"the claim of a Network that pins an earlier holder is stale": {
			holder: holder(claim),
			claimant: claimant(func(n *v1alpha1.Network) {
				n.Spec.Peerings[0].NetworkRef.UID = "uid-of-an-earlier-holder"
			}),
			want: true,
		},
		"one stale claim among good ones is enough": {
			holder:   holder(claim, v1alpha1.NetworkPeeringClaimRef{Namespace: "team-b", Name: "gone", UID: "uid-of-gone"}),
			claimant: good,
			want:     true,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			lookup := func(name types.NamespacedName) *v1alpha1.Network {
				if name == (types.NamespacedName{Namespace: "team-b", Name: "claimant"}) {
					return tc.claimant
				}
				return nil
			}
			if got := hasStaleClaim(tc.holder, lookup); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestClaimMayEnd(t *testing.T) {
	network := func(uid types.UID, generation int64, deleting bool) *v1alpha1.Network {
		n := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{UID: uid, Generation: generation}}
		if deleting {
			n.DeletionTimestamp = &metav1.Time{}
		}
		return n
	}
	for sentence, tc := range map[string]struct {
		old, network *v1alpha1.Network
		want         bool
	}{
		"by a change of the peerings": {network("1", 1, false), network("1", 2, false), true},
		"by the begin of a deletion":  {network("1", 1, false), network("1", 1, true), true},
		"by a Network made again":     {network("1", 1, false), network("2", 1, false), true},
		"not by a deletion going on":  {network("1", 1, true), network("1", 1, true), false},
		"not by anything else":        {network("1", 1, false), network("1", 1, false), false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := claimMayEnd(tc.old, tc.network); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
