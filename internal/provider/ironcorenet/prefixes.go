// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

var prefixResource = schema.GroupVersionResource{Group: "ipam.ironcore.dev", Version: "v1alpha1", Resource: "prefixes"}

// prefixPhaseAllocated is the status.phase of a Prefix that has its range.
const prefixPhaseAllocated = "Allocated"

// prefixes resolves references to Prefixes of the host cluster. It reads none before the first reference: most clusters
// have no such API.
type prefixes struct {
	watched *watched // nil without a host cluster
	found   provider.Found

	wanted    chan struct{} // closed by the first reference
	firstWant sync.Once

	mu sync.Mutex
	// users are the Networks that refer to a Prefix, until it changes.
	users map[types.NamespacedName]map[types.NamespacedName]types.UID
}

// newPrefixes returns a resolver that reads through the client, which is nil without a host cluster.
func newPrefixes(host dynamic.Interface) *prefixes {
	p := &prefixes{
		wanted: make(chan struct{}),
		users:  make(map[types.NamespacedName]map[types.NamespacedName]types.UID),
	}
	if host != nil {
		p.watched = newWatched(host.Resource(prefixResource), "", cache.Indexers{})
	}
	return p
}

// run keeps the Prefixes in view from the first reference until the context ends, and calls found for the Networks
// whose references may mean something else now.
func (p *prefixes) run(ctx context.Context, found provider.Found) error {
	if p.watched == nil {
		return nil
	}
	p.watched.answered = func() { p.changed(nil, found) }
	changed := func(obj any) {
		if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		prefix := obj.(*unstructured.Unstructured)
		p.changed(&types.NamespacedName{Namespace: prefix.GetNamespace(), Name: prefix.GetName()}, found)
	}
	if err := p.watched.informer.SetTransform(withoutManagedFields); err != nil {
		return err
	}
	if _, err := p.watched.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    changed,
		UpdateFunc: func(_, obj any) { changed(obj) },
		DeleteFunc: changed,
	}); err != nil {
		return err
	}
	select {
	case <-p.wanted:
		p.watched.run(ctx)
	case <-ctx.Done():
	}
	return nil
}

// changed calls found for the users of a Prefix, or of all for nil.
func (p *prefixes) changed(prefix *types.NamespacedName, found provider.Found) {
	p.mu.Lock()
	told := make(map[types.NamespacedName]types.UID)
	for name, users := range p.users {
		if prefix == nil || *prefix == name {
			for user, uid := range users {
				told[user] = uid
			}
			delete(p.users, name)
		}
	}
	p.mu.Unlock()
	for user, uid := range told {
		found(user, uid)
	}
}

// resolverFor returns what resolves the references of a Network.
func (p *prefixes) resolverFor(ctx context.Context, network *v1alpha1.Network) resolver {
	return func(name string) (prefix, why string) {
		if p.watched == nil {
			return "", "there is no host cluster with Prefixes to refer to."
		}
		key := types.NamespacedName{Namespace: network.Namespace, Name: name}
		p.use(key, network)
		p.firstWant.Do(func() { close(p.wanted) })
		if err := p.watched.await(ctx); apierrors.IsNotFound(err) {
			return "", "the host cluster does not serve Prefixes (" + prefixResource.GroupVersion().String() + ")."
		} else if err != nil {
			return "", fmt.Sprintf("the Prefixes of the host cluster can't be read: %s.", briefly(err))
		}
		obj, ok, err := p.watched.informer.GetIndexer().GetByKey(key.String())
		if err != nil || !ok {
			return "", fmt.Sprintf("there is no Prefix %s: create it.", name)
		}
		object := obj.(*unstructured.Unstructured).Object
		spec, _ := object["spec"].(map[string]any)
		status, _ := object["status"].(map[string]any)
		if prefix = text(spec["prefix"]); text(status["phase"]) != prefixPhaseAllocated || prefix == "" {
			return "", fmt.Sprintf("Prefix %s has no range yet.", name)
		}
		return prefix, ""
	}
}

// use has the Network found when the Prefix changes. It comes before the Prefix is read, so that no change is missed.
func (p *prefixes) use(prefix types.NamespacedName, network *v1alpha1.Network) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users[prefix] == nil {
		p.users[prefix] = make(map[types.NamespacedName]types.UID)
	}
	p.users[prefix][types.NamespacedName{Namespace: network.Namespace, Name: network.Name}] = network.UID
}

// forget ends what use began, for all references of a Network.
func (p *prefixes) forget(network *v1alpha1.Network) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range network.Spec.Peerings {
		for j := range network.Spec.Peerings[i].Prefixes {
			if ref := network.Spec.Peerings[i].Prefixes[j].PrefixRef; ref != nil {
				key := types.NamespacedName{Namespace: network.Namespace, Name: ref.Name}
				delete(p.users[key], types.NamespacedName{Namespace: network.Namespace, Name: network.Name})
				if len(p.users[key]) == 0 {
					delete(p.users, key)
				}
			}
		}
	}
}
