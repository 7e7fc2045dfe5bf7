// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkInterface joins a Machine to a Network. It is in the namespace of both, and may be created before them.
type NetworkInterface struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. metadata.generation grows with each change of the spec, and when the deletion begins.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec is the desired state of the NetworkInterface.
	// +optional
	Spec NetworkInterfaceSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// status is the observed state of the NetworkInterface. It is written only through the status subresource. A write of
	// the NetworkInterface itself does not change it.
	// +optional
	Status NetworkInterfaceStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkInterfaceList is a list of NetworkInterfaces.
type NetworkInterfaceList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// items are the NetworkInterfaces of the list.
	Items []NetworkInterface `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// NetworkInterfaceSpec is the desired state of a NetworkInterface. networkRef and ipFamilies are immutable.
type NetworkInterfaceSpec struct {
	// providerID identifies the NetworkInterface in the infrastructure that realizes it. Setting it needs permission to
	// update networkinterfaces/status. Who has that may replace it, or clear it by a patch, at any time. The server clears
	// it when machineRef is removed or changes. At most 512 printable ASCII characters, no spaces.
	// +optional
	ProviderID string `json:"providerID,omitempty" protobuf:"bytes,1,opt,name=providerID"`

	// networkRef names the Network that the NetworkInterface belongs to. Immutable.
	NetworkRef LocalObjectReference `json:"networkRef" protobuf:"bytes,2,opt,name=networkRef"`

	// machineRef is the Machine (group compute.ironcore.dev) that uses the NetworkInterface. Without it, the
	// NetworkInterface is free.
	// +optional
	MachineRef *LocalUIDReference `json:"machineRef,omitempty" protobuf:"bytes,3,opt,name=machineRef"`

	// ipFamilies are the IP families of ips, one for each item: IPv4, IPv6 or both. By default, they are those of ips.
	// Immutable.
	// +listType=atomic
	IPFamilies []IPFamily `json:"ipFamilies" protobuf:"bytes,4,rep,name=ipFamilies,casttype=IPFamily"`

	// ips are the addresses of the NetworkInterface, one for each item of ipFamilies, in the same order.
	// +listType=atomic
	IPs []IPSource `json:"ips" protobuf:"bytes,5,rep,name=ips"`

	// prefixes are address ranges that are routed to the NetworkInterface. At most 64.
	// +optional
	// +listType=atomic
	Prefixes []PrefixSource `json:"prefixes,omitempty" protobuf:"bytes,6,rep,name=prefixes"`

	// virtualIP is a public address of the NetworkInterface.
	// +optional
	VirtualIP *VirtualIPSource `json:"virtualIP,omitempty" protobuf:"bytes,7,opt,name=virtualIP"`

	// attributes are for the provider, which defines their meaning. At most 64, with keys of at most 253 and values of at
	// most 1024 bytes.
	// +optional
	Attributes map[string]string `json:"attributes,omitempty" protobuf:"bytes,8,rep,name=attributes"`
}

// PrefixSource says where an address range comes from. Exactly one of value and ephemeral is set.
type PrefixSource struct {
	// value is the range itself in CIDR notation, in canonical form with all host bits zero: "10.1.0.0/24".
	// +optional
	Value string `json:"value,omitempty" protobuf:"bytes,1,opt,name=value"`
	// ephemeral asks for a Prefix that lives as long as the NetworkInterface.
	// +optional
	Ephemeral *EphemeralPrefixSource `json:"ephemeral,omitempty" protobuf:"bytes,2,opt,name=ephemeral"`
}

// VirtualIPSource says where a virtual IP comes from. Exactly one of virtualIPRef and ephemeral is set.
type VirtualIPSource struct {
	// virtualIPRef names a VirtualIP in the namespace of the NetworkInterface.
	// +optional
	VirtualIPRef *LocalObjectReference `json:"virtualIPRef,omitempty" protobuf:"bytes,1,opt,name=virtualIPRef"`
	// ephemeral asks for a VirtualIP that lives as long as the NetworkInterface and has the same name. So the name of the
	// NetworkInterface must be a DNS label (RFC 1123) of at most 63 characters.
	// +optional
	Ephemeral *EphemeralVirtualIPSource `json:"ephemeral,omitempty" protobuf:"bytes,2,opt,name=ephemeral"`
}

// EphemeralVirtualIPSource asks for a VirtualIP that lives as long as its NetworkInterface.
type EphemeralVirtualIPSource struct {
	// virtualIPTemplate is the template of the VirtualIP.
	VirtualIPTemplate *VirtualIPTemplateSpec `json:"virtualIPTemplate,omitempty" protobuf:"bytes,1,opt,name=virtualIPTemplate"`
}

// VirtualIPTemplateSpec is the template of a VirtualIP.
type VirtualIPTemplateSpec struct {
	// metadata of the VirtualIP: its labels and annotations.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	// spec of the VirtualIP.
	// +optional
	Spec EphemeralVirtualIPSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
}

// EphemeralVirtualIPSpec is the desired state of a VirtualIP that is made from a template.
type EphemeralVirtualIPSpec struct {
	// type of the address: Public.
	Type VirtualIPType `json:"type" protobuf:"bytes,1,opt,name=type,casttype=VirtualIPType"`
	// ipFamily of the address: IPv4 or IPv6.
	IPFamily IPFamily `json:"ipFamily" protobuf:"bytes,2,opt,name=ipFamily,casttype=IPFamily"`
	// reclaimPolicy says what happens to the VirtualIP when the NetworkInterface is gone: Retain or Delete. Defaults to
	// Delete.
	// +optional
	ReclaimPolicy ReclaimPolicy `json:"reclaimPolicy,omitempty" protobuf:"bytes,3,opt,name=reclaimPolicy,casttype=ReclaimPolicy"`
	// targetRef has no effect: the target of the VirtualIP is the NetworkInterface.
	// +optional
	TargetRef *LocalUIDReference `json:"targetRef,omitempty" protobuf:"bytes,4,opt,name=targetRef"`
}

// ReclaimPolicy says what happens to an object when the object that asked for it is gone.
// +enum
type ReclaimPolicy string

const (
	// ReclaimPolicyRetain keeps the object.
	ReclaimPolicyRetain ReclaimPolicy = "Retain"
	// ReclaimPolicyDelete deletes the object.
	ReclaimPolicyDelete ReclaimPolicy = "Delete"
)

// NetworkInterfaceStatus is the observed state of a NetworkInterface.
type NetworkInterfaceStatus struct {
	// state says how far the network provider is: Pending after the creation, Available once the NetworkInterface can carry
	// traffic, Error when somebody has to help. The network provider writes it.
	// +optional
	State NetworkInterfaceState `json:"state,omitempty" protobuf:"bytes,1,opt,name=state,casttype=NetworkInterfaceState"`

	// lastStateTransitionTime is when state last changed. The server writes it.
	// +optional
	LastStateTransitionTime *metav1.Time `json:"lastStateTransitionTime,omitempty" protobuf:"bytes,2,opt,name=lastStateTransitionTime"`

	// ips are the addresses in force. The network provider writes them.
	// +optional
	// +listType=atomic
	IPs []string `json:"ips,omitempty" protobuf:"bytes,3,rep,name=ips"`

	// prefixes are the address ranges in force. The network provider writes them.
	// +optional
	// +listType=atomic
	Prefixes []string `json:"prefixes,omitempty" protobuf:"bytes,4,rep,name=prefixes"`

	// virtualIP is the virtual IP in force. The network provider writes it.
	// +optional
	VirtualIP string `json:"virtualIP,omitempty" protobuf:"bytes,5,opt,name=virtualIP"`

	// conditions say more, with a reason and a message. Available always agrees with state, and Ready is True when the
	// newest spec is Available; the server writes both. Plugged says whether a machine is attached, if the provider knows.
	// PrefixesOverlap is True while an address or range overlaps a range that another NetworkInterface of the Network had
	// before. If Available is not True, its reason is NetworkNotFound, NetworkNotAvailable, AddressInUse, AddressUnknown,
	// AddressMalformed, AddressMissing or a reason of the provider's. Providers may add conditions of their own, 32 in all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,6,rep,name=conditions"`

	// observedGeneration is the metadata.generation that state, ips, prefixes and virtualIP belong to. While it is lower
	// than metadata.generation, they belong to an earlier spec. The server writes it.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty" protobuf:"varint,7,opt,name=observedGeneration"`

	// macAddress is the Ethernet address of the NetworkInterface, for example "02:00:5e:10:00:01". The network provider
	// writes it.
	// +optional
	MACAddress string `json:"macAddress,omitempty" protobuf:"bytes,8,opt,name=macAddress"`

	// gateways are the addresses that the machine sends its packets to, one for each IP family. The network provider writes
	// them.
	// +optional
	// +listType=atomic
	Gateways []string `json:"gateways,omitempty" protobuf:"bytes,9,rep,name=gateways"`

	// mtu is the length in bytes of the longest IP packet that passes. The network provider writes it.
	// +optional
	MTU int32 `json:"mtu,omitempty" protobuf:"varint,10,opt,name=mtu"`
}

// NetworkInterfaceState says how far the network provider is with a NetworkInterface.
// +enum
type NetworkInterfaceState string

const (
	// NetworkInterfaceStatePending means that the NetworkInterface is not complete yet.
	NetworkInterfaceStatePending NetworkInterfaceState = "Pending"
	// NetworkInterfaceStateAvailable means that the NetworkInterface can carry traffic.
	NetworkInterfaceStateAvailable NetworkInterfaceState = "Available"
	// NetworkInterfaceStateError means that the NetworkInterface cannot be realized; somebody has to help.
	NetworkInterfaceStateError NetworkInterfaceState = "Error"
)

// Types and reasons of conditions.
const (
	// NetworkInterfaceAvailable is the type of the condition that agrees with status.state.
	NetworkInterfaceAvailable = "Available"
	// NetworkInterfacePrefixesOverlap is the type of the condition that is True while a range that is routed to the
	// NetworkInterface, or one of its addresses, overlaps what another NetworkInterface of the Network had before, and absent
	// otherwise.
	NetworkInterfacePrefixesOverlap = "PrefixesOverlap"
	// NetworkInterfacePlugged is the type of the condition that is True while a machine is attached to the NetworkInterface,
	// written by providers that know.
	NetworkInterfacePlugged = "Plugged"

	// NetworkInterfaceReasonNetworkNotFound: spec.networkRef names a Network that does not exist.
	NetworkInterfaceReasonNetworkNotFound = "NetworkNotFound"
	// NetworkInterfaceReasonNetworkNotAvailable: the provider has not made the Network available.
	NetworkInterfaceReasonNetworkNotAvailable = "NetworkNotAvailable"
	// NetworkInterfaceReasonAddressInUse: an earlier NetworkInterface of the Network has one of the addresses.
	NetworkInterfaceReasonAddressInUse = "AddressInUse"
	// NetworkInterfaceReasonAddressUnknown: a NetworkInterface of the namespace can't be read and may have one of the addresses.
	NetworkInterfaceReasonAddressUnknown = "AddressUnknown"
	// NetworkInterfaceReasonAddressMalformed: what is stored in spec is no address or range, and the server would refuse it today.
	NetworkInterfaceReasonAddressMalformed = "AddressMalformed"
	// NetworkInterfaceReasonRangesOverlap: the message names both ranges and the other NetworkInterface.
	NetworkInterfaceReasonRangesOverlap = "RangesOverlap"
	// NetworkInterfaceReasonAddressMissing: an address without a value has not been given one.
	NetworkInterfaceReasonAddressMissing = "AddressMissing"
)

// EphemeralManagedByAnnotation names who made an object from the template of another: a NetworkInterface from a Machine's, a
// Prefix or VirtualIP from a NetworkInterface's or LoadBalancer's.
const EphemeralManagedByAnnotation = "common.ironcore.dev/ephemeral-managed-by"

// EphemeralManager is the value of EphemeralManagedByAnnotation that the embedded controllers set.
const EphemeralManager = "ephemeral-manager"
