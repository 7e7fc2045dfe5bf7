// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"

	"k8s.io/apimachinery/pkg/types"
)

// PeeringTarget returns the Network that a peering means, given the namespace of the Network with the peering and the
// namespace and name in networkRef: without a namespace, networkRef means the Network's own.
func PeeringTarget(own, namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: cmp.Or(namespace, own), Name: name}
}
