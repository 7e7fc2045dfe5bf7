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
)

func TestIndexesFindTheOtherEnd(t *testing.T) {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, Indexers())
	for _, network := range []*v1alpha1.Network{
		{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "near", UID: "uid-of-near"},
			Spec: v1alpha1.NetworkSpec{
				Peerings: []v1alpha1.NetworkPeering{
					{NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "target"}},
					{NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "far", Namespace: "team-b"}},
				},
				IncomingPeerings: []v1alpha1.NetworkPeeringClaimRef{{Namespace: "team-b", Name: "far", UID: "uid-of-far"}},
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
		if err := indexer.Add(network); err != nil {
			t.Fatal(err)
		}
	}
	near := types.NamespacedName{Namespace: "team-a", Name: "near"}
	far := types.NamespacedName{Namespace: "team-b", Name: "far"}

	anyOrder := cmpopts.SortSlices(func(a, b types.NamespacedName) bool { return a.String() < b.String() })
	for sentence, tc := range map[string]struct {
		find func() ([]types.NamespacedName, error)
		want []types.NamespacedName
	}{
		"a Network is found by those that name it, pinned or not, from wherever they are": {
			find: func() ([]types.NamespacedName, error) {
				return Naming(indexer, types.NamespacedName{Namespace: "team-a", Name: "target"})
			},
			want: []types.NamespacedName{near, far},
		},
		"its namesake in another namespace is found by those that mean it": {
			find: func() ([]types.NamespacedName, error) {
				return Naming(indexer, types.NamespacedName{Namespace: "team-b", Name: "target"})
			},
			want: []types.NamespacedName{far},
		},
		"nobody names near": {
			find: func() ([]types.NamespacedName, error) { return Naming(indexer, near) },
			want: []types.NamespacedName{},
		},
		"the holder of a claim is found by its UID": {
			find: func() ([]types.NamespacedName, error) { return ClaimedBy(indexer, "uid-of-far") },
			want: []types.NamespacedName{near},
		},
		"a Network is found by its UID": {
			find: func() ([]types.NamespacedName, error) {
				name, _ := WithUID(indexer, "uid-of-near")
				return []types.NamespacedName{name}, nil
			},
			want: []types.NamespacedName{near},
		},
		"none is found by the UID of an earlier one": {
			find: func() ([]types.NamespacedName, error) {
				if name, ok := WithUID(indexer, "uid-of-an-earlier-near"); ok {
					return []types.NamespacedName{name}, nil
				}
				return nil, nil
			},
		},
		"nobody holds a claim of another UID": {
			find: func() ([]types.NamespacedName, error) { return ClaimedBy(indexer, "uid-of-an-earlier-far") },
			want: []types.NamespacedName{},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, err := tc.find()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, anyOrder); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
