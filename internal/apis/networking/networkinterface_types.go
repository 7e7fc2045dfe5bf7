// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkInterface joins a Machine to a Network.
type NetworkInterface struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   NetworkInterfaceSpec
	Status NetworkInterfaceStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkInterfaceList is a list of NetworkInterfaces.
type NetworkInterfaceList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []NetworkInterface
}

// NetworkInterfaceSpec is what is asked of a NetworkInterface. The provider sets ProviderID, which ends with MachineRef;
// NetworkRef and IPFamilies never change.
type NetworkInterfaceSpec struct {
	ProviderID string
	NetworkRef LocalObjectReference
	MachineRef *LocalUIDReference
	IPFamilies []IPFamily
	IPs        []IPSource
	Prefixes   []PrefixSource
	VirtualIP  *VirtualIPSource
	Attributes map[string]string
}

// LocalUIDReference names one certain object in the same namespace.
type LocalUIDReference struct {
	Name string
	UID  types.UID
}

// IPFamily is a family of IP addresses.
type IPFamily string

// The IP families.
const (
	IPv4Protocol IPFamily = "IPv4"
	IPv6Protocol IPFamily = "IPv6"
)

// IPSource tells where an address comes from: exactly one of Value and Ephemeral is set.
type IPSource struct {
	Value     string
	Ephemeral *EphemeralPrefixSource
}

// PrefixSource tells where an address range comes from: exactly one of Value and Ephemeral is set.
type PrefixSource struct {
	Value     string
	Ephemeral *EphemeralPrefixSource
}

// EphemeralPrefixSource asks for a Prefix that lives as long as its NetworkInterface.
type EphemeralPrefixSource struct {
	PrefixTemplate *PrefixTemplateSpec
}

// PrefixTemplateSpec is what a Prefix is made from.
type PrefixTemplateSpec struct {
	metav1.ObjectMeta
	Spec PrefixSpec
}

// PrefixSpec is what is asked of a Prefix.
type PrefixSpec struct {
	IPFamily       IPFamily
	Prefix         string
	PrefixLength   int32
	ParentRef      *LocalObjectReference
	ParentSelector *metav1.LabelSelector
}

// VirtualIPSource tells where a virtual IP comes from: exactly one of VirtualIPRef and Ephemeral is set.
type VirtualIPSource struct {
	VirtualIPRef *LocalObjectReference
	Ephemeral    *EphemeralVirtualIPSource
}

// EphemeralVirtualIPSource asks for a VirtualIP that lives as long as its NetworkInterface.
type EphemeralVirtualIPSource struct {
	VirtualIPTemplate *VirtualIPTemplateSpec
}

// VirtualIPTemplateSpec is what a VirtualIP is made from.
type VirtualIPTemplateSpec struct {
	metav1.ObjectMeta
	Spec VirtualIPSpec
}

// VirtualIPSpec is what is asked of a VirtualIP.
type VirtualIPSpec struct {
	Type          VirtualIPType
	IPFamily      IPFamily
	ReclaimPolicy ReclaimPolicy
}

// VirtualIPType tells from where a virtual IP can be reached.
type VirtualIPType string

// VirtualIPTypePublic is an address that can be reached from the internet.
const VirtualIPTypePublic VirtualIPType = "Public"

// ReclaimPolicy tells what becomes of an object when the one it was made for is gone.
type ReclaimPolicy string

// The reclaim policies.
const (
	ReclaimPolicyRetain ReclaimPolicy = "Retain"
	ReclaimPolicyDelete ReclaimPolicy = "Delete"
)

// NetworkInterfaceStatus is what was observed of a NetworkInterface. The provider writes it, but for
// LastStateTransitionTime and the condition Available, which follow from State.
type NetworkInterfaceStatus struct {
	State                   NetworkInterfaceState
	LastStateTransitionTime *metav1.Time
	IPs                     []string
	Prefixes                []string
	VirtualIP               string
	Conditions              []metav1.Condition
}

// NetworkInterfaceState tells how far the provider has come with a NetworkInterface.
type NetworkInterfaceState string

// The states of a NetworkInterface.
const (
	NetworkInterfaceStatePending   NetworkInterfaceState = "Pending"
	NetworkInterfaceStateAvailable NetworkInterfaceState = "Available"
	NetworkInterfaceStateError     NetworkInterfaceState = "Error"
)
