// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualIP is a public address for a NetworkInterface.
type VirtualIP struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   VirtualIPSpec
	Status VirtualIPStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualIPList is a list of VirtualIPs.
type VirtualIPList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []VirtualIP
}

// VirtualIPSpec is the desired state of a VirtualIP. Type and IPFamily never change.
type VirtualIPSpec struct {
	Type      VirtualIPType
	IPFamily  IPFamily
	TargetRef *LocalUIDReference
}

// VirtualIPType says from where a virtual IP can be reached.
type VirtualIPType string

// VirtualIPTypePublic is an address that can be reached from the internet.
const VirtualIPTypePublic VirtualIPType = "Public"

// VirtualIPStatus is the observed state of a VirtualIP. The provider writes it, but for ObservedGeneration and the
// condition Ready, which the server keeps.
type VirtualIPStatus struct {
	IP                 string
	ObservedGeneration int64
	Conditions         []metav1.Condition
}
