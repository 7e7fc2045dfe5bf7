// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package prefixes resolves what peerings refer to: Prefixes of the host cluster (ipam.ironcore.dev).
package prefixes

import (
	"context"
	"fmt"
	"maps"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/mirror"
	"ironcore.dev/networking/internal/rules"
)

var resource = schema.GroupVersionResource{Group: "ipam.ironcore.dev", Version: "v1alpha1", Resource: "prefixes"}

// phaseAllocated is the status.phase of a Prefix that has its range.
const phaseAllocated = "Allocated"

// Resolver resolves references to Prefixes of the host cluster. It reads none before the first reference: most clusters
// have no such API. Use New.
type Resolver struct {
	mirror *mirror.Mirror // nil without a host cluster

	wanted    chan struct{} // closed by the first reference
	firstWant sync.Once

	mu sync.Mutex
	// users are the Networks that refer to a Prefix.
	users map[types.NamespacedName]map[types.UID]types.NamespacedName
	// uses are the Prefixes that a Network refers to.
	uses map[types.UID][]types.NamespacedName
}

// New returns a resolver that reads in the host cluster, which is nil where there is none.
func New(host *rest.Config) (*Resolver, error) {
	r := &Resolver{
		wanted: make(chan struct{}),
		users:  make(map[types.NamespacedName]map[types.UID]types.NamespacedName),
		uses:   make(map[types.UID][]types.NamespacedName),
	}
	if host == nil {
		return r, nil
	}
	client, err := dynamic.NewForConfig(host)
	if err != nil {
		return nil, fmt.Errorf("connecting to the host cluster: %w", err)
	}
	r.mirror = mirror.New(resource, client.Resource(resource), "", cache.Indexers{})
	return r, nil
}

// Run watches the Prefixes from the first reference until the context ends, and calls found for the Networks whose references may
// have changed.
func (r *Resolver) Run(ctx context.Context, found provider.Found) error {
	if r.mirror == nil {
		return nil
	}
	r.mirror.Answered = func() { r.changed(nil, found) }
	changed := func(obj any) {
		if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		prefix := obj.(*unstructured.Unstructured)
		r.changed(&types.NamespacedName{Namespace: prefix.GetNamespace(), Name: prefix.GetName()}, found)
	}
	if err := r.mirror.Informer.SetTransform(mirror.WithoutManagedFields); err != nil {
		return err
	}
	if _, err := r.mirror.Informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    changed,
		UpdateFunc: func(_, obj any) { changed(obj) },
		DeleteFunc: changed,
	}); err != nil {
		return err
	}
	select {
	case <-r.wanted:
		r.mirror.Run(ctx)
	case <-ctx.Done():
	}
	return nil
}

// changed calls found for the users of a Prefix, or of all for nil.
func (r *Resolver) changed(prefix *types.NamespacedName, found provider.Found) {
	affected := make(map[types.UID]types.NamespacedName)
	r.mu.Lock()
	if prefix != nil {
		maps.Copy(affected, r.users[*prefix])
	} else {
		for _, users := range r.users {
			maps.Copy(affected, users)
		}
	}
	r.mu.Unlock()
	for uid, name := range affected {
		found(name, uid)
	}
}

// For returns a function that resolves the references of a Network, and forgets its earlier ones. Run calls found for the Network
// when one of them changes.
func (r *Resolver) For(ctx context.Context, network *v1alpha1.Network) Resolve {
	r.Forget(network.UID)
	return func(name string) (prefix, why string) {
		if r.mirror == nil {
			return "", "there is no host cluster with Prefixes to refer to."
		}
		key := types.NamespacedName{Namespace: network.Namespace, Name: name}
		r.use(key, network)
		r.firstWant.Do(func() { close(r.wanted) })
		if err := r.mirror.Await(ctx); apierrors.IsNotFound(err) {
			return "", "the host cluster does not serve Prefixes (" + resource.GroupVersion().String() + ")."
		} else if err != nil {
			return "", fmt.Sprintf("the Prefixes of the host cluster can't be read: %s.", mirror.Briefly(err))
		}
		obj, ok, err := r.mirror.Informer.GetIndexer().GetByKey(key.String())
		if err != nil || !ok {
			return "", fmt.Sprintf("there is no Prefix %s: create it.", name)
		}
		object := obj.(*unstructured.Unstructured).Object
		// A value that is no string counts as empty.
		phase, _, _ := unstructured.NestedString(object, "status", "phase")
		if prefix, _, _ = unstructured.NestedString(object, "spec", "prefix"); phase != phaseAllocated || prefix == "" {
			return "", fmt.Sprintf("Prefix %s has no range yet.", name)
		}
		return prefix, ""
	}
}

// use notes that a Network refers to a Prefix. It is called before the Prefix is read, so that no change is missed.
func (r *Resolver) use(prefix types.NamespacedName, network *v1alpha1.Network) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users[prefix] == nil {
		r.users[prefix] = make(map[types.UID]types.NamespacedName)
	}
	r.users[prefix][network.UID] = rules.NameOf(network)
	r.uses[network.UID] = append(r.uses[network.UID], prefix)
}

// Forget forgets the references of a Network.
func (r *Resolver) Forget(network types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, prefix := range r.uses[network] {
		delete(r.users[prefix], network)
		if len(r.users[prefix]) == 0 {
			delete(r.users, prefix)
		}
	}
	delete(r.uses, network)
}
