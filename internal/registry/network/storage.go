// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/internal/apis/networking"
)

// Storage serves the resource networks and its subresources, all on one store.
type Storage struct {
	Network *REST
	Status  *StatusREST
	Binding *BindingREST
}

// NewStorage returns the storage of Networks.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter) (Storage, error) {
	strategy := newStrategy(scheme)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &networking.Network{} },
		NewListFunc:               func() runtime.Object { return &networking.NetworkList{} },
		PredicateFunc:             predicate,
		DefaultQualifiedResource:  networking.Resource("networks"),
		SingularQualifiedResource: networking.Resource("network"),
		CreateStrategy:            strategy,
		UpdateStrategy:            strategy,
		DeleteStrategy:            strategy,
		ResetFieldsStrategy:       strategy,
		TableConvertor:            tableConvertor{},
	}
	options := &generic.StoreOptions{RESTOptions: optsGetter, AttrFunc: attributes, Indexers: indexers()}
	if err := store.CompleteWithOptions(options); err != nil {
		return Storage{}, fmt.Errorf("setting up the storage of networks: %w", err)
	}

	statusStore := *store
	statusStore.UpdateStrategy = statusStrategy{strategy}
	statusStore.ResetFieldsStrategy = nil
	return Storage{
		Network: &REST{store},
		Status:  &StatusREST{store: &statusStore},
		Binding: &BindingREST{store: store},
	}, nil
}

// REST serves networks.
type REST struct {
	*genericregistry.Store
}

var _ rest.ShortNamesProvider = &REST{}
var _ rest.CategoriesProvider = &REST{}

// ShortNames lets kubectl users write "net".
func (*REST) ShortNames() []string { return []string{"net"} }

// Categories lets kubectl users write "ironcore" for all kinds of ironcore.
func (*REST) Categories() []string { return []string{"ironcore"} }

// StatusREST serves networks/status.
type StatusREST struct {
	store *genericregistry.Store
}

var _ rest.Patcher = &StatusREST{}
var _ rest.ResetFieldsFilterStrategy = &StatusREST{}
var _ rest.TableConvertor = &StatusREST{}

// New returns an empty Network.
func (r *StatusREST) New() runtime.Object { return r.store.New() }

// Destroy does nothing: the store belongs to REST.
func (*StatusREST) Destroy() {}

// Get returns the Network.
func (r *StatusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update changes the status of a Network, and never creates one.
func (r *StatusREST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, objInfo, createValidation, updateValidation, false, options)
}

// GetResetFieldsFilter lists what a write may change.
func (*StatusREST) GetResetFieldsFilter() map[fieldpath.APIVersion]fieldpath.Filter {
	return statusStrategy{}.GetResetFieldsFilter()
}

// ConvertToTable prints the Network like the main resource does.
func (r *StatusREST) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, object, options)
}

// Fields that a field selector may use beside metadata.name and metadata.namespace.
const (
	fieldProviderID = "spec.providerID"
	fieldState      = "status.state"
)

// attributes are what selectors match.
func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	network, ok := obj.(*networking.Network)
	if !ok {
		return nil, nil, fmt.Errorf("got a %T where a Network was expected", obj)
	}
	selectable := make(fields.Set, 4)
	selectable[fieldProviderID] = network.Spec.ProviderID
	selectable[fieldState] = string(network.Status.State)
	return network.Labels, generic.AddObjectMetaFieldsSet(selectable, &network.ObjectMeta, true), nil
}

func predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{
		Label:       label,
		Field:       field,
		GetAttrs:    attributes,
		IndexFields: []string{fieldProviderID, fieldState},
	}
}

// indexers let the watch cache answer selections by field without walking all Networks.
func indexers() *cache.Indexers {
	return &cache.Indexers{
		storage.FieldIndex(fieldProviderID): func(obj any) ([]string, error) {
			return []string{obj.(*networking.Network).Spec.ProviderID}, nil
		},
		storage.FieldIndex(fieldState): func(obj any) ([]string, error) {
			return []string{string(obj.(*networking.Network).Status.State)}, nil
		},
	}
}
