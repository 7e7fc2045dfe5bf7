// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
)

// BindingREST serves networks/binding. A binding is not stored: it is applied to its Network in one atomic write, the way
// pods/binding is, without a field manager and without a new generation.
type BindingREST struct {
	store *genericregistry.Store
}

var _ rest.NamedCreater = &BindingREST{}
var _ rest.SubresourceObjectMetaPreserver = &BindingREST{}

// New returns an empty NetworkBinding.
func (*BindingREST) New() runtime.Object { return &networking.NetworkBinding{} }

// Destroy does nothing: the store belongs to REST.
func (*BindingREST) Destroy() {}

// PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate keeps the UID of the request: it is a precondition.
func (*BindingREST) PreserveRequestObjectMetaSystemFieldsOnSubresourceCreate() bool { return true }

// Create applies a binding to the Network that it names, if the Network still is as its preconditions say.
func (r *BindingREST) Create(ctx context.Context, name string, obj runtime.Object,
	createValidation rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	binding, ok := obj.(*networking.NetworkBinding)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("got a %T where a NetworkBinding was expected", obj))
	}
	if binding.Name != "" && binding.Name != name {
		return nil, apierrors.NewBadRequest(
			fmt.Sprintf("metadata.name %q of the binding does not match the Network %q of the request", binding.Name, name))
	}
	if createValidation != nil {
		if err := createValidation(ctx, binding.DeepCopy()); err != nil {
			return nil, err
		}
	}
	key, err := r.store.KeyFunc(ctx, name)
	if err != nil {
		return nil, err
	}
	preconditions := &storage.Preconditions{}
	if binding.UID != "" {
		preconditions.UID = &binding.UID
	}
	if binding.ResourceVersion != "" {
		preconditions.ResourceVersion = &binding.ResourceVersion
	}
	network := &networking.Network{}
	err = r.store.Storage.GuaranteedUpdate(ctx, key, network, false, preconditions,
		storage.SimpleUpdate(func(existing runtime.Object) (runtime.Object, error) {
			stored := existing.(*networking.Network)
			if errs := validation.ValidateNetworkBinding(binding, stored); len(errs) > 0 {
				return nil, apierrors.NewInvalid(networking.Kind("NetworkBinding"), name, errs)
			}
			applyBinding(stored, binding, metav1.Now())
			return stored, nil
		}), dryrun.IsDryRun(options.DryRun), nil)
	if err != nil {
		return nil, storeerr.InterpretUpdateError(err, networking.Resource("networks"), name)
	}
	binding.Namespace, binding.Name = network.Namespace, network.Name
	binding.ResourceVersion = network.ResourceVersion
	return binding, nil
}
