// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"

	"ironcore.dev/networking/internal/apis/networking"
)

// Decision is what makes a subresource that takes a controller's decision on an object.
type Decision[T, D Object] struct {
	// Kind and Noun are what the decision is called in errors.
	Kind, Noun string
	New        func() D
	Validate   func(decision D, stored T) field.ErrorList
	// Apply puts the decision into the object. The server's conditions follow by themselves.
	Apply func(object T, decision D, now metav1.Time)
}

// DecisionREST serves a subresource that takes the decision of a controller on an object. A decision is not stored: it is
// applied to its object in one atomic write, the way pods/binding is, without a field manager and without a new generation.
type DecisionREST[T, D Object] struct {
	store    *genericregistry.Store
	kind     Definition[T]
	decision Decision[T, D]
}

// NewDecisionREST returns the subresource of a kind for a decision.
func NewDecisionREST[T, D Object](store *genericregistry.Store, kind Definition[T], decision Decision[T, D]) *DecisionREST[T, D] {
	return &DecisionREST[T, D]{store: store, kind: kind, decision: decision}
}

var _ rest.NamedCreater = &DecisionREST[Object, Object]{}
var _ rest.SubresourceObjectMetaPreserver = &DecisionREST[Object, Object]{}

// New returns an empty decision.
func (r *DecisionREST[T, D]) New() runtime.Object { return r.decision.New() }

// Destroy does nothing: the store belongs to the main resource.
func (*DecisionREST[T, D]) Destroy() {}

// PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate keeps the UID of the request: it is a precondition.
func (*DecisionREST[T, D]) PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate() bool {
	return true
}

// Create applies a decision to the object that it names, if the object still is as its preconditions say.
func (r *DecisionREST[T, D]) Create(ctx context.Context, name string, obj runtime.Object,
	createValidation rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	decision, ok := obj.(D)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("got a %T where a %s was expected", obj, r.decision.Kind))
	}
	if decision.GetName() != "" && decision.GetName() != name {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("metadata.name %q of the %s does not match the name %q of the request",
			decision.GetName(), r.decision.Noun, name))
	}
	if createValidation != nil {
		if err := createValidation(ctx, decision.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	key, err := r.store.KeyFunc(ctx, name)
	if err != nil {
		return nil, err
	}
	preconditions := &storage.Preconditions{}
	if uid := decision.GetUID(); uid != "" {
		preconditions.UID = &uid
	}
	if resourceVersion := decision.GetResourceVersion(); resourceVersion != "" {
		preconditions.ResourceVersion = &resourceVersion
	}
	object := r.kind.New()
	err = r.store.Storage.GuaranteedUpdate(ctx, key, object, false, preconditions,
		storage.SimpleUpdate(func(existing runtime.Object) (runtime.Object, error) {
			changed := existing.(T)
			if errs := r.decision.Validate(decision, changed); len(errs) > 0 {
				return nil, apierrors.NewInvalid(networking.Kind(r.decision.Kind), name, errs)
			}
			stored, now := changed.DeepCopyObject().(T), metav1.Now()
			r.decision.Apply(changed, decision, now)
			r.kind.Derive(changed, stored, now)
			r.store.UpdateStrategy.(Strategy[T]).makeRoom(changed, stored)
			return changed, nil
		}), dryrun.IsDryRun(options.DryRun), nil)
	if err != nil {
		return nil, storeerr.InterpretUpdateError(err, networking.Resource(r.kind.Plural), name)
	}
	decision.SetNamespace(object.GetNamespace())
	decision.SetName(object.GetName())
	decision.SetResourceVersion(object.GetResourceVersion())
	return decision, nil
}
