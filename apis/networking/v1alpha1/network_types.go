// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +genclient
// +genclient:method=Bind,verb=create,subresource=binding,input=NetworkBinding,result=NetworkBinding
// +genclient:method=Realize,verb=create,subresource=realization,input=NetworkRealization,result=NetworkRealization
// +genclient:method=GetPeeringRequests,verb=get,subresource=peeringrequests,result=NetworkPeeringRequests
// +genclient:method=CountMembers,verb=create,subresource=membership,input=NetworkMembership,result=NetworkMembership
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Network is a logically isolated network. Nothing reaches it from another Network until the owners of both
// peer them: each names the other in spec.peerings.
type Network struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. metadata.generation grows with each change of spec.peerings, and when the deletion begins.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec is the desired state of the Network, and what the provider and the peering controllers record beside it.
	// +optional
	Spec NetworkSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// status is the observed state of the Network. It is written only through the status, binding, realization and
	// membership subresources. A write of the Network itself does not change it.
	// +optional
	Status NetworkStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkList is a list of Networks.
type NetworkList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// items are the Networks of the list.
	Items []Network `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// NetworkSpec is the desired state of a Network.
type NetworkSpec struct {
	// providerID identifies the Network in the infrastructure that realizes it, for example
	// "ironcore-net://namespace/name/id/uid". The network provider sets it once; from then on it is immutable. Setting it
	// needs permission to update networks/status; otherwise the value is dropped with a warning. At most 512 printable
	// ASCII characters, no spaces.
	// +optional
	ProviderID string `json:"providerID,omitempty" protobuf:"bytes,1,opt,name=providerID"`

	// peerings name the Networks that this Network wants to exchange traffic with. A peering takes effect once the other
	// Network names this one too; status.peerings says how far each one is. Peerings are not transitive: this Network does
	// not reach the peers of its peers. At most 1000, each with its own name and its own target.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +patchStrategy=merge,retainKeys
	// +patchMergeKey=name
	Peerings []NetworkPeering `json:"peerings,omitempty" patchStrategy:"merge,retainKeys" patchMergeKey:"name" protobuf:"bytes,2,rep,name=peerings"`

	// incomingPeerings are the claims of the Networks that are bound to this one, one for each Bound peering. Only the
	// peering and release controllers write them. A value from anyone else is ignored, with a warning.
	// +optional
	// +listType=map
	// +listMapKey=uid
	// +patchStrategy=merge,retainKeys
	// +patchMergeKey=uid
	IncomingPeerings []NetworkPeeringClaimRef `json:"incomingPeerings,omitempty" patchStrategy:"merge,retainKeys" patchMergeKey:"uid" protobuf:"bytes,3,rep,name=incomingPeerings"`
}

// NetworkPeering asks for a peering with another Network.
type NetworkPeering struct {
	// name identifies the peering within this Network and its item in status.peerings: a DNS subdomain (RFC 1123) of at
	// most 253 characters.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// networkRef names the Network to peer with. If it changes, the peering starts again as Pending.
	NetworkRef NetworkPeeringNetworkRef `json:"networkRef" protobuf:"bytes,2,opt,name=networkRef"`

	// prefixes are the address ranges of this Network that the peer may reach. If they are left out, the peer reaches
	// everything. An empty list is refused. At most 64, each with its own name.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +patchStrategy=merge
	// +patchMergeKey=name
	Prefixes []PeeringPrefix `json:"prefixes,omitempty" patchStrategy:"merge" patchMergeKey:"name" protobuf:"bytes,3,rep,name=prefixes"`
}

// NetworkPeeringNetworkRef names the Network at the other end of a peering.
type NetworkPeeringNetworkRef struct {
	// namespace of the other Network. Defaults to the namespace of the Network that holds the peering.
	// +optional
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,1,opt,name=namespace"`

	// name of the other Network.
	Name string `json:"name" protobuf:"bytes,2,opt,name=name"`

	// uid pins the peering to the Network with this metadata.uid, a lower-case UUID (RFC 9562): a Network that was deleted
	// and created again with the same name is not accepted. Without uid, any Network of that name is accepted.
	// +optional
	UID types.UID `json:"uid,omitempty" protobuf:"bytes,3,opt,name=uid,casttype=k8s.io/apimachinery/pkg/types.UID"`
}

// PeeringPrefix is an address range of a Network that a peer may reach. Exactly one of prefix and prefixRef is set.
type PeeringPrefix struct {
	// name identifies the range within its peering: a DNS subdomain (RFC 1123) of at most 253 characters.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// prefix is the range in CIDR notation, IPv4 or IPv6, in canonical form with all host bits zero: "10.0.0.0/24",
	// "2001:db8::/32".
	// +optional
	Prefix string `json:"prefix,omitempty" protobuf:"bytes,2,opt,name=prefix"`

	// prefixRef names a Prefix (group ipam.ironcore.dev) in the namespace of this Network that allocates the range. As long
	// as that Prefix has no range, this item exposes nothing.
	// +optional
	PrefixRef *LocalObjectReference `json:"prefixRef,omitempty" protobuf:"bytes,3,opt,name=prefixRef"`
}

// NetworkPeeringClaimRef is the claim of a Network that is bound to the Network that holds the claim.
type NetworkPeeringClaimRef struct {
	// namespace of the claiming Network.
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,1,opt,name=namespace"`

	// name of the claiming Network.
	Name string `json:"name" protobuf:"bytes,2,opt,name=name"`

	// uid is the metadata.uid of the claiming Network. A Network that was deleted and created again with the same name has
	// another uid and does not inherit the claim.
	UID types.UID `json:"uid" protobuf:"bytes,3,opt,name=uid,casttype=k8s.io/apimachinery/pkg/types.UID"`
}

// NetworkStatus is the observed state of a Network.
type NetworkStatus struct {
	// observedGeneration is the metadata.generation that the phases in status.peerings were decided for. If it is lower
	// than metadata.generation, the newest spec.peerings is not decided yet.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty" protobuf:"varint,1,opt,name=observedGeneration"`

	// state says how far the network provider is: Pending after the creation, Available once the Network can carry traffic,
	// Error when somebody has to help the provider. The network provider writes it.
	// +optional
	State NetworkState `json:"state,omitempty" protobuf:"bytes,2,opt,name=state,casttype=NetworkState"`

	// conditions say more, with a reason and a message. Available always agrees with state. Ready is True when the Network
	// is Available and its newest spec.peerings is decided on; the consent of peers is not needed. Peered is True when
	// every item of spec.peerings is Bound, or when there is none. DeletionBlocked is True while the deletion of the
	// Network waits for the objects in it, and absent otherwise. The server writes these. PrefixesOverlap is True while
	// address ranges of peers overlap, and absent otherwise. Providers may add conditions of their own, 32 in all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,3,rep,name=conditions"`

	// peerings have exactly one item for each item of spec.peerings, under the same name and in the same order.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +patchStrategy=merge,retainKeys
	// +patchMergeKey=name
	Peerings []NetworkPeeringStatus `json:"peerings,omitempty" patchStrategy:"merge,retainKeys" patchMergeKey:"name" protobuf:"bytes,4,rep,name=peerings"`

	// networkInterfaces is the number of NetworkInterfaces in the Network, updated at most once a second. Only the
	// membership controller writes it.
	// +optional
	NetworkInterfaces int32 `json:"networkInterfaces,omitempty" protobuf:"varint,5,opt,name=networkInterfaces"`
}

// NetworkState says how far the network provider is with a Network.
// +enum
type NetworkState string

const (
	// NetworkStatePending means that the provider has not finished with the Network.
	NetworkStatePending NetworkState = "Pending"
	// NetworkStateAvailable means that the Network can carry traffic and take part in peerings.
	NetworkStateAvailable NetworkState = "Available"
	// NetworkStateError means that the provider cannot realize the Network; somebody has to help.
	NetworkStateError NetworkState = "Error"
)

// Types and reasons of the conditions that the server writes.
const (
	// NetworkAvailable is the type of the condition that agrees with status.state.
	NetworkAvailable = "Available"
	// NetworkPeered is the type of the condition that is True when every peering is Bound, or when there is none.
	NetworkPeered = "Peered"
	// NetworkPrefixesOverlap is the type of the condition that is True while address ranges of two peers, or of a peer and
	// the Network itself, overlap, so that the later binding carries no traffic for them.
	NetworkPrefixesOverlap = "PrefixesOverlap"
	// NetworkDeletionBlocked is the type of the condition that is True while the deletion waits for NetworkInterfaces.
	NetworkDeletionBlocked = "DeletionBlocked"

	// NetworkReasonPending is the reason of Available while state is Pending, if the provider gave none.
	NetworkReasonPending = "Pending"
	// NetworkReasonAvailable is the reason of Available while state is Available, if the provider gave none.
	NetworkReasonAvailable = "Available"
	// NetworkReasonError is the reason of Available while state is Error, if the provider gave none.
	NetworkReasonError = "Error"
	// NetworkReasonAllBound is the reason of Peered when every peering is Bound.
	NetworkReasonAllBound = "AllBound"
	// NetworkReasonNoPeerings is the reason of Peered when spec.peerings is empty.
	NetworkReasonNoPeerings = "NoPeerings"
	// NetworkReasonEvaluating is the reason of Peered while the newest spec.peerings is not decided yet.
	NetworkReasonEvaluating = "Evaluating"
	// NetworkReasonPeeringsPending is the reason of Peered while a peering is Pending.
	NetworkReasonPeeringsPending = "PeeringsPending"
	// NetworkReasonNetworkInterfacesExist is the reason of DeletionBlocked while there are NetworkInterfaces.
	NetworkReasonNetworkInterfacesExist = "NetworkInterfacesExist"
	// NetworkReasonLoadBalancersExist is the reason of DeletionBlocked while there are LoadBalancers, and no NetworkInterfaces.
	NetworkReasonLoadBalancersExist = "LoadBalancersExist"
	// NetworkReasonNATGatewaysExist is the reason of DeletionBlocked while there are only NATGateways.
	NetworkReasonNATGatewaysExist = "NATGatewaysExist"
)

// NetworkInterfacesFinalizer keeps a Network that is being deleted until the last NetworkInterface, LoadBalancer and
// NATGateway in it is gone. The server adds it with the deletion, and the membership controller removes it.
const NetworkInterfacesFinalizer = "networking.ironcore.dev/network-interfaces"

// NetworkProtectionFinalizer is the finalizer that ironcore's own controller manager puts on every Network, for the same
// purpose. While a Network is being deleted, this server treats it like its own, and removes both.
const NetworkProtectionFinalizer = "networking.ironcore.dev/network"

// DeclinedPeeringsAnnotation on a Network lists the Networks whose peerings its owner refuses for good, as
// "namespace/name" separated by commas. Their peerings stay Pending with the reason PeeringDeclined, and the Network's
// list of requests leaves them out.
const DeclinedPeeringsAnnotation = "networking.ironcore.dev/declined-peerings"

// NetworkPeeringStatus is the observed state of one peering.
type NetworkPeeringStatus struct {
	// name of the item of spec.peerings that this entry describes.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// phase is the binding of the peering: Bound when both Networks exist, are available, are not being deleted and
	// name each other, else Pending. Only the peering controller writes it.
	// +optional
	Phase NetworkPeeringPhase `json:"phase,omitempty" protobuf:"bytes,2,opt,name=phase,casttype=NetworkPeeringPhase"`

	// reason says in one CamelCase word why the phase is what it is: Bound, PrefixUnresolved, PrefixesOverlap, Evaluating,
	// NetworkDeleting, NetworkNotAvailable, PeerNotFound, PeeringNotAccepted, PeeringDeclined, PeerUIDMismatch, PeerDeleting,
	// PeerReplaced or PeerNotAvailable. Only the peering controller writes it.
	// +optional
	Reason string `json:"reason,omitempty" protobuf:"bytes,3,opt,name=reason"`

	// message says in one sentence what is missing and who can fix it. Only the peering controller writes it.
	// +optional
	Message string `json:"message,omitempty" protobuf:"bytes,4,opt,name=message"`

	// lastPhaseTransitionTime is when phase last changed.
	// +optional
	LastPhaseTransitionTime *metav1.Time `json:"lastPhaseTransitionTime,omitempty" protobuf:"bytes,5,opt,name=lastPhaseTransitionTime"`

	// state says how far the data plane is with the peering: Pending, Ready or Error. The network provider writes it.
	// +optional
	State NetworkPeeringState `json:"state,omitempty" protobuf:"bytes,6,opt,name=state,casttype=NetworkPeeringState"`

	// prefixes are the address ranges in force for the peering. The network provider writes them.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +patchStrategy=merge
	// +patchMergeKey=name
	Prefixes []PeeringPrefixStatus `json:"prefixes,omitempty" patchStrategy:"merge" patchMergeKey:"name" protobuf:"bytes,7,rep,name=prefixes"`

	// networkRef names the Network at the other end, always with its namespace, and with its uid while the peering is Bound
	// or names a uid. The server writes it.
	// +optional
	NetworkRef *NetworkPeeringNetworkRef `json:"networkRef,omitempty" protobuf:"bytes,8,opt,name=networkRef"`
}

// NetworkPeeringPhase is the binding of a peering.
// +enum
type NetworkPeeringPhase string

const (
	// NetworkPeeringPhasePending means that there is no active peering; reason and message say why.
	NetworkPeeringPhasePending NetworkPeeringPhase = "Pending"
	// NetworkPeeringPhaseBound means that the peering is in force as spec.peerings describes it.
	NetworkPeeringPhaseBound NetworkPeeringPhase = "Bound"
)

// Reasons of a peering's phase.
const (
	// PeeringReasonBound: both Networks name each other and are available.
	PeeringReasonBound = "Bound"
	// PeeringReasonPrefixUnresolved: the peering is Bound, and the provider has no range for some of its prefixes, which
	// expose nothing.
	PeeringReasonPrefixUnresolved = "PrefixUnresolved"
	// PeeringReasonPrefixesOverlap: the peering is Bound, and carries no traffic for ranges that an earlier binding of this
	// Network, or the Network itself, has already. The condition PrefixesOverlap names them.
	PeeringReasonPrefixesOverlap = "PrefixesOverlap"
	// PeeringReasonEvaluating: the peering controller has not decided on the peering yet.
	PeeringReasonEvaluating = "Evaluating"
	// PeeringReasonNetworkDeleting: this Network is being deleted.
	PeeringReasonNetworkDeleting = "NetworkDeleting"
	// PeeringReasonNetworkNotAvailable: the provider has not made this Network available.
	PeeringReasonNetworkNotAvailable = "NetworkNotAvailable"
	// PeeringReasonPeerNotFound: there is no such Network. Only for Networks in the same namespace.
	PeeringReasonPeerNotFound = "PeerNotFound"
	// PeeringReasonPeeringNotAccepted: the other Network does not name this one in its spec.peerings. A Network in another
	// namespace that does not exist has the same reason, so that nobody can find out names.
	PeeringReasonPeeringNotAccepted = "PeeringNotAccepted"
	// PeeringReasonPeeringDeclined: the owner of the other Network declined the peering, see DeclinedPeeringsAnnotation.
	PeeringReasonPeeringDeclined = "PeeringDeclined"
	// PeeringReasonPeerUIDMismatch: the other Network is not the one that networkRef.uid pins.
	PeeringReasonPeerUIDMismatch = "PeerUIDMismatch"
	// PeeringReasonPeerDeleting: the other Network is being deleted.
	PeeringReasonPeerDeleting = "PeerDeleting"
	// PeeringReasonPeerReplaced: the other Network was deleted and created again; the claim of the old one is released
	// before the new one is bound.
	PeeringReasonPeerReplaced = "PeerReplaced"
	// PeeringReasonPeerNotAvailable: the provider has not made the other Network available.
	PeeringReasonPeerNotAvailable = "PeerNotAvailable"
)

// NetworkPeeringState says how far the data plane is with a peering.
// +enum
type NetworkPeeringState string

const (
	// NetworkPeeringStatePending means that the data plane is still being set up.
	NetworkPeeringStatePending NetworkPeeringState = "Pending"
	// NetworkPeeringStateReady means that traffic flows.
	NetworkPeeringStateReady NetworkPeeringState = "Ready"
	// NetworkPeeringStateError means that the data plane does not work; somebody has to help.
	NetworkPeeringStateError NetworkPeeringState = "Error"
)

// PeeringPrefixStatus is an address range in force for a peering.
type PeeringPrefixStatus struct {
	// name of the item of the peering's prefixes that this range comes from.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// prefix is the range in CIDR notation, for example "10.0.0.0/24".
	// +optional
	Prefix string `json:"prefix,omitempty" protobuf:"bytes,2,opt,name=prefix"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkBinding writes the outcome of a decision on all peerings of a Network into that Network, in one atomic step: its
// claims and the phases of its peerings change together. It is posted to the binding subresource of the Network and is not
// stored itself. Only the embedded peering and release controllers have permission.
type NetworkBinding struct {
	metav1.TypeMeta `json:",inline"`
	// metadata names the Network. metadata.uid and metadata.resourceVersion are required: they are those of the
	// Network that the decision was made on, and if it has changed since, the answer is 409 Conflict. In the answer,
	// metadata.resourceVersion is the one that the Network has now.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// incomingPeerings replace spec.incomingPeerings of the Network: one claim for each Bound peering.
	// +optional
	// +listType=map
	// +listMapKey=uid
	// +patchStrategy=merge,retainKeys
	// +patchMergeKey=uid
	IncomingPeerings []NetworkPeeringClaimRef `json:"incomingPeerings,omitempty" patchStrategy:"merge,retainKeys" patchMergeKey:"uid" protobuf:"bytes,2,rep,name=incomingPeerings"`

	// peerings give the decision on each item of spec.peerings of the Network: all of them, in the same order.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +patchStrategy=merge,retainKeys
	// +patchMergeKey=name
	Peerings []NetworkPeeringBinding `json:"peerings,omitempty" patchStrategy:"merge,retainKeys" patchMergeKey:"name" protobuf:"bytes,3,rep,name=peerings"`
}

// NetworkPeeringBinding is the decision on one peering.
type NetworkPeeringBinding struct {
	// name of the peering.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`
	// phase decided for the peering.
	Phase NetworkPeeringPhase `json:"phase" protobuf:"bytes,2,opt,name=phase,casttype=NetworkPeeringPhase"`
	// reason of the decision, one of the documented reasons of status.peerings. At most 128 characters.
	Reason string `json:"reason" protobuf:"bytes,3,opt,name=reason"`
	// message says in one sentence what is missing and who can fix it.
	// +optional
	Message string `json:"message,omitempty" protobuf:"bytes,4,opt,name=message"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkRealization writes the report of the built-in network provider into a Network, in one atomic step: its provider
// ID and its state change together. It is posted to the realization subresource of the Network and is not stored itself.
// Only the embedded network controller has permission; a provider outside the server sets spec.providerID and writes the
// status subresource.
type NetworkRealization struct {
	metav1.TypeMeta `json:",inline"`
	// metadata names the Network. metadata.uid and metadata.resourceVersion are required: they are those of the
	// Network that was realized, and if it has changed since, the answer is 409 Conflict. In the answer,
	// metadata.resourceVersion is the one that the Network has now.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// providerID becomes spec.providerID of the Network. If that is set already, this must be the same or empty.
	// +optional
	ProviderID string `json:"providerID,omitempty" protobuf:"bytes,2,opt,name=providerID"`
	// status has the same effect as a write of the status subresource: state, conditions, and the state and prefixes of
	// peerings.
	// +optional
	Status NetworkStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkMembership writes the number of its NetworkInterfaces into a Network. It is posted to the membership subresource
// of the Network and is not stored itself. Only the embedded membership controller has permission.
type NetworkMembership struct {
	metav1.TypeMeta `json:",inline"`
	// metadata names the Network. metadata.uid and metadata.resourceVersion are required: they are those of the
	// Network that was counted for, and if it has changed since, the answer is 409 Conflict. In the answer,
	// metadata.resourceVersion is the one that the Network has now.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// networkInterfaces is the number of NetworkInterfaces that name the Network.
	NetworkInterfaces int32 `json:"networkInterfaces" protobuf:"varint,2,opt,name=networkInterfaces"`
	// holders are the objects that a deletion of the Network waits for, one item per kind. Empty unless the Network is
	// being deleted.
	// +optional
	// +listType=map
	// +listMapKey=kind
	// +patchStrategy=merge
	// +patchMergeKey=kind
	Holders []NetworkHolders `json:"holders,omitempty" patchStrategy:"merge" patchMergeKey:"kind" protobuf:"bytes,4,rep,name=holders"`
}

// NetworkHolders are the objects of one kind in a Network that its deletion waits for.
type NetworkHolders struct {
	// kind is NetworkInterface, LoadBalancer or NATGateway.
	Kind string `json:"kind" protobuf:"bytes,1,opt,name=kind"`
	// count is their number.
	Count int32 `json:"count" protobuf:"varint,2,opt,name=count"`
	// names are the first of them in alphabetical order, at most 5.
	// +optional
	// +listType=set
	Names []string `json:"names,omitempty" protobuf:"bytes,3,rep,name=names"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkPeeringRequests lists the Networks that ask for a peering with a Network that does not name them back. It is read
// from the peeringrequests subresource of the asked Network and is not stored: the server computes it for each read.
type NetworkPeeringRequests struct {
	metav1.TypeMeta `json:",inline"`
	// metadata names the asked Network.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// total is the number of requests.
	Total int32 `json:"total" protobuf:"varint,2,opt,name=total"`
	// requests are the first of them, at most 500, in the order of namespace and name.
	// +optional
	// +listType=atomic
	Requests []NetworkPeeringRequest `json:"requests,omitempty" protobuf:"bytes,3,rep,name=requests"`
}

// NetworkPeeringRequest is a Network that asks for a peering.
type NetworkPeeringRequest struct {
	// namespace of the asking Network.
	Namespace string `json:"namespace" protobuf:"bytes,1,opt,name=namespace"`
	// name of the asking Network.
	Name string `json:"name" protobuf:"bytes,2,opt,name=name"`
	// uid is the metadata.uid of the asking Network.
	UID types.UID `json:"uid" protobuf:"bytes,3,opt,name=uid,casttype=k8s.io/apimachinery/pkg/types.UID"`
	// peeringName is the name that the peering has in the asking Network.
	PeeringName string `json:"peeringName" protobuf:"bytes,4,opt,name=peeringName"`
	// prefixes are the address ranges that the asking Network would expose to this one. Without any, it exposes everything.
	// +optional
	// +listType=map
	// +listMapKey=name
	Prefixes []PeeringPrefix `json:"prefixes,omitempty" protobuf:"bytes,5,rep,name=prefixes"`
	// since is when the asking Network began to ask.
	// +optional
	Since *metav1.Time `json:"since,omitempty" protobuf:"bytes,6,opt,name=since"`
}
