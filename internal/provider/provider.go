// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package provider defines what the network controller needs from an infrastructure that realizes Networks. Each
// implementation is a package below this one; docs/providers.md tells how to write another, and providertest what it
// has to pass.
package provider

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Provider realizes Networks in an infrastructure. Its methods are called by one leader at a time, for different
// Networks at the same time and for one Network one after the other. All of them are idempotent: a crash between any
// two steps is mended by calling again.
type Provider interface {
	// Finalizer is put on a Network before the first Realize and keeps it in existence until Release succeeded. It is
	// empty for a provider that has nothing to tear down before a Network may be gone.
	Finalizer() string

	// Realize brings the infrastructure in line with a Network that is not being deleted and reports what is there.
	// Peers are the Networks at the other end of its Bound peerings, by the peering's name. With an error, it is called
	// again after a while; what it reports holds nevertheless.
	Realize(ctx context.Context, network *v1alpha1.Network, peers map[string]*v1alpha1.Network) (Realization, error)

	// Release takes down what realizes the Network, and tells whether that is confirmed gone. If it is not, the
	// provider calls found once it is. With a Finalizer, the Network is usually being deleted and its peerings are
	// unbound; else it does not exist any more, and all that is known of it is its namespace, name and UID.
	Release(ctx context.Context, network *v1alpha1.Network) (gone bool, err error)

	// Run watches the infrastructure until the context ends. It calls found for everything that realizes a Network,
	// once at the start and whenever it changes; then the Network is realized again, or released if it does not exist
	// any more.
	Run(ctx context.Context, found Found) error
}

// Found names a Network of which the infrastructure has something.
type Found func(network types.NamespacedName, uid types.UID)

// Realization is what realizes a Network.
type Realization struct {
	// ProviderID identifies the Network in the infrastructure, once known. It never changes.
	ProviderID string
	// State of the Network: Available only if it can carry traffic now. Empty if nothing is known now: the state stays
	// what it is, in the words that explain it.
	State v1alpha1.NetworkState
	// Reason and Message explain the state, for the condition Available, an Event and, with an error, a metric. They
	// are the same words each time as long as nothing changes, and empty where there is nothing to explain.
	Reason, Message string
	// Peerings are the data plane's word on peerings, by the peering's name. A peering without an entry keeps what its
	// status says.
	Peerings map[string]PeeringRealization
}

// PeeringRealization is what realizes a peering.
type PeeringRealization struct {
	State v1alpha1.NetworkPeeringState
	// Prefixes in force. One that has no range exposes nothing.
	Prefixes []v1alpha1.PeeringPrefixStatus
	// Reason and Message say what is amiss and who can mend it, for the condition PeeringsRealized.
	Reason, Message string
}

// PeeringsRealized is the type of the condition that is False while something is amiss with the data plane of a
// peering, and absent otherwise.
const PeeringsRealized = "PeeringsRealized"

// InterfaceProvider is a Provider that realizes NetworkInterfaces too. With any other, their state is left to somebody
// outside.
type InterfaceProvider interface {
	Provider

	// RealizeInterface reports what realizes a NetworkInterface. The network-interface controller has seen before that
	// its Network exists and is available, and that none of its addresses belongs to another NetworkInterface of the
	// Network. With an error, it is called again after a while; what it reports holds nevertheless.
	RealizeInterface(ctx context.Context, nic *v1alpha1.NetworkInterface, network *v1alpha1.Network) (InterfaceRealization, error)
}

// InterfaceRealization is what realizes a NetworkInterface.
type InterfaceRealization struct {
	// State of the NetworkInterface: Available only if it can carry traffic now. Empty if nothing is known now: the
	// status stays what it is.
	State v1alpha1.NetworkInterfaceState
	// Reason and Message explain the state, as those of a Network do.
	Reason, Message string
	// IPs, Prefixes and VirtualIP are the addresses in force.
	IPs, Prefixes []string
	VirtualIP     string
}
