// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

const (
	// managedByAnnotation on a Network keeps the provider away from it.
	managedByAnnotation = "common.ironcore.dev/managed-by"
	providerFinalizer   = "apinet.ironcore.dev/network"
)

// provider is a network provider outside network-apiserver, which behaves towards the API as ironcore-net's does: it
// writes by JSON merge patches without resourceVersion and knows nothing of phases. Its infrastructure is imaginary.
type provider struct {
	client clientset.NetworksGetter
	lister listers.NetworkLister
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]
}

// runProvider runs a provider until the context ends, and calls ready once it has seen all Networks.
func runProvider(ctx context.Context, config *rest.Config, ready func()) error {
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := externalversions.NewSharedInformerFactory(client, 0)
	networks := factory.Networking().V1alpha1().Networks()
	p := &provider{
		client: client.NetworkingV1alpha1(),
		lister: networks.Lister(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]()),
	}
	enqueue := func(obj any) {
		n := obj.(*v1alpha1.Network)
		p.queue.Add(types.NamespacedName{Namespace: n.Namespace, Name: n.Name})
	}
	if _, err := networks.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, obj any) { enqueue(obj) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	if !cache.WaitForCacheSync(ctx.Done(), networks.Informer().HasSynced) {
		return fmt.Errorf("the provider could not list networks")
	}
	ready()
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for p.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	p.queue.ShutDown()
	workers.Wait()
	return nil
}

func (p *provider) next(ctx context.Context) bool {
	name, shutdown := p.queue.Get()
	if shutdown {
		return false
	}
	defer p.queue.Done(name)
	// A failure may well be one that a test brought about: what counts is that the provider gets there.
	if err := p.reconcile(ctx, name); err != nil {
		p.queue.AddRateLimited(name)
	} else {
		p.queue.Forget(name)
	}
	return true
}

// reconcile writes at most once; the event of that write brings the next step.
func (p *provider) reconcile(ctx context.Context, name types.NamespacedName) error {
	n, err := p.lister.Networks(name.Namespace).Get(name.Name)
	if err != nil || n.Annotations[managedByAnnotation] != "" {
		return nil //nolint:nilerr // It is gone.
	}
	held := slices.Contains(n.Finalizers, providerFinalizer)
	if n.DeletionTimestamp != nil {
		if !held {
			return nil
		}
		rest := slices.DeleteFunc(slices.Clone(n.Finalizers), func(f string) bool { return f == providerFinalizer })
		return p.patch(ctx, n, map[string]any{"metadata": map[string]any{"finalizers": rest}})
	}
	if !held {
		all := append(slices.Clone(n.Finalizers), providerFinalizer)
		return p.patch(ctx, n, map[string]any{"metadata": map[string]any{"finalizers": all}})
	}
	if n.Spec.ProviderID == "" {
		return p.patch(ctx, n, map[string]any{"spec": map[string]any{"providerID": fmt.Sprintf("e2e://%s", n.UID)}})
	}
	peerings := []map[string]any{}
	ready := true
	for i := range n.Spec.Peerings {
		peerings = append(peerings,
			map[string]any{"name": n.Spec.Peerings[i].Name, "state": v1alpha1.NetworkPeeringStateReady})
		ready = ready && i < len(n.Status.Peerings) && n.Status.Peerings[i].State == v1alpha1.NetworkPeeringStateReady
	}
	if ready && n.Status.State == v1alpha1.NetworkStateAvailable {
		return nil
	}
	return p.patch(ctx, n, map[string]any{
		"status": map[string]any{"state": v1alpha1.NetworkStateAvailable, "peerings": peerings},
	}, "status")
}

func (p *provider) patch(ctx context.Context, n *v1alpha1.Network, patch map[string]any, subresource ...string) error {
	body, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = p.client.Networks(n.Namespace).Patch(ctx, n.Name, types.MergePatchType, body,
		metav1.PatchOptions{}, subresource...)
	return err
}

// providerActor is somebody with the provider's role in all namespaces.
func providerActor(t *testing.T) *actor { return newActor(t, providerUser) }
