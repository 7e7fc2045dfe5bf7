// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package release is the NetworkReleaseController: it drops the claims of Networks that are gone, made again, or name the
// holder no more. It follows events a moment behind the peering controller, which usually has done so by then, and holds
// every claim against what exists at its start and from time to time, because no event tells what happened while no
// controller ran.
package release

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/binder"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/workloop"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "release"

const (
	// eventDelay leaves the first word to the peering controller.
	eventDelay = time.Second
	// resyncPeriod is how often every claim is held against what exists.
	resyncPeriod = 10 * time.Minute
)

// Controller queues Networks that may hold a stale claim. Use New.
type Controller struct {
	informer cache.SharedIndexInformer
	networks listers.NetworkLister
	binder   *binder.Binder
	loop     *workloop.Loop[types.NamespacedName]
}

// New returns a controller that is fed by the informer and writes through the binder.
func New(informer cache.SharedIndexInformer, binder *binder.Binder) *Controller {
	c := &Controller{
		informer: informer,
		networks: listers.NewNetworkLister(informer.GetIndexer()),
		binder:   binder,
	}
	c.loop = workloop.New(Name, c.reconcile)
	return c
}

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	registration, err := c.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(old, obj any) {
			if claimMayEnd(old.(*v1alpha1.Network), obj.(*v1alpha1.Network)) {
				c.queueHolders(ctx, old.(*v1alpha1.Network))
			}
		},
		DeleteFunc: func(obj any) { c.queueHolders(ctx, workloop.Deleted[*v1alpha1.Network](obj)) },
	})
	if err != nil {
		return err
	}
	defer c.informer.RemoveEventHandler(registration)
	go wait.UntilWithContext(ctx, c.queueAllHolders, resyncPeriod)
	c.loop.Run(ctx, workers)
	return nil
}

// queueHolders queues the Networks that hold a claim of the given one.
func (c *Controller) queueHolders(ctx context.Context, claimant *v1alpha1.Network) {
	holders, err := index.ClaimedBy(c.informer.GetIndexer(), claimant.UID)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Finding the holders of a claim failed", "network", klog.KObj(claimant))
		return
	}
	for _, holder := range holders {
		c.loop.Add(holder, eventDelay)
	}
}

// queueAllHolders queues the Networks with a stale claim among all that exist.
func (c *Controller) queueAllHolders(ctx context.Context) {
	networks, err := c.networks.List(labels.Everything())
	if err != nil {
		klog.FromContext(ctx).Error(err, "Listing the Networks failed")
		return
	}
	for _, network := range networks {
		if hasStaleClaim(network, c.binder.Lookup) {
			c.loop.Add(types.NamespacedName{Namespace: network.Namespace, Name: network.Name}, eventDelay)
		}
	}
}

func (c *Controller) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	network := c.binder.Lookup(name)
	if network == nil || !hasStaleClaim(network, c.binder.Lookup) {
		return 0, nil
	}
	return c.binder.Bind(ctx, network)
}
