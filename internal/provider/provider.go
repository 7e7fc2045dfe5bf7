// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package provider defines what the network controller needs from an infrastructure that realizes Networks. Each
// implementation is a package below this one.
package provider

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Provider realizes Networks in an infrastructure. Its methods are called by one leader at a time, for different Networks
// at the same time and for one Network one after the other. All of them are idempotent: a crash between any two steps
// is mended by calling again.
type Provider interface {
	// Finalizer is put on a Network before the first Realize and keeps it in existence until Release succeeded. It is
	// empty for a provider that has nothing to tear down before a Network may be gone.
	Finalizer() string

	// Realize brings the infrastructure in line with a Network that is not being deleted and reports what is there.
	// With an error, it is called again after a while; what it reports holds nevertheless.
	Realize(ctx context.Context, network *v1alpha1.Network) (Realization, error)

	// Release takes down what realizes the Network. It succeeds only once that is confirmed gone. With a Finalizer,
	// the Network is being deleted and its peerings are unbound; without, it does not exist any more.
	Release(ctx context.Context, network *v1alpha1.Network) error

	// Run watches the infrastructure until the context ends, calls changed for every Network to realize again, and
	// collects what is left of Networks that are gone. The lister is in sync when Run is called.
	Run(ctx context.Context, networks listers.NetworkLister, changed func(types.NamespacedName)) error
}

// Realization is what realizes a Network.
type Realization struct {
	// ProviderID identifies the Network in the infrastructure, once known. It never changes.
	ProviderID string
	// State of the Network: Available only if it can carry traffic now.
	State v1alpha1.NetworkState
	// Reason and Message explain the state, for the condition Available. Empty where there is nothing to explain.
	Reason, Message string
	// Peerings are the data plane's word on peerings, by the peering's name. A peering without an entry keeps what its
	// status says.
	Peerings map[string]PeeringRealization
}

// PeeringRealization is what realizes a peering.
type PeeringRealization struct {
	State    v1alpha1.NetworkPeeringState
	Prefixes []v1alpha1.PeeringPrefixStatus
}
