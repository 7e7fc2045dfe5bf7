// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// LoadBalancerRouting lists the addresses that get the traffic of the LoadBalancer of the same name. The server writes it
// for a LoadBalancer with a networkInterfaceSelector; for one without, somebody else has to write it. The network provider
// reads it.
type LoadBalancerRouting struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// networkRef names the Network of the LoadBalancer.
	NetworkRef LocalUIDReference `json:"networkRef" protobuf:"bytes,2,opt,name=networkRef"`

	// destinations are the addresses that get traffic. At most 10000.
	// +listType=atomic
	Destinations []LoadBalancerDestination `json:"destinations" protobuf:"bytes,3,rep,name=destinations"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// LoadBalancerRoutingList is a list of LoadBalancerRoutings.
type LoadBalancerRoutingList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// items are the LoadBalancerRoutings of the list.
	Items []LoadBalancerRouting `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// LoadBalancerDestination is an address that gets traffic.
type LoadBalancerDestination struct {
	// ip is the address: "10.0.0.1", "2001:db8::1". Another spelling of it is stored in this one (RFC 5952).
	IP string `json:"ip" protobuf:"bytes,1,opt,name=ip"`
	// targetRef names the NetworkInterface that has the address.
	// +optional
	TargetRef *LoadBalancerTargetRef `json:"targetRef,omitempty" protobuf:"bytes,2,opt,name=targetRef"`
}

// LoadBalancerTargetRef names a NetworkInterface in the namespace of the LoadBalancerRouting.
type LoadBalancerTargetRef struct {
	// uid is the metadata.uid of the NetworkInterface.
	UID types.UID `json:"uid" protobuf:"bytes,1,opt,name=uid,casttype=k8s.io/apimachinery/pkg/types.UID"`
	// name of the NetworkInterface.
	Name string `json:"name" protobuf:"bytes,2,opt,name=name"`
	// providerID is the spec.providerID of the NetworkInterface.
	ProviderID string `json:"providerID" protobuf:"bytes,3,opt,name=providerID"`
}
