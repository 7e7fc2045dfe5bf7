// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry/kind"
)

// Storage serves the resource networks and its subresources, all on one store.
type Storage struct {
	Network     *kind.REST
	Status      *kind.StatusREST
	Binding     *DecisionREST[*networking.NetworkBinding]
	Realization *DecisionREST[*networking.NetworkRealization]
	Membership  *DecisionREST[*networking.NetworkMembership]
}

// Members returns the names of the NetworkInterfaces of a Network. It misses none that was created before it was called.
type Members func(ctx context.Context, namespace, network string) ([]string, error)

// NewStorage returns the storage of Networks.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, members Members) (Storage, error) {
	strategy := newStrategy(scheme, members)
	main, status, err := kind.NewStorage(kind.Definition[*networking.Network]{
		Plural: "networks", Singular: "network", ShortName: "net",
		New:            func() runtime.Object { return &networking.Network{} },
		NewList:        func() runtime.Object { return &networking.NetworkList{} },
		Strategy:       strategy,
		StatusStrategy: statusStrategy{strategy},
		Fields:         selectable,
		Table:          table,
	}, optsGetter)
	if err != nil {
		return Storage{}, err
	}
	return Storage{
		Network:     main,
		Status:      status,
		Binding:     newBindingREST(main.Store),
		Realization: newRealizationREST(main.Store),
		Membership:  newMembershipREST(main.Store),
	}, nil
}

var selectable = kind.Fields[*networking.Network]{
	"spec.providerID": func(network *networking.Network) string { return network.Spec.ProviderID },
	"status.state":    func(network *networking.Network) string { return string(network.Status.State) },
}
