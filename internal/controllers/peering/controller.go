// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package peering is the NetworkPeeringController: it keeps the binding of every Network up to date as the Network and
// those that it names change.
package peering

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/binder"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/workloop"
)

// Name of the controller in flags, logs and metrics.
const Name = "peering"

// batchPeriod is how long the events of a burst are collected before a Network is decided on.
const batchPeriod = 50 * time.Millisecond

// Controller queues Networks whose binding may have changed. Use New.
type Controller struct {
	informer cache.SharedIndexInformer
	binder   *binder.Binder
	loop     *workloop.Loop[types.NamespacedName]
}

// New returns a controller that is fed by the informer and writes through the binder.
func New(informer cache.SharedIndexInformer, binder *binder.Binder) *Controller {
	c := &Controller{informer: informer, binder: binder}
	c.loop = workloop.New(Name, c.reconcile)
	return c
}

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	registration, err := c.informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(obj any, _ bool) { c.changed(ctx, nil, obj.(*v1alpha1.Network)) },
		UpdateFunc: func(old, obj any) {
			c.changed(ctx, old.(*v1alpha1.Network), obj.(*v1alpha1.Network))
		},
		DeleteFunc: func(obj any) { c.changed(ctx, workloop.Deleted[*v1alpha1.Network](obj), nil) },
	})
	if err != nil {
		return err
	}
	defer c.informer.RemoveEventHandler(registration)
	c.loop.Run(ctx, workers)
	return nil
}

// changed queues a Network and, where the change concerns them, the Networks that name it.
func (c *Controller) changed(ctx context.Context, old, network *v1alpha1.Network) {
	current := network
	if network == nil {
		current = old
	}
	if old != nil && (network == nil || network.UID != old.UID) {
		c.binder.Forget(old.UID)
	}
	name := types.NamespacedName{Namespace: current.Namespace, Name: current.Name}
	if network != nil {
		c.loop.Add(name, batchPeriod)
	}
	if !concernsPeers(old, network) {
		return
	}
	naming, err := index.Naming(c.informer.GetIndexer(), name)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Finding the Networks that name a Network failed", "network", name)
		return
	}
	for _, peer := range naming {
		c.loop.Add(peer, batchPeriod)
	}
}

func (c *Controller) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	network := c.binder.Lookup(name)
	if network == nil {
		return 0, nil
	}
	return c.binder.Bind(ctx, network)
}
