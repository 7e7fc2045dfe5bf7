// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package member is shared by the kinds whose objects are in a Network and keep it from being deleted: NetworkInterfaces,
// LoadBalancers and NATGateways.
package member

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

// NetworkField is the field that selects the members of a Network.
const NetworkField = "spec.networkRef.name"

// Storage serves a kind of members and its status.
type Storage struct {
	Main   *REST
	Status *registry.StatusREST
	// uncached reads past the watch cache.
	uncached storage.Interface
	newList  func() runtime.Object
	selected func(labels.Selector, fields.Selector) storage.SelectionPredicate
}

// NewStorage returns the storage of a kind that NetworkField selects. It reads their Networks through networks.
func NewStorage[T registry.Object](scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, kind registry.Definition[T],
	networks Networks) (Storage, error) {
	main, status, err := registry.NewStorage(scheme, kind, optsGetter)
	if err != nil {
		return Storage{}, err
	}
	options, err := optsGetter.GetRESTOptions(networking.Resource(kind.Plural), main.New())
	if err != nil {
		return Storage{}, err
	}
	uncached, destroy, err := generic.NewRawStorage(options.StorageConfig, main.NewFunc, kind.NewList, "/"+options.ResourcePrefix)
	if err != nil {
		return Storage{}, fmt.Errorf("setting up the storage of %s: %w", kind.Plural, err)
	}
	destroyCached := main.DestroyFunc
	main.DestroyFunc = func() {
		destroyCached()
		destroy()
	}
	return Storage{
		Main: &REST{REST: main, plural: kind.Plural, networks: networks, networkOf: func(obj runtime.Object) string {
			return kind.Fields[NetworkField](obj.(T))
		}},
		Status: status, uncached: uncached, newList: kind.NewList, selected: kind.Fields.Predicate,
	}, nil
}

// OfNetwork returns the names of the members of a Network, including all that were created before the call.
func (s Storage) OfNetwork(ctx context.Context, namespace, network string) ([]string, error) {
	ctx = genericrequest.WithNamespace(ctx, namespace)
	// One read of etcd with limit 1 usually shows that the namespace has none. Otherwise it returns the revision that the watch
	// cache must have to know of all.
	first := storage.ListOptions{Recursive: true, Predicate: storage.SelectionPredicate{
		Label: labels.Everything(), Field: fields.Everything(), GetAttrs: storage.DefaultNamespaceScopedAttr, Limit: 1,
	}}
	seen := s.newList()
	if err := s.uncached.GetList(ctx, s.Main.KeyRootFunc(ctx), first, seen); err != nil || meta.LenList(seen) == 0 {
		return nil, err
	}
	list, err := meta.ListAccessor(seen)
	if err != nil {
		return nil, err
	}
	// Without this request, the cache may get that revision 100 ms later.
	if err := s.Main.Storage.Storage.RequestWatchProgress(ctx); err != nil {
		return nil, err
	}
	selector := fields.OneTermEqualSelector(NetworkField, network)
	found, err := s.Main.ListPredicate(ctx, s.selected(labels.Everything(), selector), &internalversion.ListOptions{
		ResourceVersion: list.GetResourceVersion(), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		return nil, err
	}
	var names []string
	err = meta.EachListItem(found, func(obj runtime.Object) error {
		member, err := meta.Accessor(obj)
		if err == nil {
			names = append(names, member.GetName())
		}
		return err
	})
	return names, err
}
