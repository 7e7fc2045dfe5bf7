// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// LoadBalancerRouting lists the addresses that the LoadBalancer of the same name hands its traffic to.
type LoadBalancerRouting struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	NetworkRef   LocalUIDReference
	Destinations []LoadBalancerDestination
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// LoadBalancerRoutingList is a list of LoadBalancerRoutings.
type LoadBalancerRoutingList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []LoadBalancerRouting
}

// LoadBalancerDestination is an address, and the NetworkInterface that has it.
type LoadBalancerDestination struct {
	IP        string
	TargetRef *LoadBalancerTargetRef
}

// LoadBalancerTargetRef names a NetworkInterface.
type LoadBalancerTargetRef struct {
	UID        types.UID
	Name       string
	ProviderID string
}
