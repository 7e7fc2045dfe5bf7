// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NATGateway lets NetworkInterfaces of its Network without a public address reach the outside.
type NATGateway struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   NATGatewaySpec
	Status NATGatewayStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NATGatewayList is a list of NATGateways.
type NATGatewayList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []NATGateway
}

// NATGatewaySpec is the desired state of a NATGateway. NetworkRef never changes.
type NATGatewaySpec struct {
	Type                     NATGatewayType
	IPFamily                 IPFamily
	NetworkRef               LocalObjectReference
	PortsPerNetworkInterface *int32
}

// NATGatewayType says which addresses a NATGateway has.
type NATGatewayType string

// NATGatewayTypePublic has addresses that can be reached from the internet.
const NATGatewayTypePublic NATGatewayType = "Public"

// NATGatewayStatus is the observed state of a NATGateway. The provider writes it, but for ObservedGeneration and the
// condition Ready, which the server keeps.
type NATGatewayStatus struct {
	IPs                []string
	ObservedGeneration int64
	Conditions         []metav1.Condition
}
