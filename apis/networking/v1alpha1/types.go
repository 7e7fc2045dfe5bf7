// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ConditionReady is the type of the condition that every kind with a status has. It is True when the object is realized as
// its spec asks, for the metadata.generation in its observedGeneration. The consent of a peer is not needed. The server
// writes it.
const ConditionReady = "Ready"

// Reasons of Ready if the network provider gives none.
const (
	// ReasonRealized: the spec is in force.
	ReasonRealized = "Realized"
	// ReasonPending: something is missing; the message names it.
	ReasonPending = "Pending"
	// ReasonNotReported: the network provider reports nothing of this object.
	ReasonNotReported = "NotReported"
	// ReasonLeftToAgent: there is no report on this object yet; this server leaves that to an agent, which the message
	// names.
	ReasonLeftToAgent = "LeftToAgent"
)

// LocalObjectReference names an object in the namespace of the object that holds the reference.
// +structType=atomic
type LocalObjectReference struct {
	// name of the referenced object.
	// +optional
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
}

// LocalUIDReference names an object in the namespace of the object that holds the reference, and distinguishes it from an
// earlier or later object with that name.
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

// Protocol is a protocol with ports.
// +enum
type Protocol string

const (
	// ProtocolTCP is TCP.
	ProtocolTCP Protocol = "TCP"
	// ProtocolUDP is UDP.
	ProtocolUDP Protocol = "UDP"
	// ProtocolSCTP is SCTP.
	ProtocolSCTP Protocol = "SCTP"
)

// IPSource says where an address comes from. Exactly one of value and ephemeral is set.
type IPSource struct {
	// value is the address itself: "10.0.0.1", "2001:db8::1". Another spelling of it is stored in this one (RFC 5952).
	// +optional
	Value string `json:"value,omitempty" protobuf:"bytes,1,opt,name=value"`
	// ephemeral asks for a Prefix of one address that lives as long as the object that asks for it. Its name is the name of
	// that object and the position of the item in its list: "name-0".
	// +optional
	Ephemeral *EphemeralPrefixSource `json:"ephemeral,omitempty" protobuf:"bytes,2,opt,name=ephemeral"`
}

// EphemeralPrefixSource asks for a Prefix (group ipam.ironcore.dev) that lives as long as the object that
// asks for it, or until the object no longer does.
type EphemeralPrefixSource struct {
	// prefixTemplate is the template of the Prefix. Required.
	PrefixTemplate *PrefixTemplateSpec `json:"prefixTemplate,omitempty" protobuf:"bytes,1,opt,name=prefixTemplate"`
}

// PrefixTemplateSpec is the template of a Prefix.
type PrefixTemplateSpec struct {
	// metadata of the Prefix: its labels and annotations.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	// spec of the Prefix.
	// +optional
	Spec PrefixSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
}

// PrefixSpec is the desired state of a Prefix.
type PrefixSpec struct {
	// ipFamily of the range. If the family is known from the context, it must be that one, or empty; then the server fills
	// it in.
	// +optional
	IPFamily IPFamily `json:"ipFamily,omitempty" protobuf:"bytes,1,opt,name=ipFamily,casttype=IPFamily"`
	// prefix is the range to allocate, in CIDR notation. Without it, any free range of prefixLength is taken.
	// +optional
	Prefix string `json:"prefix,omitempty" protobuf:"bytes,2,opt,name=prefix"`
	// prefixLength is the length of the range to allocate. For an address it is 32 or 128; the server fills it in if
	// neither prefix nor prefixLength is given.
	// +optional
	PrefixLength int32 `json:"prefixLength,omitempty" protobuf:"varint,3,opt,name=prefixLength"`
	// parentRef names the Prefix to allocate from.
	// +optional
	ParentRef *LocalObjectReference `json:"parentRef,omitempty" protobuf:"bytes,4,opt,name=parentRef"`
	// parentSelector selects the Prefixes to allocate from.
	// +optional
	ParentSelector *metav1.LabelSelector `json:"parentSelector,omitempty" protobuf:"bytes,5,opt,name=parentSelector"`
}
