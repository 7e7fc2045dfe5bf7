// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

// Storage serves the resource networks and its subresources, all on one store.
type Storage struct {
	Network     *REST
	Status      *registry.StatusREST
	Binding     *BindingREST
	Realization *RealizationREST
	Membership  *MembershipREST
	Requests    *RequestsREST
	Overlaps    *Overlaps
}

// View is what the controllers have read: it was so a moment ago, and costs nothing to look at. Nobody may change what it
// returns.
type View interface {
	// Network returns a Network, or nil if there is none.
	Network(name types.NamespacedName) *v1alpha1.Network
	// Related returns the Networks with a peering or a claim that names the given one, and whether these are all.
	Related(name types.NamespacedName) (related []*v1alpha1.Network, all bool)
	// InterfacesOf returns the NetworkInterfaces of a Network.
	InterfacesOf(network *v1alpha1.Network) []*v1alpha1.NetworkInterface
	// MayHaveMembers tells whether there are members of any Network in a namespace, or may be.
	MayHaveMembers(namespace string) bool
}

// NewStorage returns the storage of Networks. What is in them is asked of members, who misses nothing.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, members Members, view View) (Storage, error) {
	overlaps := &Overlaps{view}
	kind := definition
	kind.Warnings = func(_ context.Context, network, stored *networking.Network) []string {
		return append(newlyOpenWarnings(network, stored), overlaps.ofNetwork(network, stored)...)
	}
	requests := &RequestsREST{TableConvertor: rest.NewDefaultTableConvertor(networking.Resource("networks")), view: view}
	kind.Table = withRequests(table, requests.count)
	main, status, err := registry.NewStorage(scheme, kind, optsGetter)
	if err != nil {
		return Storage{}, err
	}
	requests.store = main.Store
	return Storage{
		Network:     &REST{REST: main, release: releaser{store: main.Store, members: members}, view: view},
		Status:      status,
		Binding:     newBindingREST(main.Store),
		Realization: newRealizationREST(main.Store),
		Membership:  newMembershipREST(main.Store, members),
		Requests:    requests,
		Overlaps:    overlaps,
	}, nil
}
