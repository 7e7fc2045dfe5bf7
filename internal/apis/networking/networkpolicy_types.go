// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkPolicy says which traffic NetworkInterfaces of its Network may receive and send.
type NetworkPolicy struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   NetworkPolicySpec
	Status NetworkPolicyStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkPolicyList is a list of NetworkPolicies.
type NetworkPolicyList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []NetworkPolicy
}

// NetworkPolicySpec is the desired state of a NetworkPolicy. NetworkRef never changes.
type NetworkPolicySpec struct {
	NetworkRef               LocalObjectReference
	NetworkInterfaceSelector metav1.LabelSelector
	Ingress                  []NetworkPolicyIngressRule
	Egress                   []NetworkPolicyEgressRule
	PolicyTypes              []PolicyType
}

// PolicyType is a direction of traffic.
type PolicyType string

// The directions of traffic.
const (
	PolicyTypeIngress PolicyType = "Ingress"
	PolicyTypeEgress  PolicyType = "Egress"
)

// NetworkPolicyIngressRule allows traffic that matches any of From and any of Ports; an empty list matches all.
type NetworkPolicyIngressRule struct {
	From  []NetworkPolicyPeer
	Ports []NetworkPolicyPort
}

// NetworkPolicyEgressRule allows traffic that matches any of To and any of Ports; an empty list matches all.
type NetworkPolicyEgressRule struct {
	Ports []NetworkPolicyPort
	To    []NetworkPolicyPeer
}

// NetworkPolicyPeer is the other end of traffic: at most one of ObjectSelector and IPBlock is set.
type NetworkPolicyPeer struct {
	ObjectSelector *ObjectSelector
	IPBlock        *IPBlock
}

// ObjectSelector selects objects of one kind by their labels.
type ObjectSelector struct {
	Kind string
	metav1.LabelSelector
}

// IPBlock is a range of addresses without some parts of it.
type IPBlock struct {
	CIDR   string
	Except []string
}

// NetworkPolicyPort is a port, or a range of ports, of a protocol; without a Port, all.
type NetworkPolicyPort struct {
	Protocol *Protocol
	Port     int32
	EndPort  *int32
}

// NetworkPolicyStatus is the observed state of a NetworkPolicy. The provider writes it, but for ObservedGeneration and the
// condition Ready, which the server keeps.
type NetworkPolicyStatus struct {
	ObservedGeneration int64
	Conditions         []metav1.Condition
}
