// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/storage"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry/kind"
)

// networkField is the selectable field that leads from a Network to its interfaces.
const networkField = "spec.networkRef.name"

// Storage serves the resource networkinterfaces and its status.
type Storage struct {
	Interface *kind.REST
	Status    *kind.StatusREST
	// uncached reads past the watch cache.
	uncached storage.Interface
}

// NewStorage returns the storage of NetworkInterfaces. It reads their Networks through the getter.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, networks Networks) (Storage, error) {
	definition := kind.Definition[*networking.NetworkInterface]{
		Plural: "networkinterfaces", Singular: "networkinterface", ShortName: "nic",
		New:            func() runtime.Object { return &networking.NetworkInterface{} },
		NewList:        func() runtime.Object { return &networking.NetworkInterfaceList{} },
		Strategy:       newStrategy(scheme),
		StatusStrategy: statusStrategy{newStrategy(scheme)},
		Fields:         selectable,
		Table:          table,
	}
	main, status, err := kind.NewStorage(definition, optsGetter)
	if err != nil {
		return Storage{}, err
	}
	main.BeginCreate = func(ctx context.Context, obj runtime.Object, _ *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
		return func(context.Context, bool) {}, join(ctx, obj.(*networking.NetworkInterface), networks)
	}

	options, err := optsGetter.GetRESTOptions(networking.Resource(definition.Plural), main.New())
	if err != nil {
		return Storage{}, err
	}
	uncached, destroy, err := generic.NewRawStorage(options.StorageConfig, definition.New, definition.NewList, "/"+options.ResourcePrefix)
	if err != nil {
		return Storage{}, fmt.Errorf("setting up the storage of %s: %w", definition.Plural, err)
	}
	destroyCached := main.DestroyFunc
	main.DestroyFunc = func() {
		destroyCached()
		destroy()
	}
	return Storage{Interface: main, Status: status, uncached: uncached}, nil
}

// OfNetwork returns the names of the NetworkInterfaces of a Network. It misses none that was created before it was
// called.
func (s Storage) OfNetwork(ctx context.Context, namespace, network string) ([]string, error) {
	ctx = genericrequest.WithNamespace(ctx, namespace)
	// Most often a glance at etcd tells that there are none in the namespace. Else it tells how new the watch cache has
	// to be to know of all.
	glance := storage.ListOptions{Recursive: true, Predicate: storage.SelectionPredicate{
		Label: labels.Everything(), Field: fields.Everything(), GetAttrs: storage.DefaultNamespaceScopedAttr, Limit: 1,
	}}
	seen := &networking.NetworkInterfaceList{}
	if err := s.uncached.GetList(ctx, s.Interface.KeyRootFunc(ctx), glance, seen); err != nil || len(seen.Items) == 0 {
		return nil, err
	}
	// Without being asked for, word of that reaches the cache up to a tenth of a second later.
	if err := s.Interface.Storage.Storage.RequestWatchProgress(ctx); err != nil {
		return nil, err
	}
	selector := fields.OneTermEqualSelector(networkField, network)
	list, err := s.Interface.ListPredicate(ctx, selectable.Predicate(labels.Everything(), selector), &internalversion.ListOptions{
		ResourceVersion: seen.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range list.(*networking.NetworkInterfaceList).Items {
		names = append(names, list.(*networking.NetworkInterfaceList).Items[i].Name)
	}
	return names, nil
}

// Networks reads a Network as it is now.
type Networks func(ctx context.Context, name string) (*networking.Network, error)

// join refuses a new NetworkInterface on a Network that is being deleted, and starts its status: Pending, with the
// reason if there is no such Network yet.
func join(ctx context.Context, nic *networking.NetworkInterface, networks Networks) error {
	network, err := networks(ctx, nic.Spec.NetworkRef.Name)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsBadRequest(err): // There can't be one of a malformed name either.
		start(nic, networkNotFound(nic), metav1.Now())
		return nil
	case err != nil:
		return err
	case network.DeletionTimestamp != nil:
		return apierrors.NewForbidden(networking.Resource("networkinterfaces"), nic.Name,
			fmt.Errorf("spec.networkRef names Network %s, which is being deleted: wait for its end, or name another", network.Name))
	}
	start(nic, nil, metav1.Now())
	return nil
}

var selectable = kind.Fields[*networking.NetworkInterface]{
	networkField: func(nic *networking.NetworkInterface) string { return nic.Spec.NetworkRef.Name },
	"spec.machineRef.name": func(nic *networking.NetworkInterface) string {
		if nic.Spec.MachineRef == nil {
			return ""
		}
		return nic.Spec.MachineRef.Name
	},
	"status.state": func(nic *networking.NetworkInterface) string { return string(nic.Status.State) },
}
