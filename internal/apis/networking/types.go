// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// LocalObjectReference names an object in the same namespace.
type LocalObjectReference struct {
	Name string
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

// Protocol is a protocol with ports.
type Protocol string

// The protocols.
const (
	ProtocolTCP  Protocol = "TCP"
	ProtocolUDP  Protocol = "UDP"
	ProtocolSCTP Protocol = "SCTP"
)

// IPSource says where an address comes from: exactly one of Value and Ephemeral is set.
type IPSource struct {
	Value     string
	Ephemeral *EphemeralPrefixSource
}

// EphemeralPrefixSource asks for a Prefix that lives as long as the object that asks for it.
type EphemeralPrefixSource struct {
	PrefixTemplate *PrefixTemplateSpec
}

// PrefixTemplateSpec is the template of a Prefix.
type PrefixTemplateSpec struct {
	metav1.ObjectMeta
	Spec PrefixSpec
}

// PrefixSpec is the desired state of a Prefix.
type PrefixSpec struct {
	IPFamily       IPFamily
	Prefix         string
	PrefixLength   int32
	ParentRef      *LocalObjectReference
	ParentSelector *metav1.LabelSelector
}
