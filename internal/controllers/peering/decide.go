// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"slices"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// concernsPeers tells whether a change of a Network can change the binding of those that name it. A nil Network does not
// exist.
func concernsPeers(old, network *v1alpha1.Network) bool {
	if old == nil || network == nil {
		return true
	}
	return old.UID != network.UID ||
		(old.DeletionTimestamp == nil) != (network.DeletionTimestamp == nil) ||
		(old.Status.State == v1alpha1.NetworkStateAvailable) != (network.Status.State == v1alpha1.NetworkStateAvailable) ||
		!slices.EqualFunc(old.Spec.Peerings, network.Spec.Peerings, func(a, b v1alpha1.NetworkPeering) bool {
			return a.NetworkRef == b.NetworkRef
		})
}
