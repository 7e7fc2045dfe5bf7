// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// LoadBalancer distributes traffic for its addresses to NetworkInterfaces of its Network. The LoadBalancerRouting of the
// same name lists them.
type LoadBalancer struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. metadata.generation grows with each change of the spec, and when the deletion begins.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec is the desired state of the LoadBalancer.
	// +optional
	Spec LoadBalancerSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// status is the observed state of the LoadBalancer. It is written only through the status subresource. A write of the
	// LoadBalancer itself does not change it.
	// +optional
	Status LoadBalancerStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// LoadBalancerList is a list of LoadBalancers.
type LoadBalancerList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// items are the LoadBalancers of the list.
	Items []LoadBalancer `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// LoadBalancerSpec is the desired state of a LoadBalancer. networkRef is immutable.
type LoadBalancerSpec struct {
	// type says from where the LoadBalancer can be reached: Public or Internal.
	Type LoadBalancerType `json:"type" protobuf:"bytes,1,opt,name=type,casttype=LoadBalancerType"`

	// ipFamilies are the IP families of the addresses: IPv4, IPv6 or both. By default, they are those of ips.
	// +listType=atomic
	IPFamilies []IPFamily `json:"ipFamilies" protobuf:"bytes,2,rep,name=ipFamilies,casttype=IPFamily"`

	// ips are the addresses of an Internal LoadBalancer: item i is of the family that item i of ipFamilies names. The
	// network provider chooses the addresses of a Public one; a value here is dropped. At most one for each of ipFamilies.
	// +optional
	// +listType=atomic
	IPs []IPSource `json:"ips,omitempty" protobuf:"bytes,3,rep,name=ips"`

	// networkRef names the Network that the LoadBalancer belongs to. Immutable.
	NetworkRef LocalObjectReference `json:"networkRef" protobuf:"bytes,4,opt,name=networkRef"`

	// networkInterfaceSelector selects the NetworkInterfaces of the Network that get traffic; an empty one selects all.
	// Without it, somebody else has to write the LoadBalancerRouting.
	// +optional
	NetworkInterfaceSelector *metav1.LabelSelector `json:"networkInterfaceSelector,omitempty" protobuf:"bytes,5,opt,name=networkInterfaceSelector"`

	// ports are the ports whose traffic is distributed. The ranges of one protocol must not overlap. At most 1000.
	// +optional
	// +listType=atomic
	Ports []LoadBalancerPort `json:"ports,omitempty" protobuf:"bytes,6,rep,name=ports"`
}

// LoadBalancerType says from where a LoadBalancer can be reached.
// +enum
type LoadBalancerType string

const (
	// LoadBalancerTypePublic can be reached from the internet.
	LoadBalancerTypePublic LoadBalancerType = "Public"
	// LoadBalancerTypeInternal can be reached from its Network.
	LoadBalancerTypeInternal LoadBalancerType = "Internal"
)

// LoadBalancerPort is a port, or a range of ports, of a LoadBalancer.
type LoadBalancerPort struct {
	// protocol is TCP, UDP or SCTP. Without it, TCP.
	// +optional
	Protocol *Protocol `json:"protocol,omitempty" protobuf:"bytes,1,opt,name=protocol,casttype=Protocol"`
	// port is the port, or the first of the range, from 1 to 65535.
	Port int32 `json:"port" protobuf:"varint,2,opt,name=port"`
	// endPort is the last port of the range, from port to 65535. Without it, there is one port.
	// +optional
	EndPort *int32 `json:"endPort,omitempty" protobuf:"varint,3,opt,name=endPort"`
}

// LoadBalancerStatus is the observed state of a LoadBalancer.
type LoadBalancerStatus struct {
	// ips are the addresses in force. The network provider writes them.
	// +optional
	// +listType=atomic
	IPs []string `json:"ips,omitempty" protobuf:"bytes,1,rep,name=ips"`

	// observedGeneration is the metadata.generation that Ready was decided for. The server writes it.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty" protobuf:"varint,2,opt,name=observedGeneration"`

	// conditions give details, with a reason and a message. Ready is True when the newest spec is realized: ips has an
	// address for each of ipFamilies; the server writes it. Providers may add conditions of their own, 32 in all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,3,rep,name=conditions"`
}
