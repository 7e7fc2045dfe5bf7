// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkPolicy says which traffic NetworkInterfaces of its Network may receive and send.
type NetworkPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. metadata.generation grows with each change of the spec, and when the deletion begins.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec is the desired state of the NetworkPolicy.
	// +optional
	Spec NetworkPolicySpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// status is the observed state of the NetworkPolicy. It is written only through the status subresource. A write of the
	// NetworkPolicy itself does not change it.
	// +optional
	Status NetworkPolicyStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkPolicyList is a list of NetworkPolicies.
type NetworkPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// items are the NetworkPolicies of the list.
	Items []NetworkPolicy `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// NetworkPolicySpec is the desired state of a NetworkPolicy. networkRef is immutable.
type NetworkPolicySpec struct {
	// networkRef names the Network that the NetworkPolicy belongs to. Immutable.
	NetworkRef LocalObjectReference `json:"networkRef" protobuf:"bytes,1,opt,name=networkRef"`

	// networkInterfaceSelector selects the NetworkInterfaces of the Network that the rules apply to; an empty one selects
	// all.
	NetworkInterfaceSelector metav1.LabelSelector `json:"networkInterfaceSelector" protobuf:"bytes,2,opt,name=networkInterfaceSelector"`

	// ingress are the rules for traffic to the NetworkInterfaces. If policyTypes has Ingress, traffic that no rule allows
	// is dropped. At most 1000, with at most 5000 peers in all rules of both directions.
	// +optional
	// +listType=atomic
	Ingress []NetworkPolicyIngressRule `json:"ingress,omitempty" protobuf:"bytes,3,rep,name=ingress"`

	// egress are the rules for traffic from the NetworkInterfaces. If policyTypes has Egress, traffic that no rule allows
	// is dropped. At most 1000, with at most 5000 peers in all rules of both directions.
	// +optional
	// +listType=atomic
	Egress []NetworkPolicyEgressRule `json:"egress,omitempty" protobuf:"bytes,4,rep,name=egress"`

	// policyTypes are the directions that the NetworkPolicy restricts: Ingress, Egress or both. The server adds those that
	// have rules, sorts the list and removes duplicates.
	// +optional
	// +listType=atomic
	PolicyTypes []PolicyType `json:"policyTypes,omitempty" protobuf:"bytes,5,rep,name=policyTypes,casttype=PolicyType"`
}

// PolicyType is a direction of traffic.
// +enum
type PolicyType string

const (
	// PolicyTypeIngress is traffic to a NetworkInterface.
	PolicyTypeIngress PolicyType = "Ingress"
	// PolicyTypeEgress is traffic from a NetworkInterface.
	PolicyTypeEgress PolicyType = "Egress"
)

// NetworkPolicyIngressRule allows traffic to a NetworkInterface that matches both from and ports.
type NetworkPolicyIngressRule struct {
	// from are the sources, any of which may match. Without any, all sources match. At most 1000.
	// +optional
	// +listType=atomic
	From []NetworkPolicyPeer `json:"from,omitempty" protobuf:"bytes,1,rep,name=from"`
	// ports are the ports of the NetworkInterface, any of which may match. Without any, all ports match. At most 1000.
	// +optional
	// +listType=atomic
	Ports []NetworkPolicyPort `json:"ports,omitempty" protobuf:"bytes,2,rep,name=ports"`
}

// NetworkPolicyEgressRule allows traffic from a NetworkInterface that matches both to and ports.
type NetworkPolicyEgressRule struct {
	// ports are the ports of the destination, any of which may match. Without any, all ports match. At most 1000.
	// +optional
	// +listType=atomic
	Ports []NetworkPolicyPort `json:"ports,omitempty" protobuf:"bytes,1,rep,name=ports"`
	// to are the destinations, any of which may match. Without any, all destinations match. At most 1000.
	// +optional
	// +listType=atomic
	To []NetworkPolicyPeer `json:"to,omitempty" protobuf:"bytes,2,rep,name=to"`
}

// NetworkPolicyPeer is the other end of traffic. At most one of objectSelector and ipBlock is set.
type NetworkPolicyPeer struct {
	// objectSelector selects objects whose addresses match: NetworkInterfaces and LoadBalancers of the policy's Network, or
	// VirtualIPs of the namespace.
	// +optional
	ObjectSelector *ObjectSelector `json:"objectSelector,omitempty" protobuf:"bytes,1,opt,name=objectSelector"`
	// ipBlock is a range of addresses that match.
	// +optional
	IPBlock *IPBlock `json:"ipBlock,omitempty" protobuf:"bytes,2,opt,name=ipBlock"`
}

// ObjectSelector selects objects of one kind by their labels; without matchLabels and matchExpressions, all of them.
type ObjectSelector struct {
	// kind of the objects: NetworkInterface, LoadBalancer or VirtualIP.
	Kind string `json:"kind" protobuf:"bytes,1,opt,name=kind"`
	// The labels of the objects.
	metav1.LabelSelector `json:",inline" protobuf:"bytes,2,opt,name=labelSelector"`
}

// IPBlock is a range of addresses without some parts of it.
type IPBlock struct {
	// cidr is the range in CIDR notation: "10.0.0.0/24", "2001:db8::/32".
	CIDR string `json:"cidr" protobuf:"bytes,1,opt,name=cidr"`
	// except are ranges within cidr that don't match. At most 1000.
	// +optional
	// +listType=atomic
	Except []string `json:"except,omitempty" protobuf:"bytes,2,rep,name=except"`
}

// NetworkPolicyPort is a port, or a range of ports, of a protocol.
type NetworkPolicyPort struct {
	// protocol is TCP, UDP or SCTP. Without it, TCP.
	// +optional
	Protocol *Protocol `json:"protocol,omitempty" protobuf:"bytes,1,opt,name=protocol,casttype=Protocol"`
	// port is the port, or the first of the range, from 1 to 65535. Without it, or with 0, all ports match.
	// +optional
	Port int32 `json:"port,omitempty" protobuf:"varint,2,opt,name=port"`
	// endPort is the last port of the range. It needs port.
	// +optional
	EndPort *int32 `json:"endPort,omitempty" protobuf:"varint,3,opt,name=endPort"`
}

// NetworkPolicyStatus is the observed state of a NetworkPolicy.
type NetworkPolicyStatus struct {
	// observedGeneration is the metadata.generation that Ready was decided for. The server writes it.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty" protobuf:"varint,1,opt,name=observedGeneration"`

	// conditions give details, with a reason and a message. If the built-in network provider enforces NetworkPolicies,
	// Ready is True while the newest spec is in force, and otherwise says why not. With any other provider, Ready is True
	// unless that provider reports a fault. Providers may add conditions of their own, 32 in all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,2,rep,name=conditions"`
}
