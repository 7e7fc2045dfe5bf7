// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

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
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry/kind"
)

// DecisionREST serves a subresource that takes the decision of a controller on a Network. A decision is not stored: it is
// applied to its Network in one atomic write, the way pods/binding is, without a field manager and without a new generation.
type DecisionREST[D kind.Object] struct {
	store *genericregistry.Store
	// kind and noun are what the decision is called in errors.
	kind, noun string
	new        func() D
	validate   func(decision D, stored *networking.Network) field.ErrorList
	apply      func(stored *networking.Network, decision D, now metav1.Time)
}

// newBindingREST serves networks/binding, for the peering and release controllers.
func newBindingREST(store *genericregistry.Store) *DecisionREST[*networking.NetworkBinding] {
	return &DecisionREST[*networking.NetworkBinding]{
		store: store, kind: "NetworkBinding", noun: "binding",
		new:      func() *networking.NetworkBinding { return &networking.NetworkBinding{} },
		validate: validation.ValidateNetworkBinding,
		apply:    applyBinding,
	}
}

// newRealizationREST serves networks/realization, for the network controller.
func newRealizationREST(store *genericregistry.Store) *DecisionREST[*networking.NetworkRealization] {
	return &DecisionREST[*networking.NetworkRealization]{
		store: store, kind: "NetworkRealization", noun: "realization",
		new:      func() *networking.NetworkRealization { return &networking.NetworkRealization{} },
		validate: validation.ValidateNetworkRealization,
		apply:    applyRealization,
	}
}

// newMembershipREST serves networks/membership, for the membership controller.
func newMembershipREST(store *genericregistry.Store) *DecisionREST[*networking.NetworkMembership] {
	return &DecisionREST[*networking.NetworkMembership]{
		store: store, kind: "NetworkMembership", noun: "membership",
		new: func() *networking.NetworkMembership { return &networking.NetworkMembership{} },
		validate: func(membership *networking.NetworkMembership, _ *networking.Network) field.ErrorList {
			return validation.ValidateNetworkMembership(membership)
		},
		apply: applyMembership,
	}
}

var _ rest.NamedCreater = &DecisionREST[*networking.NetworkBinding]{}
var _ rest.SubresourceObjectMetaPreserver = &DecisionREST[*networking.NetworkBinding]{}

// New returns an empty decision.
func (r *DecisionREST[D]) New() runtime.Object { return r.new() }

// Destroy does nothing: the store belongs to the main resource.
func (*DecisionREST[D]) Destroy() {}

// PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate keeps the UID of the request: it is a precondition.
func (*DecisionREST[D]) PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate() bool { return true }

// Create applies a decision to the Network that it names, if the Network still is as its preconditions say.
func (r *DecisionREST[D]) Create(ctx context.Context, name string, obj runtime.Object,
	createValidation rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	decision, ok := obj.(D)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("got a %T where a %s was expected", obj, r.kind))
	}
	if decision.GetName() != "" && decision.GetName() != name {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("metadata.name %q of the %s does not match the Network %q of the request",
			decision.GetName(), r.noun, name))
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
	network := &networking.Network{}
	err = r.store.Storage.GuaranteedUpdate(ctx, key, network, false, preconditions,
		storage.SimpleUpdate(func(existing runtime.Object) (runtime.Object, error) {
			stored := existing.(*networking.Network)
			if errs := r.validate(decision, stored); len(errs) > 0 {
				return nil, apierrors.NewInvalid(networking.Kind(r.kind), name, errs)
			}
			r.apply(stored, decision, metav1.Now())
			return stored, nil
		}), dryrun.IsDryRun(options.DryRun), nil)
	if err != nil {
		return nil, storeerr.InterpretUpdateError(err, networking.Resource("networks"), name)
	}
	decision.SetNamespace(network.Namespace)
	decision.SetName(network.Name)
	decision.SetResourceVersion(network.ResourceVersion)
	return decision, nil
}
