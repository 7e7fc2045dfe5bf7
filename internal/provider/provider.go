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

	// Realize brings the infrastructure in line with a Network and reports what is there. One that is being deleted is
	// realized, without peers, as long as NetworkInterfaces keep it. After an error, it is called again later; what it reported is
	// written all the same.
	Realize(ctx context.Context, network *v1alpha1.Network, situation Situation) (Realization, error)

	// Release takes down what realizes the Network, and tells whether that is confirmed gone. If it is not, the
	// provider calls found once it is. With a Finalizer, the Network is usually being deleted, and is no peer of any other
	// any more; else it does not exist, and all that is known of it is its UID and, as far as found said, its name.
	Release(ctx context.Context, network *v1alpha1.Network) (gone bool, err error)

	// Run watches the infrastructure until the context ends. It calls found for everything that realizes a Network,
	// once at the start and whenever it changes; then the Network is realized again, or released if it does not exist
	// any more.
	Run(ctx context.Context, found Found) error
}

// Situation is what there is beside a Network when it is realized. When it changes, the Network is realized again.
type Situation struct {
	// Peers are at the other end of the peerings that are Bound on both sides, by the peering's name.
	Peers map[string]Peer
	// Interfaces are the Network's own NetworkInterfaces, in whatever state.
	Interfaces []*v1alpha1.NetworkInterface
	// Policies are the Network's NetworkPolicies.
	Policies []rules.Policy
}

// Peer is at the other end of a Bound peering.
type Peer struct {
	*v1alpha1.Network
	// Exposes are the ranges that the peer lets the Network reach, and no others: the prefixes of its peering that have a
	// range, or, where its peering has no prefixes, the addresses and ranges that its NetworkInterfaces have in force.
	Exposes []netip.Prefix
	// Barred tells that the peering is not in force, because what the peer exposes leads elsewhere already. No packet passes;
	// but the prefixes of the Network's own peering are resolved: what the peer is told of them must not depend on that.
	Barred bool
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
	// Policies tell what became of the NetworkPolicies of the situation, by UID. It is nil with a provider that enforces none:
	// their status is somebody else's.
	Policies map[types.UID]PolicyRealization
}

// PolicyRealization is what became of a NetworkPolicy.
type PolicyRealization struct {
	InForce bool
	// Transient tells that nothing is known against one that was in force before: it stays so.
	Transient bool
	// Reason and Message say who has it in force, or why it is not, for the condition Ready.
	Reason, Message string
}

// PeeringRealization is what realizes a peering.
type PeeringRealization struct {
	State v1alpha1.NetworkPeeringState
	// Prefixes in force. One that has no range exposes nothing.
	Prefixes []v1alpha1.PeeringPrefixStatus
	// Reason and Message say what is wrong and who can fix it, for the condition PeeringsRealized.
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
	// Network. The VirtualIP is the one that spec.virtualIP asks for, nil if there is none; it may lead elsewhere. With an error,
	// it is called again after a while; what it reports holds nevertheless.
	RealizeInterface(ctx context.Context, nic *v1alpha1.NetworkInterface, network *v1alpha1.Network, vip *v1alpha1.VirtualIP,
	) (InterfaceRealization, error)

	// WatchInterfaces calls found for the NetworkInterfaces of which the infrastructure has something, whenever that
	// changes, until the context ends. Then they are realized again.
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
	// ProviderID identifies the NetworkInterface in the infrastructure, where that has such a thing.
	ProviderID string
	// MACAddress, Gateways and MTU are what a machine needs to use it.
	MACAddress string
	Gateways   []string
	MTU        int32
	// Plugged tells whether a machine is attached, nil where the provider does not know. It becomes the condition Plugged.
	Plugged *bool
}

// AddressProvider is a Provider that has addresses for VirtualIPs, LoadBalancers and NATGateways. With any other, these are left
// to somebody outside.
type AddressProvider interface {
	Provider

	// Address returns the address of an IP family that an object has from now on: the same one each time. An error may be a
	// *Trouble, in words for the owner of the object.
	Address(ctx context.Context, holder Holder, family v1alpha1.IPFamily) (string, error)

	// FreeAddresses takes back what an object had that is gone.
	FreeAddresses(ctx context.Context, holder Holder) error

	// Holders returns whoever has an address, gone or not.
	Holders(ctx context.Context) ([]Holder, error)
}

// Holder is a VirtualIP, LoadBalancer or NATGateway that may have addresses.
type Holder struct {
	Kind string
	types.NamespacedName
	UID types.UID
}

// String has the namespace first: namespaces take turns by it.
func (h Holder) String() string { return fmt.Sprintf("%s %s %s", h.NamespacedName, h.Kind, h.UID) }

// Given returns the addresses and ranges that a NetworkInterface brings itself, and the fields of those that somebody
// else would have to give to it.
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
