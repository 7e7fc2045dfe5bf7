// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/binding"
)

// hasStaleClaim tells whether a Network holds a claim whose Network is gone, has been made again under its name, is being
// deleted, or names the holder no more.
func hasStaleClaim(holder *v1alpha1.Network, lookup binding.Lookup) bool {
	return slices.ContainsFunc(holder.Spec.IncomingPeerings, func(claim v1alpha1.NetworkPeeringClaimRef) bool {
		claimant := lookup(types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name})
		return claimant == nil || claimant.UID != claim.UID || claimant.DeletionTimestamp != nil ||
			!binding.Names(claimant, holder)
	})
}

// claimMayEnd tells whether a change of a Network can make its claims stale.
func claimMayEnd(old, network *v1alpha1.Network) bool {
	return old.UID != network.UID ||
		old.DeletionTimestamp == nil && network.DeletionTimestamp != nil ||
		old.Generation != network.Generation
}
