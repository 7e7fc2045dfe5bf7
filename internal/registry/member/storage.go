// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package member is shared by the kinds whose objects are in a Network and keep it from being deleted: NetworkInterfaces,
// LoadBalancers and NATGateways.
package member

import (
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"

	"ironcore.dev/networking/internal/registry"
)

// NetworkField is the field that selects the members of a Network.
const NetworkField = "spec.networkRef.name"

// Storage serves a kind of members and its status.
type Storage struct {
	Main     *REST
	Status   *registry.StatusREST
	selected func(labels.Selector, fields.Selector) storage.SelectionPredicate
}

// NewStorage returns the storage of a kind that NetworkField selects. It reads their Networks through networks.
func NewStorage[T registry.Object](scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, kind registry.Definition[T],
	networks Networks) (Storage, error) {
	main, status, err := registry.NewStorage(scheme, kind, optsGetter)
	if err != nil {
		return Storage{}, err
	}
	return Storage{
		Main: &REST{REST: main, plural: kind.Plural, networks: networks, networkOf: func(obj runtime.Object) string {
			return kind.Fields[NetworkField](obj.(T))
		}},
		Status: status, selected: kind.Fields.Predicate,
	}, nil
}
