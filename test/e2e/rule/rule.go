// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package rule holds Networks against the binding rule as the documentation words it. It shares no code with the server.
package rule

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Violations holds all Networks of a cluster against the binding rule as the documentation words it, and returns what
// is not so.
func Violations(networks []v1alpha1.Network) []string {
	byName := map[types.NamespacedName]*v1alpha1.Network{}
	for i := range networks {
		byName[types.NamespacedName{Namespace: networks[i].Namespace, Name: networks[i].Name}] = &networks[i]
	}
	takesPart := func(n *v1alpha1.Network) bool {
		return n != nil && n.DeletionTimestamp == nil && n.Status.State == v1alpha1.NetworkStateAvailable
	}
	target := func(n *v1alpha1.Network, ref v1alpha1.NetworkPeeringNetworkRef) types.NamespacedName {
		return types.NamespacedName{Namespace: cmp.Or(ref.Namespace, n.Namespace), Name: ref.Name}
	}
	names := func(n, peer *v1alpha1.Network) bool {
		return slices.ContainsFunc(n.Spec.Peerings, func(p v1alpha1.NetworkPeering) bool {
			return target(n, p.NetworkRef) == types.NamespacedName{Namespace: peer.Namespace, Name: peer.Name} &&
				(p.NetworkRef.UID == "" || p.NetworkRef.UID == peer.UID)
		})
	}

	var wrong []string
	for i := range networks {
		n := &networks[i]
		complain := func(format string, args ...any) {
			wrong = append(wrong, fmt.Sprintf("%s/%s: ", n.Namespace, n.Name)+fmt.Sprintf(format, args...))
		}
		if len(n.Status.Peerings) != len(n.Spec.Peerings) {
			complain("%d peerings but %d items in status.peerings", len(n.Spec.Peerings), len(n.Status.Peerings))
			continue
		}
		claims := map[v1alpha1.NetworkPeeringClaimRef]bool{}
		for i, peering := range n.Spec.Peerings {
			status := n.Status.Peerings[i]
			if status.Name != peering.Name {
				complain("status.peerings[%d] is named %s, the peering %s", i, status.Name, peering.Name)
			}
			peer := byName[target(n, peering.NetworkRef)]
			want := v1alpha1.NetworkPeeringPhasePending
			if takesPart(n) && takesPart(peer) && names(n, peer) && names(peer, n) {
				want = v1alpha1.NetworkPeeringPhaseBound
				claims[v1alpha1.NetworkPeeringClaimRef{Namespace: peer.Namespace, Name: peer.Name, UID: peer.UID}] = true
			}
			if status.Phase != want {
				complain("peering %s is %s (%s), want %s", peering.Name, status.Phase, status.Reason, want)
			}
		}
		for _, claim := range n.Spec.IncomingPeerings {
			if !claims[claim] {
				complain("holds the claim %v, which nothing stands behind", claim)
			}
			delete(claims, claim)
		}
		for claim := range claims {
			complain("lacks the claim %v", claim)
		}
	}
	return wrong
}

// Torn returns what in a single Network, seen at any moment, no reader should ever see: a bound peering without its
// claim or a claim without its bound peering.
func Torn(n *v1alpha1.Network) string {
	claimed := map[types.NamespacedName]bool{}
	for _, claim := range n.Spec.IncomingPeerings {
		claimed[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = true
	}
	phases := map[string]v1alpha1.NetworkPeeringPhase{}
	for _, status := range n.Status.Peerings {
		phases[status.Name] = status.Phase
	}
	for _, peering := range n.Spec.Peerings {
		target := types.NamespacedName{
			Namespace: cmp.Or(peering.NetworkRef.Namespace, n.Namespace), Name: peering.NetworkRef.Name,
		}
		isBound := phases[peering.Name] == v1alpha1.NetworkPeeringPhaseBound
		if isBound != claimed[target] {
			return fmt.Sprintf("%s/%s at %s: peering %s is %s, claim of %s: %t",
				n.Namespace, n.Name, n.ResourceVersion, peering.Name, phases[peering.Name], target, claimed[target])
		}
		delete(claimed, target)
	}
	if len(claimed) > 0 {
		return fmt.Sprintf("%s/%s at %s: claims without a peering: %v", n.Namespace, n.Name, n.ResourceVersion, claimed)
	}
	return ""
}
