// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/internal/apis/networking"
)

// NewStorage returns what serves a resource and its status, on one store. A kind without a status has no StatusREST.
func NewStorage[T Object](scheme *runtime.Scheme, kind Definition[T], optsGetter generic.RESTOptionsGetter,
) (*REST, *StatusREST, error) {
	restOptions, err := optsGetter.GetRESTOptions(networking.Resource(kind.Plural), kind.New())
	if err != nil {
		return nil, nil, err
	}
	strategy := NewStrategy(scheme, restOptions.StorageConfig.Codec, kind)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return kind.New() },
		NewListFunc:               kind.NewList,
		PredicateFunc:             kind.Fields.Predicate,
		DefaultQualifiedResource:  networking.Resource(kind.Plural),
		SingularQualifiedResource: networking.Resource(kind.Singular),
		CreateStrategy:            strategy,
		UpdateStrategy:            strategy,
		DeleteStrategy:            strategy,
		ResetFieldsStrategy:       strategy,
		TableConvertor:            kind.Table,
	}
	indexers := kind.Fields.Indexers()
	maps.Copy(*indexers, kind.Indexes)
	options := &generic.StoreOptions{
		RESTOptions: optsGetter,
		AttrFunc:    kind.Fields.Attributes,
		Indexers:    indexers,
	}
	if err := store.CompleteWithOptions(options); err != nil {
		return nil, nil, fmt.Errorf("setting up the storage of %s: %w", kind.Plural, err)
	}
	main := &REST{Store: store, shortNames: kind.ShortNames, withoutGarbageCollector: !restOptions.EnableGarbageCollection}
	store.EnableGarbageCollection = true // So that its finalizers come and go with the policy of a deletion.
	if !kind.hasStatus() {
		return main, nil, nil
	}
	statusStore, statusStrategy := *store, StatusStrategy[T]{strategy}
	statusStore.UpdateStrategy = statusStrategy
	statusStore.ResetFieldsStrategy = nil
	return main, &StatusREST{store: &statusStore, resetFields: statusStrategy}, nil
}

// REST serves a resource.
type REST struct {
	*genericregistry.Store
	shortNames []string
	// withoutGarbageCollector: every deletion is then one in the background, whatever was asked. It takes off the finalizers of other
	// policies, which nobody else would take off.
	withoutGarbageCollector bool
}

var _ rest.ShortNamesProvider = &REST{}
var _ rest.CategoriesProvider = &REST{}

// ShortNames are what kubectl takes in place of the plural.
func (r *REST) ShortNames() []string { return r.shortNames }

// Categories lets kubectl users write "ironcore" for all kinds of ironcore.
func (*REST) Categories() []string { return []string{"ironcore"} }

// Delete deletes an object.
func (r *REST) Delete(ctx context.Context, name string, validation rest.ValidateObjectFunc, options *metav1.DeleteOptions,
) (runtime.Object, bool, error) {
	return r.Store.Delete(ctx, name, validation, r.withFeasiblePolicy(options))
}

// DeleteCollection deletes the selected objects.
func (r *REST) DeleteCollection(ctx context.Context, validation rest.ValidateObjectFunc, options *metav1.DeleteOptions,
	listOptions *metainternalversion.ListOptions) (runtime.Object, error) {
	return r.Store.DeleteCollection(ctx, validation, r.withFeasiblePolicy(options), listOptions)
}

// withFeasiblePolicy returns the options of a deletion with a policy that somebody carries out.
func (r *REST) withFeasiblePolicy(options *metav1.DeleteOptions) *metav1.DeleteOptions {
	if !r.withoutGarbageCollector {
		return options
	}
	policed := &metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)}
	if options != nil {
		policed.GracePeriodSeconds, policed.Preconditions, policed.DryRun = options.GracePeriodSeconds, options.Preconditions, options.DryRun
		policed.IgnoreStoreReadErrorWithClusterBreakingPotential = options.IgnoreStoreReadErrorWithClusterBreakingPotential
	}
	return policed
}

// Update changes an object; server-side apply creates by it as well.
func (r *REST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	forceAllowCreate bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	obj, created, err := r.Store.Update(ctx, name, blamingRequest{objInfo}, createValidation, updateValidation, forceAllowCreate, options)
	return obj, created, once(err)
}

// once tells each fault of an object once. The library looks at labels and annotations twice in an update.
func once(err error) error {
	var refusal *apierrors.StatusError
	if !errors.As(err, &refusal) || refusal.ErrStatus.Details == nil {
		return err
	}
	told := sets.New[metav1.StatusCause]()
	details := refusal.ErrStatus.Details
	details.Causes = slices.DeleteFunc(details.Causes, func(cause metav1.StatusCause) bool {
		defer told.Insert(cause)
		return told.Has(cause)
	})
	return err
}

// blamingRequest answers 400 for an error without a status: such an error comes from a patch that does not fit the object.
type blamingRequest struct {
	rest.UpdatedObjectInfo
}

// UpdatedObject returns the changed object.
func (s blamingRequest) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	obj, err := s.UpdatedObjectInfo.UpdatedObject(ctx, old)
	var status apierrors.APIStatus
	if err == nil || errors.As(err, &status) || ctx.Err() != nil {
		return obj, err
	}
	return nil, apierrors.NewBadRequest(err.Error())
}

// StatusREST serves the status subresource.
type StatusREST struct {
	store       *genericregistry.Store
	resetFields rest.ResetFieldsFilterStrategy
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
	return r.store.Update(ctx, name, blamingRequest{objInfo}, createValidation, updateValidation, false, options)
}

// GetResetFieldsFilter lists what a write may change.
func (r *StatusREST) GetResetFieldsFilter() map[fieldpath.APIVersion]fieldpath.Filter {
	return r.resetFields.GetResetFieldsFilter()
}

// ConvertToTable prints the object like the main resource does.
func (r *StatusREST) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, object, options)
}
