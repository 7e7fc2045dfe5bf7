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
// +genclient:method=CountMembers,verb=create,subresource=membership,input=NetworkMembership,result=NetworkMembership
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Network is a logically isolated network. Nothing reaches it from another Network until the owners of both
// peer them: each names the other in spec.peerings.
type Network struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. metadata.generation counts the changes of spec.peerings.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec is what the owner of the Network asks for, and what the provider and the peering controller
	// record next to it.
	// +optional
	Spec NetworkSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// status is what was observed of the Network. It is written through the status, binding, realization and membership
	// subresources only; in a write of the Network itself it is ignored.
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

// NetworkSpec is what is asked of a Network.
type NetworkSpec struct {
	// providerID identifies the Network in the infrastructure that realizes it, for instance
	// "ironcore-net://namespace/name/id/uid". The network provider sets it once; from then on it is immutable.
	// Setting it takes the permission to update networks/status. At most 512 printable ASCII characters, no spaces.
	// +optional
	ProviderID string `json:"providerID,omitempty" protobuf:"bytes,1,opt,name=providerID"`

	// peerings name the Networks that this Network wants to exchange traffic with. A peering takes effect once the
	// other Network names this one too; status.peerings tells how far each has come. Peerings are not transitive: a
	// peer's peers stay out of reach. At most 1000, each with its own name and its own target.
	// +optional
	// +listType=map
	// +listMapKey=name
	Peerings []NetworkPeering `json:"peerings,omitempty" protobuf:"bytes,2,rep,name=peerings"`

	// incomingPeerings are the claims of the Networks that are bound to this one, one for each bound peering. They
	// are written by the peering and release controllers alone: what anyone else sends here is answered with a
	// warning, and the stored claims stay.
	// +optional
	// +listType=map
	// +listMapKey=uid
	IncomingPeerings []NetworkPeeringClaimRef `json:"incomingPeerings,omitempty" protobuf:"bytes,3,rep,name=incomingPeerings"`
}

// NetworkPeering asks for a peering with another Network.
type NetworkPeering struct {
	// name identifies the peering within this Network and its item in status.peerings: a DNS label (RFC 1123) of at
	// most 63 characters.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// networkRef names the Network to peer with. A change of it starts the peering anew, as Pending.
	NetworkRef NetworkPeeringNetworkRef `json:"networkRef" protobuf:"bytes,2,opt,name=networkRef"`

	// prefixes are the address ranges of this Network that the peer may reach. Without any, the peer reaches
	// everything. At most 64, each with its own name.
	// +optional
	// +listType=map
	// +listMapKey=name
	Prefixes []PeeringPrefix `json:"prefixes,omitempty" protobuf:"bytes,3,rep,name=prefixes"`
}

// NetworkPeeringNetworkRef names the Network at the other end of a peering.
type NetworkPeeringNetworkRef struct {
	// namespace of the other Network. Defaults to the namespace of the Network that holds the peering.
	// +optional
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,1,opt,name=namespace"`

	// name of the other Network.
	Name string `json:"name" protobuf:"bytes,2,opt,name=name"`

	// uid pins the peering to the Network with this metadata.uid, a lower-case UUID (RFC 9562): one that was deleted
	// and made again under the same name is not accepted. Without it, whichever Network has the name is.
	// +optional
	UID types.UID `json:"uid,omitempty" protobuf:"bytes,3,opt,name=uid,casttype=k8s.io/apimachinery/pkg/types.UID"`
}

// PeeringPrefix is an address range of a Network that a peer may reach. Exactly one of prefix and prefixRef is set.
type PeeringPrefix struct {
	// name identifies the range within its peering: a DNS label (RFC 1123) of at most 63 characters.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// prefix is the range in CIDR notation, IPv4 or IPv6, in canonical form with all host bits zero: "10.0.0.0/24",
	// "2001:db8::/32".
	// +optional
	Prefix string `json:"prefix,omitempty" protobuf:"bytes,2,opt,name=prefix"`

	// prefixRef names a Prefix (group ipam.ironcore.dev) in the namespace of this Network that allocates the range.
	// While it has no range, the provider exposes nothing through this item.
	// +optional
	PrefixRef *LocalObjectReference `json:"prefixRef,omitempty" protobuf:"bytes,3,opt,name=prefixRef"`
}

// LocalObjectReference names an object in the namespace of the object that holds the reference.
type LocalObjectReference struct {
	// name of the referenced object.
	// +optional
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
}

// NetworkPeeringClaimRef is the claim of a Network that is bound to the Network that holds the claim.
type NetworkPeeringClaimRef struct {
	// namespace of the claiming Network.
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,1,opt,name=namespace"`

	// name of the claiming Network.
	Name string `json:"name" protobuf:"bytes,2,opt,name=name"`

	// uid is the metadata.uid of the claiming Network. A Network that was deleted and made again under the same name
	// has another uid and does not inherit the claim.
	UID types.UID `json:"uid" protobuf:"bytes,3,opt,name=uid,casttype=k8s.io/apimachinery/pkg/types.UID"`
}

// NetworkStatus is what was observed of a Network.
type NetworkStatus struct {
	// observedGeneration is the metadata.generation that the phases in status.peerings were decided for. While it is
	// behind metadata.generation, the decision on the newest spec.peerings is still to come.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty" protobuf:"varint,1,opt,name=observedGeneration"`

	// state tells how far the network provider has come: Pending from creation on, Available once the Network can
	// carry traffic, Error when the provider needs help. The network provider writes it.
	// +optional
	State NetworkState `json:"state,omitempty" protobuf:"bytes,2,opt,name=state,casttype=NetworkState"`

	// conditions give the same and more with a reason and a message. Available always agrees with state. Peered is
	// True when every item of spec.peerings is Bound, and absent when there is none. DeletionBlocked is True while the
	// deletion of the Network waits for its NetworkInterfaces, and absent otherwise. The server keeps these in step.
	// Providers may add conditions of their own, 32 in all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,3,rep,name=conditions"`

	// peerings hold exactly one item for each item of spec.peerings, under the same name and in the same order.
	// +optional
	// +listType=map
	// +listMapKey=name
	Peerings []NetworkPeeringStatus `json:"peerings,omitempty" protobuf:"bytes,4,rep,name=peerings"`

	// networkInterfaces is how many NetworkInterfaces the Network has, as of a second ago or so. The membership controller
	// alone writes it.
	// +optional
	NetworkInterfaces int32 `json:"networkInterfaces,omitempty" protobuf:"varint,5,opt,name=networkInterfaces"`
}

// NetworkState tells how far the network provider has come with a Network.
// +enum
type NetworkState string

const (
	// NetworkStatePending means that the provider has not finished with the Network.
	NetworkStatePending NetworkState = "Pending"
	// NetworkStateAvailable means that the Network can carry traffic and take part in peerings.
	NetworkStateAvailable NetworkState = "Available"
	// NetworkStateError means that the provider cannot realize the Network without help.
	NetworkStateError NetworkState = "Error"
)

// Types and reasons of the conditions that the server keeps.
const (
	// NetworkAvailable is the type of the condition that agrees with status.state.
	NetworkAvailable = "Available"
	// NetworkPeered is the type of the condition that is True when every peering is Bound.
	NetworkPeered = "Peered"
	// NetworkDeletionBlocked is the type of the condition that is True while the deletion waits for NetworkInterfaces.
	NetworkDeletionBlocked = "DeletionBlocked"

	// NetworkReasonPending is the reason of Available while state is Pending, where the provider gave none.
	NetworkReasonPending = "Pending"
	// NetworkReasonAvailable is the reason of Available while state is Available, where the provider gave none.
	NetworkReasonAvailable = "Available"
	// NetworkReasonError is the reason of Available while state is Error, where the provider gave none.
	NetworkReasonError = "Error"
	// NetworkReasonAllBound is the reason of Peered when every peering is Bound.
	NetworkReasonAllBound = "AllBound"
	// NetworkReasonPeeringsPending is the reason of Peered while some peering is Pending.
	NetworkReasonPeeringsPending = "PeeringsPending"
	// NetworkReasonNetworkInterfacesExist is the reason of DeletionBlocked.
	NetworkReasonNetworkInterfacesExist = "NetworkInterfacesExist"
)

// NetworkInterfacesFinalizer keeps a Network that is being deleted in existence until its last NetworkInterface is gone. The
// server adds it with the deletion, the membership controller removes it.
const NetworkInterfacesFinalizer = "networking.ironcore.dev/network-interfaces"

// NetworkPeeringStatus is what was observed of one peering.
type NetworkPeeringStatus struct {
	// name of the item of spec.peerings that this one speaks of.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// phase is the binding of the peering: Bound when both Networks exist, are available, are not being deleted and
	// name each other, else Pending. The peering controller alone writes it.
	// +optional
	Phase NetworkPeeringPhase `json:"phase,omitempty" protobuf:"bytes,2,opt,name=phase,casttype=NetworkPeeringPhase"`

	// reason says in one CamelCase word why the phase is what it is: Bound, PrefixUnresolved, Evaluating, NetworkDeleting,
	// NetworkNotAvailable, PeerNotFound, PeeringNotAccepted, PeerUIDMismatch, PeerDeleting, PeerReplaced or
	// PeerNotAvailable. The peering controller alone writes it.
	// +optional
	Reason string `json:"reason,omitempty" protobuf:"bytes,3,opt,name=reason"`

	// message says in one sentence what is missing and who can mend it. The peering controller alone writes it.
	// +optional
	Message string `json:"message,omitempty" protobuf:"bytes,4,opt,name=message"`

	// lastPhaseTransitionTime is when phase last changed.
	// +optional
	LastPhaseTransitionTime *metav1.Time `json:"lastPhaseTransitionTime,omitempty" protobuf:"bytes,5,opt,name=lastPhaseTransitionTime"`

	// state tells how far the data plane has come with the peering: Pending, Ready or Error. The network provider
	// writes it.
	// +optional
	State NetworkPeeringState `json:"state,omitempty" protobuf:"bytes,6,opt,name=state,casttype=NetworkPeeringState"`

	// prefixes are the address ranges in force for the peering. The network provider writes them.
	// +optional
	// +listType=map
	// +listMapKey=name
	Prefixes []PeeringPrefixStatus `json:"prefixes,omitempty" protobuf:"bytes,7,rep,name=prefixes"`
}

// NetworkPeeringPhase is the binding of a peering.
// +enum
type NetworkPeeringPhase string

const (
	// NetworkPeeringPhasePending means that there is no active peering; reason and message say why.
	NetworkPeeringPhasePending NetworkPeeringPhase = "Pending"
	// NetworkPeeringPhaseBound means that the peering as described in spec.peerings is in place.
	NetworkPeeringPhaseBound NetworkPeeringPhase = "Bound"
)

// Reasons of a peering's phase.
const (
	// PeeringReasonBound: both Networks name each other and are available.
	PeeringReasonBound = "Bound"
	// PeeringReasonPrefixUnresolved: the peering is Bound, and the provider has no range for some of its prefixes, which
	// expose nothing.
	PeeringReasonPrefixUnresolved = "PrefixUnresolved"
	// PeeringReasonEvaluating: the peering controller has not decided on the peering yet.
	PeeringReasonEvaluating = "Evaluating"
	// PeeringReasonNetworkDeleting: this Network is being deleted.
	PeeringReasonNetworkDeleting = "NetworkDeleting"
	// PeeringReasonNetworkNotAvailable: the provider has not made this Network available.
	PeeringReasonNetworkNotAvailable = "NetworkNotAvailable"
	// PeeringReasonPeerNotFound: there is no such Network. Told of Networks in the same namespace only.
	PeeringReasonPeerNotFound = "PeerNotFound"
	// PeeringReasonPeeringNotAccepted: the other Network does not name this one in its spec.peerings. Across
	// namespaces, a Network that does not exist reads the same, so that nobody can probe for names.
	PeeringReasonPeeringNotAccepted = "PeeringNotAccepted"
	// PeeringReasonPeerUIDMismatch: the other Network is not the one that networkRef.uid pins.
	PeeringReasonPeerUIDMismatch = "PeerUIDMismatch"
	// PeeringReasonPeerDeleting: the other Network is being deleted.
	PeeringReasonPeerDeleting = "PeerDeleting"
	// PeeringReasonPeerReplaced: the other Network was deleted and made again; the claim of the earlier one is
	// released before the new one is bound.
	PeeringReasonPeerReplaced = "PeerReplaced"
	// PeeringReasonPeerNotAvailable: the provider has not made the other Network available.
	PeeringReasonPeerNotAvailable = "PeerNotAvailable"
)

// NetworkPeeringState tells how far the data plane has come with a peering.
// +enum
type NetworkPeeringState string

const (
	// NetworkPeeringStatePending means that the data plane is still being set up.
	NetworkPeeringStatePending NetworkPeeringState = "Pending"
	// NetworkPeeringStateReady means that traffic flows.
	NetworkPeeringStateReady NetworkPeeringState = "Ready"
	// NetworkPeeringStateError means that the data plane needs help.
	NetworkPeeringStateError NetworkPeeringState = "Error"
)

// PeeringPrefixStatus is an address range in force for a peering.
type PeeringPrefixStatus struct {
	// name of the item of the peering's prefixes that this range comes from.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// prefix is the range in CIDR notation, for instance "10.0.0.0/24".
	// +optional
	Prefix string `json:"prefix,omitempty" protobuf:"bytes,2,opt,name=prefix"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkBinding writes the outcome of a decision on all peerings of a Network into that Network, in one atomic step:
// its claims and the phases of its peerings change together. It is posted to the binding subresource of the Network
// and is not stored itself. The embedded peering and release controllers alone have the permission to.
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
	IncomingPeerings []NetworkPeeringClaimRef `json:"incomingPeerings,omitempty" protobuf:"bytes,2,rep,name=incomingPeerings"`

	// peerings give the decision on each item of spec.peerings of the Network: all of them, in the same order.
	// +optional
	// +listType=map
	// +listMapKey=name
	Peerings []NetworkPeeringBinding `json:"peerings,omitempty" protobuf:"bytes,3,rep,name=peerings"`
}

// NetworkPeeringBinding is the decision on one peering.
type NetworkPeeringBinding struct {
	// name of the peering.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`
	// phase decided for the peering.
	Phase NetworkPeeringPhase `json:"phase" protobuf:"bytes,2,opt,name=phase,casttype=NetworkPeeringPhase"`
	// reason of the decision, one of the documented reasons of status.peerings. At most 128 characters.
	Reason string `json:"reason" protobuf:"bytes,3,opt,name=reason"`
	// message says in one sentence what is missing and who can mend it.
	// +optional
	Message string `json:"message,omitempty" protobuf:"bytes,4,opt,name=message"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkRealization writes what the network provider inside the server made of a Network into that Network, in one atomic
// step: its provider ID and its state change together. It is posted to the realization subresource of the Network and is
// not stored itself. The embedded network controller alone has the permission to; a provider outside the server sets
// spec.providerID and writes the status subresource.
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
	// status is taken as a write of the status subresource is: state, conditions, and the state and prefixes of peerings.
	// +optional
	Status NetworkStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkMembership tells a Network how many NetworkInterfaces it has. It is posted to the membership subresource of the
// Network and is not stored itself. The embedded membership controller alone has the permission to.
type NetworkMembership struct {
	metav1.TypeMeta `json:",inline"`
	// metadata names the Network. metadata.uid and metadata.resourceVersion are required: they are those of the
	// Network that was counted for, and if it has changed since, the answer is 409 Conflict. In the answer,
	// metadata.resourceVersion is the one that the Network has now.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// networkInterfaces is how many NetworkInterfaces name the Network.
	NetworkInterfaces int32 `json:"networkInterfaces" protobuf:"varint,2,opt,name=networkInterfaces"`
	// names are the first few of them in alphabetical order, at most 5, for the condition that tells what a deletion
	// waits for.
	// +optional
	// +listType=set
	Names []string `json:"names,omitempty" protobuf:"bytes,3,rep,name=names"`
}
