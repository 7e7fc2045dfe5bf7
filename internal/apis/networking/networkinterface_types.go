// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// NetworkInterfaceSpec is the desired state of a NetworkInterface. The provider sets ProviderID, which ends with
// MachineRef; NetworkRef and IPFamilies never change.
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

// PrefixSource says where an address range comes from: exactly one of Value and Ephemeral is set.
type PrefixSource struct {
	Value     string
	Ephemeral *EphemeralPrefixSource
}

// VirtualIPSource says where a virtual IP comes from: exactly one of VirtualIPRef and Ephemeral is set.
type VirtualIPSource struct {
	VirtualIPRef *LocalObjectReference
	Ephemeral    *EphemeralVirtualIPSource
}

// EphemeralVirtualIPSource asks for a VirtualIP that lives as long as its NetworkInterface.
type EphemeralVirtualIPSource struct {
	VirtualIPTemplate *VirtualIPTemplateSpec
}

// VirtualIPTemplateSpec is the template of a VirtualIP.
type VirtualIPTemplateSpec struct {
	metav1.ObjectMeta
	Spec EphemeralVirtualIPSpec
}

// EphemeralVirtualIPSpec is the desired state of a VirtualIP that is made from a template; TargetRef has no effect.
type EphemeralVirtualIPSpec struct {
	Type          VirtualIPType
	IPFamily      IPFamily
	ReclaimPolicy ReclaimPolicy
	TargetRef     *LocalUIDReference
}

// ReclaimPolicy says what happens to an object when the object that asked for it is gone.
type ReclaimPolicy string

// The reclaim policies.
const (
	ReclaimPolicyRetain ReclaimPolicy = "Retain"
	ReclaimPolicyDelete ReclaimPolicy = "Delete"
)

// NetworkInterfaceStatus is the observed state of a NetworkInterface. The provider writes it, but for
// LastStateTransitionTime, ObservedGeneration and the conditions Available and Ready, which the server keeps.
type NetworkInterfaceStatus struct {
	State                   NetworkInterfaceState
	LastStateTransitionTime *metav1.Time
	IPs                     []string
	Prefixes                []string
	VirtualIP               string
	Conditions              []metav1.Condition
	ObservedGeneration      int64
	MACAddress              string
	Gateways                []string
	MTU                     int32
}

// NetworkInterfaceState tells how far the provider has come with a NetworkInterface.
type NetworkInterfaceState string

// The states of a NetworkInterface.
const (
	NetworkInterfaceStatePending   NetworkInterfaceState = "Pending"
	NetworkInterfaceStateAvailable NetworkInterfaceState = "Available"
	NetworkInterfaceStateError     NetworkInterfaceState = "Error"
)
