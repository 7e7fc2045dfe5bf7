// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

func TestIndexesFindTheOtherEnd(t *testing.T) {
	informer := cache.NewSharedIndexInformer(&cache.ListWatch{}, &v1alpha1.Network{}, 0, Indexers())
	for _, network := range []*v1alpha1.Network{
		{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "near", UID: "uid-of-near"},
			Spec: v1alpha1.NetworkSpec{
				Peerings: []v1alpha1.NetworkPeering{
					{NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "target"}},
					{NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "far", Namespace: "team-b"}},
				},
				IncomingPeerings: []v1alpha1.NetworkPeeringClaimRef{
					{Namespace: "team-b", Name: "far", UID: "uid-of-far"},
					{Namespace: "team-b", Name: "claimant", UID: "uid-of-claimant"},
				},
			},
		},
		{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "far"},
			Spec: v1alpha1.NetworkSpec{
				Peerings: []v1alpha1.NetworkPeering{
					{NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "target", Namespace: "team-a", UID: "a-pin"}},
					{NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "target"}},
				},
			},
		},
	} {
		if err := informer.GetIndexer().Add(network); err != nil {
			t.Fatal(err)
		}
	}
	near := types.NamespacedName{Namespace: "team-a", Name: "near"}
	far := types.NamespacedName{Namespace: "team-b", Name: "far"}

	anyOrder := cmpopts.SortSlices(func(a, b types.NamespacedName) bool { return a.String() < b.String() })
	claimant := func(uid types.UID) *v1alpha1.Network {
		return &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "far", UID: uid}}
	}
	withUID := func(uid types.UID) []*v1alpha1.Network {
		if network := WithUID(informer, uid); network != nil {
			return []*v1alpha1.Network{network}
		}
		return nil
	}
	for sentence, tc := range map[string]struct {
		found []*v1alpha1.Network
		want  []types.NamespacedName
	}{
		"a Network is found by those that name it, pinned or not, from wherever they are": {
			found: Related(informer, types.NamespacedName{Namespace: "team-a", Name: "target"}),
			want:  []types.NamespacedName{near, far},
		},
		"its namesake in another namespace is found by those that mean it": {
			found: Related(informer, types.NamespacedName{Namespace: "team-b", Name: "target"}),
			want:  []types.NamespacedName{far},
		},
		"one that is bound is found once": {
			found: Related(informer, far),
			want:  []types.NamespacedName{near},
		},
		"nobody names near": {
			found: Related(informer, near),
		},
		"one with a claim alone is found": {
			found: Related(informer, types.NamespacedName{Namespace: "team-b", Name: "claimant"}),
			want:  []types.NamespacedName{near},
		},
		"the holder of a claim is found": {
			found: ClaimedBy(informer, claimant("uid-of-far")),
			want:  []types.NamespacedName{near},
		},
		"nobody holds a claim of an earlier Network of the name": {
			found: ClaimedBy(informer, claimant("uid-of-an-earlier-far")),
		},
		"a Network is found by its UID": {
			found: withUID("uid-of-near"),
			want:  []types.NamespacedName{near},
		},
		"none is found by the UID of an earlier one": {
			found: withUID("uid-of-an-earlier-near"),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got []types.NamespacedName
			for _, network := range tc.found {
				got = append(got, rules.NameOf(network))
			}
			if diff := cmp.Diff(tc.want, got, anyOrder); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
