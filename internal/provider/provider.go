// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package provider defines what the network controller needs from an infrastructure that realizes Networks. Each
// implementation is a package below this one; docs/providers.md tells how to write another, and providertest what it
// has to pass.
package provider

import (
	"context"
	"fmt"
	"net/netip"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// Provider realizes Networks in an infrastructure. Its methods are called by one leader at a time, for different
// Networks at the same time and for one Network one after the other. All of them are idempotent: a crash between any
// two steps is completed by calling again.
type Provider interface {
	// Finalizer is put on a Network before the first Realize and keeps it in existence until Release succeeded. It is
	// empty for a provider that has nothing to tear down before a Network may be gone.
	Finalizer() string

	// Realize brings the infrastructure in line with a Network and reports what is there. A Network that is being deleted is
	// realized, without peers, until its NetworkInterfaces are gone. After an error it is called again later; what it reported
	// with the error is written nevertheless.
	Realize(ctx context.Context, network *v1alpha1.Network, situation Situation) (Realization, error)

	// Release removes what realizes the Network, and tells whether that is confirmed gone. If it is not, the provider calls
	// found once it is. With a Finalizer, the Network is usually being deleted and no longer a peer. Else it does not exist:
	// only its UID is known and, if found named it, its name.
	Release(ctx context.Context, network *v1alpha1.Network) (gone bool, err error)

	// Run watches the infrastructure until the context ends. It calls found for everything that realizes a Network, once at
	// the start and after each change. The Network is then realized again, or released if it no longer exists.
	Run(ctx context.Context, found Found) error
}

// Situation is what Realize needs beside the Network. When it changes, the Network is realized again.
type Situation struct {
	// Peers are the Networks at the other end of peerings that are Bound on both sides, by the peering's name.
	Peers map[string]Peer
	// Interfaces are the Network's own NetworkInterfaces, in whatever state.
	Interfaces []*v1alpha1.NetworkInterface
	// Policies are the Network's NetworkPolicies.
	Policies []rules.Policy
}

// Peer is at the other end of a Bound peering.
type Peer struct {
	*v1alpha1.Network
	// Exposes are the only ranges of the peer that the Network may reach: the prefixes of the peer's peering that have a range.
	// If that peering has no prefixes, they are the addresses and ranges that its NetworkInterfaces have in force.
	Exposes []netip.Prefix
	// Overlaps means that a range of the peer overlaps one of a peer that was bound earlier, or an address of the Network: the
	// peering carries no packets.
	// The prefixes of the Network's own peering are resolved nevertheless: the peer needs their ranges.
	Overlaps bool
}

// Found tells the controller that the infrastructure has something of a Network.
type Found func(network types.NamespacedName, uid types.UID)

// Realization is what realizes a Network.
type Realization struct {
	// ProviderID identifies the Network in the infrastructure, once known. It never changes.
	ProviderID string
	// State of the Network: Available only if it can carry traffic now. Empty if nothing is known now: the stored state and its
	// explanation stay.
	State v1alpha1.NetworkState
	// Reason and Message explain the state in the condition Available, an Event and, with an error, a metric. They stay the same
	// until something changes, and are empty if there is nothing to explain.
	Reason, Message string
	// Peerings are the states of peerings in the data plane, by the peering's name. A peering without an entry keeps its state.
	Peerings map[string]PeeringRealization
	// Policies are the results for the NetworkPolicies of the situation, by UID. It is nil if the provider enforces none: somebody
	// else writes their status.
	Policies map[types.UID]PolicyRealization
}

// PolicyRealization is the result for a NetworkPolicy.
type PolicyRealization struct {
	InForce bool
	// Transient, if it is not InForce, means that a policy that was in force before still is.
	Transient bool
	// Reason and Message explain it in the condition Ready.
	Reason, Message string
}

// PeeringRealization is what realizes a peering.
type PeeringRealization struct {
	State v1alpha1.NetworkPeeringState
	// Prefixes in force. A prefix without a range exposes nothing.
	Prefixes []v1alpha1.PeeringPrefixStatus
	// Reason and Message say what is wrong and who can fix it, in the condition PeeringsRealized.
	Reason, Message string
}

// PeeringsRealized is a condition of Networks. It is False while the data plane of a peering has a fault, and absent otherwise.
const PeeringsRealized = "PeeringsRealized"

// InterfaceProvider is a Provider that realizes NetworkInterfaces too. With any other provider, somebody outside writes their
// state.
type InterfaceProvider interface {
	Provider

	// RealizeInterface realizes a NetworkInterface and reports the result. The network-interface controller calls it only if the
	// Network is available and no other NetworkInterface of it has one of the addresses. The VirtualIP is the one that
	// spec.virtualIP names, nil if there is none; its target may be another NetworkInterface. After an error it is called again
	// later; what it reported with the error is written nevertheless.
	RealizeInterface(ctx context.Context, nic *v1alpha1.NetworkInterface, network *v1alpha1.Network, vip *v1alpha1.VirtualIP,
	) (InterfaceRealization, error)

	// WatchInterfaces calls found for each NetworkInterface whose realization changes, until the context ends. It is then realized
	// again.
	WatchInterfaces(ctx context.Context, found func(types.NamespacedName))
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
	// ProviderID identifies the NetworkInterface in the infrastructure, empty if that has no IDs.
	ProviderID string
	// MACAddress, Gateways and MTU are what a machine needs to use it.
	MACAddress string
	Gateways   []string
	MTU        int32
	// Plugged tells whether a machine is attached, nil if the provider does not know. It becomes the condition Plugged.
	Plugged *bool
}

// AddressProvider is a Provider that allocates addresses for VirtualIPs, LoadBalancers and NATGateways. With any other provider,
// somebody outside does.
type AddressProvider interface {
	Provider

	// Address allocates an address of an IP family for an object, or returns the one that it has. An error may be a *Trouble, in
	// words for the owner of the object.
	Address(ctx context.Context, holder Holder, family v1alpha1.IPFamily) (string, error)

	// FreeAddresses frees the addresses of an object that is gone.
	FreeAddresses(ctx context.Context, holder Holder) error

	// Holders returns the objects that have an address, also those that are gone.
	Holders(ctx context.Context) ([]Holder, error)
}

// Holder is a VirtualIP, LoadBalancer or NATGateway that may have addresses.
type Holder struct {
	Kind string
	types.NamespacedName
	UID types.UID
}

// String begins with the namespace, because the work queue takes turns by namespace.
func (h Holder) String() string { return fmt.Sprintf("%s %s %s", h.NamespacedName, h.Kind, h.UID) }

// Given returns the addresses and ranges in the spec of a NetworkInterface, and the fields whose value has to come from elsewhere.
func Given(nic *v1alpha1.NetworkInterface) (ips, prefixes, missing []string) {
	for i, source := range nic.Spec.IPs {
		if source.Value == "" {
			missing = append(missing, fmt.Sprintf("spec.ips[%d]", i))
			continue
		}
		ips = append(ips, source.Value)
	}
	for i, source := range nic.Spec.Prefixes {
		if source.Value == "" {
			missing = append(missing, fmt.Sprintf("spec.prefixes[%d]", i))
			continue
		}
		prefixes = append(prefixes, source.Value)
	}
	if nic.Spec.VirtualIP != nil {
		missing = append(missing, "spec.virtualIP")
	}
	return ips, prefixes, missing
}
