// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/membership"
)

// protect has the deletion that begins now wait for the members of the Network. The membership controller ends that.
func protect(network *networking.Network, members []string, now metav1.Time) {
	if !slices.Contains(network.Finalizers, v1alpha1.NetworkInterfacesFinalizer) {
		network.Finalizers = append(network.Finalizers, v1alpha1.NetworkInterfacesFinalizer)
	}
	if len(members) > 0 {
		applyMembership(network, &networking.NetworkMembership{
			NetworkInterfaces: int32(len(members)),
			Names:             membership.FirstNames(members),
		}, now)
	}
}

// applyMembership puts the number of its members into the Network, and into words while its deletion waits for them.
func applyMembership(network *networking.Network, counted *networking.NetworkMembership, now metav1.Time) {
	status := &network.Status
	status.NetworkInterfaces = counted.NetworkInterfaces
	if counted.NetworkInterfaces > 0 && slices.Contains(network.Finalizers, v1alpha1.NetworkInterfacesFinalizer) {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type:               v1alpha1.NetworkDeletionBlocked,
			Status:             metav1.ConditionTrue,
			Reason:             v1alpha1.NetworkReasonNetworkInterfacesExist,
			Message:            membership.Message(counted.NetworkInterfaces, counted.Names),
			LastTransitionTime: now,
		})
	} else {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.NetworkDeletionBlocked)
	}
	deriveConditions(network, status.Conditions, now)
}
