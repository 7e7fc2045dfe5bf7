// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// PeeringTarget returns the Network that a peering means, given the namespace of the Network with the peering and the
// namespace and name in networkRef: without a namespace, networkRef means the Network's own.
func PeeringTarget(own, namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: cmp.Or(namespace, own), Name: name}
}

// TargetOf returns the Network that a peering of a Network names.
func TargetOf(network *v1alpha1.Network, peering *v1alpha1.NetworkPeering) types.NamespacedName {
	return PeeringTarget(network.Namespace, peering.NetworkRef.Namespace, peering.NetworkRef.Name)
}

// NameOf returns the namespace and the name of an object.
func NameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// CompareAge puts the object that was created first before the other. Between two of one second, their names decide, then their UIDs.
func CompareAge(a, b metav1.Object) int {
	created, other := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	return cmp.Or(created.Compare(other.Time), cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetUID(), b.GetUID()))
}
