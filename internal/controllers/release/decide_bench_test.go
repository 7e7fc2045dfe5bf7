// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// BenchmarkHasStaleClaim holds claims that are all good, which takes the longest, against their claimants.
func BenchmarkHasStaleClaim(b *testing.B) {
	for _, claims := range []int{2, 1000} {
		b.Run(fmt.Sprintf("%d claims", claims), func(b *testing.B) {
			holder := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "holder", UID: "uid-of-holder"}}
			claimants := make(map[types.NamespacedName]*v1alpha1.Network, claims)
			for i := range claims {
				claimant := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
					Namespace: "team-b", Name: fmt.Sprintf("claimant-%d", i), UID: types.UID(fmt.Sprintf("uid-%d", i))}}
				claimant.Spec.Peerings = []v1alpha1.NetworkPeering{{
					Name: "holder", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-a", Name: "holder"}}}
				claimants[types.NamespacedName{Namespace: claimant.Namespace, Name: claimant.Name}] = claimant
				holder.Spec.IncomingPeerings = append(holder.Spec.IncomingPeerings, v1alpha1.NetworkPeeringClaimRef{
					Namespace: claimant.Namespace, Name: claimant.Name, UID: claimant.UID})
			}
			lookup := func(name types.NamespacedName) *v1alpha1.Network { return claimants[name] }
			b.ReportAllocs()
			for b.Loop() {
				if hasStaleClaim(holder, lookup) {
					b.Fatal("every claimant names the holder")
				}
			}
		})
	}
}
