// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualIP is a public address for a NetworkInterface.
type VirtualIP struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. metadata.generation grows with each change of the spec, and when the deletion begins.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec is the desired state of the VirtualIP.
	// +optional
	Spec VirtualIPSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// status is the observed state of the VirtualIP. It is written only through the status subresource. A write of the
	// VirtualIP itself does not change it.
	// +optional
	Status VirtualIPStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualIPList is a list of VirtualIPs.
type VirtualIPList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// items are the VirtualIPs of the list.
	Items []VirtualIP `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// VirtualIPSpec is the desired state of a VirtualIP. type and ipFamily are immutable.
type VirtualIPSpec struct {
	// type of the address: Public.
	Type VirtualIPType `json:"type" protobuf:"bytes,1,opt,name=type,casttype=VirtualIPType"`

	// ipFamily of the address: IPv4 or IPv6.
	IPFamily IPFamily `json:"ipFamily" protobuf:"bytes,2,opt,name=ipFamily,casttype=IPFamily"`

	// targetRef names the NetworkInterface that has the address. The server sets it when a NetworkInterface asks for the
	// VirtualIP in its spec.virtualIP, and removes it while there is no such NetworkInterface.
	// +optional
	TargetRef *LocalUIDReference `json:"targetRef,omitempty" protobuf:"bytes,3,opt,name=targetRef"`
}

// VirtualIPType says from where a virtual IP can be reached.
// +enum
type VirtualIPType string

// VirtualIPTypePublic is an address that can be reached from the internet.
const VirtualIPTypePublic VirtualIPType = "Public"

// VirtualIPStatus is the observed state of a VirtualIP.
type VirtualIPStatus struct {
	// ip is the address in force. The network provider writes it.
	// +optional
	IP string `json:"ip,omitempty" protobuf:"bytes,1,opt,name=ip"`

	// observedGeneration is the metadata.generation that Ready was decided for. The server writes it.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty" protobuf:"varint,2,opt,name=observedGeneration"`

	// conditions give details, with a reason and a message. Ready is True when the newest spec is realized: ip is set; the
	// server writes it. Providers may add conditions of their own, 32 in all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,3,rep,name=conditions"`
}
