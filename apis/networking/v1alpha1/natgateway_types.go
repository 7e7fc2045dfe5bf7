// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NATGateway gives NetworkInterfaces without a public address access to the outside. Their packets have an address of the
// NATGateway as their source.
type NATGateway struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. metadata.generation grows with each change of the spec, and when the deletion begins.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec is the desired state of the NATGateway.
	// +optional
	Spec NATGatewaySpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// status is the observed state of the NATGateway. It is written only through the status subresource. A write of the
	// NATGateway itself does not change it.
	// +optional
	Status NATGatewayStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NATGatewayList is a list of NATGateways.
type NATGatewayList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// items are the NATGateways of the list.
	Items []NATGateway `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// NATGatewaySpec is the desired state of a NATGateway. networkRef is immutable.
type NATGatewaySpec struct {
	// type of the addresses: Public.
	Type NATGatewayType `json:"type" protobuf:"bytes,1,opt,name=type,casttype=NATGatewayType"`

	// ipFamily of the addresses: IPv4 or IPv6.
	IPFamily IPFamily `json:"ipFamily" protobuf:"bytes,2,opt,name=ipFamily,casttype=IPFamily"`

	// networkRef names the Network that the NATGateway belongs to. Immutable.
	NetworkRef LocalObjectReference `json:"networkRef" protobuf:"bytes,3,opt,name=networkRef"`

	// portsPerNetworkInterface is the number of ports of an address that each NetworkInterface gets: a power of two.
	// Defaults to 2048.
	// +optional
	PortsPerNetworkInterface *int32 `json:"portsPerNetworkInterface,omitempty" protobuf:"varint,4,opt,name=portsPerNetworkInterface"`
}

// NATGatewayType says which addresses a NATGateway has.
// +enum
type NATGatewayType string

// NATGatewayTypePublic has addresses that can be reached from the internet.
const NATGatewayTypePublic NATGatewayType = "Public"

// DefaultPortsPerNetworkInterface is the default of portsPerNetworkInterface.
const DefaultPortsPerNetworkInterface int32 = 2048

// NATGatewayStatus is the observed state of a NATGateway.
type NATGatewayStatus struct {
	// ips are the addresses in force. The network provider writes them.
	// +optional
	// +listType=atomic
	IPs []string `json:"ips,omitempty" protobuf:"bytes,1,rep,name=ips"`

	// observedGeneration is the metadata.generation that Ready was decided for. The server writes it.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty" protobuf:"varint,2,opt,name=observedGeneration"`

	// conditions give details, with a reason and a message. Ready is True when the newest spec is realized: ips has an
	// address; the server writes it. Providers may add conditions of their own, 32 in all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,3,rep,name=conditions"`
}
