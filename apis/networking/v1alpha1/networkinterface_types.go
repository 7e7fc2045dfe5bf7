// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkInterface joins a Machine to a Network. It lives in the namespace of both, and may be created before either.
type NetworkInterface struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. metadata.generation counts the changes of the spec.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec is what is asked of the NetworkInterface.
	// +optional
	Spec NetworkInterfaceSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// status is what was observed of the NetworkInterface. It is written through the status subresource only; in a
	// write of the NetworkInterface itself it is ignored.
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

// NetworkInterfaceSpec is what is asked of a NetworkInterface. networkRef and ipFamilies are immutable.
type NetworkInterfaceSpec struct {
	// providerID identifies the NetworkInterface in the infrastructure that realizes it. Setting it takes the
	// permission to update networkinterfaces/status. It is immutable until machineRef changes, and ends with
	// machineRef; without a machineRef it may be taken away. At most 512 printable ASCII characters, no spaces.
	// +optional
	ProviderID string `json:"providerID,omitempty" protobuf:"bytes,1,opt,name=providerID"`

	// networkRef names the Network that the NetworkInterface belongs to. Immutable.
	NetworkRef LocalObjectReference `json:"networkRef" protobuf:"bytes,2,opt,name=networkRef"`

	// machineRef is the Machine (group compute.ironcore.dev) that uses the NetworkInterface. Where it is absent or
	// empty, the NetworkInterface is free.
	// +optional
	MachineRef *LocalUIDReference `json:"machineRef,omitempty" protobuf:"bytes,3,opt,name=machineRef"`

	// ipFamilies are the IP families of ips, one for each item: IPv4, IPv6 or both. Immutable.
	// +listType=atomic
	IPFamilies []IPFamily `json:"ipFamilies" protobuf:"bytes,4,rep,name=ipFamilies,casttype=IPFamily"`

	// ips are the addresses of the NetworkInterface, one for each item of ipFamilies, in the same order.
	// +listType=atomic
	IPs []IPSource `json:"ips" protobuf:"bytes,5,rep,name=ips"`

	// prefixes are address ranges that are routed to the NetworkInterface. At most 64.
	// +optional
	// +listType=atomic
	Prefixes []PrefixSource `json:"prefixes,omitempty" protobuf:"bytes,6,rep,name=prefixes"`

	// virtualIP is a public address that leads to the NetworkInterface.
	// +optional
	VirtualIP *VirtualIPSource `json:"virtualIP,omitempty" protobuf:"bytes,7,opt,name=virtualIP"`

	// attributes mean something to the provider. At most 64, with keys of at most 253 and values of at most 1024 bytes.
	// +optional
	Attributes map[string]string `json:"attributes,omitempty" protobuf:"bytes,8,rep,name=attributes"`
}

// LocalUIDReference names an object in the namespace of the object that holds the reference, and tells it from an
// earlier or later one of that name.
// +structType=atomic
type LocalUIDReference struct {
	// name of the referenced object.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`
	// uid is the metadata.uid of the referenced object, a lower-case UUID (RFC 9562).
	UID types.UID `json:"uid" protobuf:"bytes,2,opt,name=uid,casttype=k8s.io/apimachinery/pkg/types.UID"`
}

// IPFamily is a family of IP addresses.
// +enum
type IPFamily string

const (
	// IPv4Protocol is the family of addresses like 10.0.0.1.
	IPv4Protocol IPFamily = "IPv4"
	// IPv6Protocol is the family of addresses like 2001:db8::1.
	IPv6Protocol IPFamily = "IPv6"
)

// IPSource tells where an address comes from. Exactly one of value and ephemeral is set.
type IPSource struct {
	// value is the address itself, in canonical form: "10.0.0.1", "2001:db8::1".
	// +optional
	Value string `json:"value,omitempty" protobuf:"bytes,1,opt,name=value"`
	// ephemeral asks for a Prefix of one address that lives as long as the NetworkInterface.
	// +optional
	Ephemeral *EphemeralPrefixSource `json:"ephemeral,omitempty" protobuf:"bytes,2,opt,name=ephemeral"`
}

// PrefixSource tells where an address range comes from. Exactly one of value and ephemeral is set.
type PrefixSource struct {
	// value is the range itself in CIDR notation, in canonical form with all host bits zero: "10.1.0.0/24".
	// +optional
	Value string `json:"value,omitempty" protobuf:"bytes,1,opt,name=value"`
	// ephemeral asks for a Prefix that lives as long as the NetworkInterface.
	// +optional
	Ephemeral *EphemeralPrefixSource `json:"ephemeral,omitempty" protobuf:"bytes,2,opt,name=ephemeral"`
}

// EphemeralPrefixSource asks for a Prefix (group ipam.ironcore.dev) that lives as long as its NetworkInterface.
type EphemeralPrefixSource struct {
	// prefixTemplate is what the Prefix is made from.
	PrefixTemplate *PrefixTemplateSpec `json:"prefixTemplate,omitempty" protobuf:"bytes,1,opt,name=prefixTemplate"`
}

// PrefixTemplateSpec is what a Prefix is made from.
type PrefixTemplateSpec struct {
	// metadata of the Prefix: its labels and annotations.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	// spec of the Prefix.
	// +optional
	Spec PrefixSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
}

// PrefixSpec is what is asked of a Prefix.
type PrefixSpec struct {
	// ipFamily of the range. Where the family is known from the context, it must be that one, or empty.
	// +optional
	IPFamily IPFamily `json:"ipFamily,omitempty" protobuf:"bytes,1,opt,name=ipFamily,casttype=IPFamily"`
	// prefix is the range to allocate, in CIDR notation. Without it, any free range of prefixLength will do.
	// +optional
	Prefix string `json:"prefix,omitempty" protobuf:"bytes,2,opt,name=prefix"`
	// prefixLength is the length of the range to allocate.
	// +optional
	PrefixLength int32 `json:"prefixLength,omitempty" protobuf:"varint,3,opt,name=prefixLength"`
	// parentRef names the Prefix to allocate from.
	// +optional
	ParentRef *LocalObjectReference `json:"parentRef,omitempty" protobuf:"bytes,4,opt,name=parentRef"`
	// parentSelector selects the Prefixes to allocate from.
	// +optional
	ParentSelector *metav1.LabelSelector `json:"parentSelector,omitempty" protobuf:"bytes,5,opt,name=parentSelector"`
}

// VirtualIPSource tells where a virtual IP comes from. Exactly one of virtualIPRef and ephemeral is set.
type VirtualIPSource struct {
	// virtualIPRef names a VirtualIP in the namespace of the NetworkInterface.
	// +optional
	VirtualIPRef *LocalObjectReference `json:"virtualIPRef,omitempty" protobuf:"bytes,1,opt,name=virtualIPRef"`
	// ephemeral asks for a VirtualIP that lives as long as the NetworkInterface.
	// +optional
	Ephemeral *EphemeralVirtualIPSource `json:"ephemeral,omitempty" protobuf:"bytes,2,opt,name=ephemeral"`
}

// EphemeralVirtualIPSource asks for a VirtualIP that lives as long as its NetworkInterface.
type EphemeralVirtualIPSource struct {
	// virtualIPTemplate is what the VirtualIP is made from.
	VirtualIPTemplate *VirtualIPTemplateSpec `json:"virtualIPTemplate,omitempty" protobuf:"bytes,1,opt,name=virtualIPTemplate"`
}

// VirtualIPTemplateSpec is what a VirtualIP is made from.
type VirtualIPTemplateSpec struct {
	// metadata of the VirtualIP: its labels and annotations.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	// spec of the VirtualIP.
	// +optional
	Spec VirtualIPSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
}

// VirtualIPSpec is what is asked of a VirtualIP.
type VirtualIPSpec struct {
	// type of the address: Public.
	Type VirtualIPType `json:"type" protobuf:"bytes,1,opt,name=type,casttype=VirtualIPType"`
	// ipFamily of the address.
	IPFamily IPFamily `json:"ipFamily" protobuf:"bytes,2,opt,name=ipFamily,casttype=IPFamily"`
	// reclaimPolicy tells what becomes of the VirtualIP once the NetworkInterface is gone: Retain or Delete.
	// +optional
	ReclaimPolicy ReclaimPolicy `json:"reclaimPolicy,omitempty" protobuf:"bytes,3,opt,name=reclaimPolicy,casttype=ReclaimPolicy"`
}

// VirtualIPType tells from where a virtual IP can be reached.
// +enum
type VirtualIPType string

// VirtualIPTypePublic is an address that can be reached from the internet.
const VirtualIPTypePublic VirtualIPType = "Public"

// ReclaimPolicy tells what becomes of an object when the one it was made for is gone.
// +enum
type ReclaimPolicy string

const (
	// ReclaimPolicyRetain keeps the object.
	ReclaimPolicyRetain ReclaimPolicy = "Retain"
	// ReclaimPolicyDelete deletes the object.
	ReclaimPolicyDelete ReclaimPolicy = "Delete"
)

// NetworkInterfaceStatus is what was observed of a NetworkInterface.
type NetworkInterfaceStatus struct {
	// state tells how far the network provider has come: Pending from creation on, Available once the NetworkInterface
	// can carry traffic, Error when it needs help. The network provider writes it.
	// +optional
	State NetworkInterfaceState `json:"state,omitempty" protobuf:"bytes,1,opt,name=state,casttype=NetworkInterfaceState"`

	// lastStateTransitionTime is when state last changed. The server keeps it.
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

	// conditions give the same and more with a reason and a message. Available always agrees with state; the server
	// keeps it in step. Why it is not True is NetworkNotFound, NetworkNotAvailable, AddressInUse, AddressMissing or a
	// reason of the provider's. Providers may add conditions of their own, 32 in all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,6,rep,name=conditions"`
}

// NetworkInterfaceState tells how far the network provider has come with a NetworkInterface.
// +enum
type NetworkInterfaceState string

const (
	// NetworkInterfaceStatePending means that the NetworkInterface is not complete yet.
	NetworkInterfaceStatePending NetworkInterfaceState = "Pending"
	// NetworkInterfaceStateAvailable means that the NetworkInterface can carry traffic.
	NetworkInterfaceStateAvailable NetworkInterfaceState = "Available"
	// NetworkInterfaceStateError means that the NetworkInterface cannot be realized without help.
	NetworkInterfaceStateError NetworkInterfaceState = "Error"
)

// Type and reasons of the condition that the server keeps.
const (
	// NetworkInterfaceAvailable is the type of the condition that agrees with status.state.
	NetworkInterfaceAvailable = "Available"

	// NetworkInterfaceReasonNetworkNotFound: spec.networkRef names a Network that does not exist.
	NetworkInterfaceReasonNetworkNotFound = "NetworkNotFound"
	// NetworkInterfaceReasonNetworkNotAvailable: the provider has not made the Network available.
	NetworkInterfaceReasonNetworkNotAvailable = "NetworkNotAvailable"
	// NetworkInterfaceReasonAddressInUse: an earlier NetworkInterface of the Network has one of the addresses.
	NetworkInterfaceReasonAddressInUse = "AddressInUse"
	// NetworkInterfaceReasonAddressMissing: an address without a value has not been given one.
	NetworkInterfaceReasonAddressMissing = "AddressMissing"
)

// EphemeralManagedByAnnotation names who made a NetworkInterface from the template of a Machine.
const EphemeralManagedByAnnotation = "common.ironcore.dev/ephemeral-managed-by"

// EphemeralManager is the value of EphemeralManagedByAnnotation that the machine controller sets.
const EphemeralManager = "ephemeral-manager"
