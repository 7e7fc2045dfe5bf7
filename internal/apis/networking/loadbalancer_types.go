// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// LoadBalancer hands traffic for its addresses to NetworkInterfaces of its Network.
type LoadBalancer struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   LoadBalancerSpec
	Status LoadBalancerStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// LoadBalancerList is a list of LoadBalancers.
type LoadBalancerList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []LoadBalancer
}

// LoadBalancerSpec is the desired state of a LoadBalancer. NetworkRef never changes; a Public one has no IPs.
type LoadBalancerSpec struct {
	Type                     LoadBalancerType
	IPFamilies               []IPFamily
	IPs                      []IPSource
	NetworkRef               LocalObjectReference
	NetworkInterfaceSelector *metav1.LabelSelector
	Ports                    []LoadBalancerPort
}

// LoadBalancerType says from where a LoadBalancer can be reached.
type LoadBalancerType string

// The types of a LoadBalancer.
const (
	LoadBalancerTypePublic   LoadBalancerType = "Public"
	LoadBalancerTypeInternal LoadBalancerType = "Internal"
)

// LoadBalancerPort is a port, or a range of ports; without a Protocol, of TCP.
type LoadBalancerPort struct {
	Protocol *Protocol
	Port     int32
	EndPort  *int32
}

// LoadBalancerStatus is the observed state of a LoadBalancer. The provider writes it, but for ObservedGeneration and the
// condition Ready, which the server keeps.
type LoadBalancerStatus struct {
	IPs                []string
	ObservedGeneration int64
	Conditions         []metav1.Condition
}
