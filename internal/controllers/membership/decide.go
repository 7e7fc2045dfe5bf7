// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package membership

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/membership"
)

// mayEnd tells whether the deletion of a Network waits for its NetworkInterfaces and there are none.
func mayEnd(network *v1alpha1.Network, members []string) bool {
	return len(members) == 0 && network.DeletionTimestamp != nil && isProtected(network)
}

// count returns the membership of a Network where it differs from what the Network says, else nil.
func count(network *v1alpha1.Network, members []string) *v1alpha1.NetworkMembership {
	counted := &v1alpha1.NetworkMembership{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: network.Namespace, Name: network.Name,
			UID: network.UID, ResourceVersion: network.ResourceVersion,
		},
		NetworkInterfaces: int32(len(members)),
	}
	message := ""
	if isProtected(network) && len(members) > 0 {
		counted.Names = membership.FirstNames(members)
		message = membership.Message(counted.NetworkInterfaces, counted.Names)
	}
	said := ""
	if blocked := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkDeletionBlocked); blocked != nil {
		said = blocked.Message
	}
	if network.Status.NetworkInterfaces == counted.NetworkInterfaces && message == said {
		return nil
	}
	return counted
}

func isProtected(network *v1alpha1.Network) bool {
	return slices.Contains(network.Finalizers, v1alpha1.NetworkInterfacesFinalizer)
}

func withoutFinalizer(network *v1alpha1.Network) *v1alpha1.Network {
	network = network.DeepCopy()
	network.Finalizers = slices.DeleteFunc(network.Finalizers, func(finalizer string) bool {
		return finalizer == v1alpha1.NetworkInterfacesFinalizer
	})
	return network
}
