// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Network is a logically isolated network.
type Network struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   NetworkSpec
	Status NetworkStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkList is a list of Networks.
type NetworkList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []Network
}

// NetworkSpec is the desired state of a Network. Users write Peerings, the provider sets ProviderID once, and the peering
// and release controllers write IncomingPeerings.
type NetworkSpec struct {
	ProviderID       string
	Peerings         []NetworkPeering
	IncomingPeerings []NetworkPeeringClaimRef
}

// NetworkPeering asks for a peering with another Network.
type NetworkPeering struct {
	Name       string
	NetworkRef NetworkPeeringNetworkRef
	Prefixes   []PeeringPrefix
}

// NetworkPeeringNetworkRef names the Network at the other end of a peering; an empty Namespace is the own one, an empty
// UID accepts whichever Network has the name.
type NetworkPeeringNetworkRef struct {
	Namespace string
	Name      string
	UID       types.UID
}

// PeeringPrefix is an address range that a peer may reach: exactly one of Prefix and PrefixRef is set.
type PeeringPrefix struct {
	Name      string
	Prefix    string
	PrefixRef *LocalObjectReference
}

// NetworkPeeringClaimRef is the claim of a Network that is bound to the holder of the claim.
type NetworkPeeringClaimRef struct {
	Namespace string
	Name      string
	UID       types.UID
}

// NetworkStatus is the observed state of a Network. The provider writes State, the data plane part of Peerings and
// conditions of its own; the membership controller writes NetworkInterfaces, the binding the rest.
type NetworkStatus struct {
	ObservedGeneration int64
	State              NetworkState
	Conditions         []metav1.Condition
	Peerings           []NetworkPeeringStatus
	NetworkInterfaces  int32
}

// NetworkState tells how far the provider has come with a Network.
type NetworkState string

// The states of a Network.
const (
	NetworkStatePending   NetworkState = "Pending"
	NetworkStateAvailable NetworkState = "Available"
	NetworkStateError     NetworkState = "Error"
)

// NetworkPeeringStatus is the observed state of one peering: Phase to LastPhaseTransitionTime are the binding, State and
// Prefixes are the word of the data plane, NetworkRef is whom the peering means.
type NetworkPeeringStatus struct {
	Name                    string
	Phase                   NetworkPeeringPhase
	Reason                  string
	Message                 string
	LastPhaseTransitionTime *metav1.Time
	State                   NetworkPeeringState
	Prefixes                []PeeringPrefixStatus
	NetworkRef              *NetworkPeeringNetworkRef
}

// NetworkPeeringPhase is the binding of a peering.
type NetworkPeeringPhase string

// The phases of a peering.
const (
	NetworkPeeringPhasePending NetworkPeeringPhase = "Pending"
	NetworkPeeringPhaseBound   NetworkPeeringPhase = "Bound"
)

// NetworkPeeringState says how far the data plane is with a peering.
type NetworkPeeringState string

// The data plane states of a peering.
const (
	NetworkPeeringStatePending NetworkPeeringState = "Pending"
	NetworkPeeringStateReady   NetworkPeeringState = "Ready"
	NetworkPeeringStateError   NetworkPeeringState = "Error"
)

// PeeringPrefixStatus is an address range in force for a peering.
type PeeringPrefixStatus struct {
	Name   string
	Prefix string
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkBinding is the decision on all peerings of a Network, applied to it in one atomic write.
type NetworkBinding struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	IncomingPeerings []NetworkPeeringClaimRef
	Peerings         []NetworkPeeringBinding
}

// NetworkPeeringBinding is the decision on one peering.
type NetworkPeeringBinding struct {
	Name    string
	Phase   NetworkPeeringPhase
	Reason  string
	Message string
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkRealization is what the provider inside the server made of a Network, applied to it in one atomic write.
type NetworkRealization struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	ProviderID string
	Status     NetworkStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkMembership tells a Network how many NetworkInterfaces it has, and what its deletion waits for.
type NetworkMembership struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	NetworkInterfaces int32
	Holders           []NetworkHolders
}

// NetworkHolders are the objects of one kind that are in a Network; Names are the first few of Count.
type NetworkHolders struct {
	Kind  string
	Count int32
	Names []string
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkPeeringRequests lists the Networks that ask for a peering with a Network that does not name them back; Requests
// are the first few of Total.
type NetworkPeeringRequests struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Total    int32
	Requests []NetworkPeeringRequest
}

// NetworkPeeringRequest is a Network that asks for a peering.
type NetworkPeeringRequest struct {
	Namespace   string
	Name        string
	UID         types.UID
	PeeringName string
	Prefixes    []PeeringPrefix
	Since       *metav1.Time
}
