// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
)

// dependsOnUnreadable tells whether what realizes a Network depends on an object that can't be read: a peer, what is in the
// Network or in a peer, a policy or what a policy selects. All of these but the peers are in the namespace of their Network.
func dependsOnUnreadable(network *v1alpha1.Network, unreadable *index.Unreadable) bool {
	if unreadable.In(network.Namespace, "networkinterfaces", "networkpolicies", "loadbalancers", "virtualips") {
		return true
	}
	return slices.ContainsFunc(network.Spec.IncomingPeerings, func(claim v1alpha1.NetworkPeeringClaimRef) bool {
		return unreadable.Has("networks", types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}) ||
			unreadable.In(claim.Namespace, "networkinterfaces")
	})
}
