// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package kind is what all kinds of the API have in common in the registry. A kind says in a Definition what is its own,
// and gets its storage, its status subresource, its selectable fields with their indexes and its table from here.
package kind

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/internal/apis/networking"
)

// Object is a pointer to an object of a kind.
type Object interface {
	runtime.Object
	metav1.Object
}

// Definition is what makes a kind.
type Definition[T Object] struct {
	// Plural, Singular and ShortName are what the resource is called.
	Plural, Singular, ShortName string
	New, NewList                func() runtime.Object
	// Strategy is for writes of the object itself, StatusStrategy for those of its status.
	Strategy       MainStrategy
	StatusStrategy StatusStrategy
	Fields         Fields[T]
	Table          Table[T]
}

// MainStrategy decides on writes of the object itself.
type MainStrategy interface {
	rest.RESTCreateUpdateStrategy
	rest.ResetFieldsStrategy
}

// StatusStrategy decides on writes of the status.
type StatusStrategy interface {
	rest.RESTUpdateStrategy
	rest.ResetFieldsFilterStrategy
}

// NewStorage returns what serves a resource and its status, on one store.
func NewStorage[T Object](definition Definition[T], optsGetter generic.RESTOptionsGetter) (*REST, *StatusREST, error) {
	store := &genericregistry.Store{
		NewFunc:                   definition.New,
		NewListFunc:               definition.NewList,
		PredicateFunc:             definition.Fields.Predicate,
		DefaultQualifiedResource:  networking.Resource(definition.Plural),
		SingularQualifiedResource: networking.Resource(definition.Singular),
		CreateStrategy:            definition.Strategy,
		UpdateStrategy:            definition.Strategy,
		DeleteStrategy:            definition.Strategy,
		ResetFieldsStrategy:       definition.Strategy,
		TableConvertor:            definition.Table,
	}
	options := &generic.StoreOptions{
		RESTOptions: optsGetter,
		AttrFunc:    definition.Fields.attributes,
		Indexers:    definition.Fields.Indexers(),
	}
	if err := store.CompleteWithOptions(options); err != nil {
		return nil, nil, fmt.Errorf("setting up the storage of %s: %w", definition.Plural, err)
	}

	statusStore := *store
	statusStore.UpdateStrategy = definition.StatusStrategy
	statusStore.ResetFieldsStrategy = nil
	return &REST{Store: store, shortName: definition.ShortName},
		&StatusREST{store: &statusStore, strategy: definition.StatusStrategy}, nil
}

// REST serves a resource.
type REST struct {
	*genericregistry.Store
	shortName string
}

var _ rest.ShortNamesProvider = &REST{}
var _ rest.CategoriesProvider = &REST{}

// ShortNames are for kubectl users in a hurry.
func (r *REST) ShortNames() []string { return []string{r.shortName} }

// Categories lets kubectl users write "ironcore" for all kinds of ironcore.
func (*REST) Categories() []string { return []string{"ironcore"} }

// StatusREST serves the status subresource.
type StatusREST struct {
	store    *genericregistry.Store
	strategy StatusStrategy
}

var _ rest.Patcher = &StatusREST{}
var _ rest.ResetFieldsFilterStrategy = &StatusREST{}
var _ rest.TableConvertor = &StatusREST{}

// New returns an empty object.
func (r *StatusREST) New() runtime.Object { return r.store.New() }

// Destroy does nothing: the store belongs to REST.
func (*StatusREST) Destroy() {}

// Get returns the object.
func (r *StatusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update changes the status of an object, and never creates one.
func (r *StatusREST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, objInfo, createValidation, updateValidation, false, options)
}

// GetResetFieldsFilter lists what a write may change.
func (r *StatusREST) GetResetFieldsFilter() map[fieldpath.APIVersion]fieldpath.Filter {
	return r.strategy.GetResetFieldsFilter()
}

// ConvertToTable prints the object like the main resource does.
func (r *StatusREST) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, object, options)
}
