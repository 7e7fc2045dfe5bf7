// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// BenchmarkConcernsPeers asks of an update that does not matter to peers, which takes the longest: all is compared.
func BenchmarkConcernsPeers(b *testing.B) {
	for _, peerings := range []int{2, 1000} {
		b.Run(fmt.Sprintf("%d peerings", peerings), func(b *testing.B) {
			old := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a"}}
			for i := range peerings {
				name := fmt.Sprintf("network-%d", i)
				old.Spec.Peerings = append(old.Spec.Peerings, v1alpha1.NetworkPeering{
					Name: name, NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: name}})
			}
			network := old.DeepCopy()
			network.Spec.ProviderID = "local://5"
			b.ReportAllocs()
			for b.Loop() {
				if concernsPeers(old, network) {
					b.Fatal("a provider ID concerns no peer")
				}
			}
		})
	}
}

// BenchmarkCompare compares a Network with what is decided of it: nothing new, which is most often the case, and all
// peerings newly Bound.
func BenchmarkCompare(b *testing.B) {
	for _, peerings := range []int{2, 1000} {
		allBound := make([]peering, peerings)
		allPending := make([]peering, peerings)
		for i := range peerings {
			allBound[i] = peering{bound, "Bound", types.UID(fmt.Sprintf("uid-%d", i))}
			allPending[i] = peering{pending, "PeerNotAvailable", ""}
		}
		for _, network := range []struct {
			name   string
			stored []peering
			want   change
		}{{"unchanged", allBound, unchanged}, {"bind", allPending, bind}} {
			b.Run(fmt.Sprintf("%s/%d peerings", network.name, peerings), func(b *testing.B) {
				before, after := stored(network.stored...), decided(allBound...)
				now := time.Now()
				b.ReportAllocs()
				for b.Loop() {
					change := compare(before, after)
					if change != network.want || delayBeforeWrite(before, after, change, time.Time{}, now) > 0 {
						b.Fatalf("got change %d, want %d at once", change, network.want)
					}
				}
			})
		}
	}
}

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
