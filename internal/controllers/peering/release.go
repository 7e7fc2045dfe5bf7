// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/rules"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// ReleaseName is the name of the release controller in flags, logs and metrics.
const ReleaseName = "release"

const (
	// eventDelay leaves the first word to the peering controller.
	eventDelay = time.Second
	// resyncPeriod is how often every claim is held against what exists.
	resyncPeriod = 10 * time.Minute
)

// ReleaseController is the NetworkReleaseController: it drops claims of Networks that are gone, were created again or no longer
// name the holder. The peering controller usually does so first, so events are handled a second later. At its start and
// every ten minutes it compares every claim with what exists, because no event tells what happened while no controller ran.
// Use NewRelease.
type ReleaseController struct {
	informer cache.SharedIndexInformer
	networks listers.NetworkLister
	writer   *Writer
	loop     *queue.Loop[types.NamespacedName]
}

// NewRelease returns a controller that is fed by the informer and writes through the writer.
func NewRelease(informer cache.SharedIndexInformer, writer *Writer) *ReleaseController {
	c := &ReleaseController{
		informer: informer,
		networks: listers.NewNetworkLister(informer.GetIndexer()),
		writer:   writer,
	}
	c.loop = queue.New(ReleaseName, c.reconcile)
	return c
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *ReleaseController) Healthy() error { return c.loop.Healthy() }

// Run works until the context ends.
func (c *ReleaseController) Run(ctx context.Context, workers int) error {
	go wait.UntilWithContext(ctx, c.queueAllHolders, resyncPeriod)
	return c.loop.Run(ctx, workers, queue.Follow(c.informer, c.changed))
}

// changed queues the holders of a Network's claims where these may end.
func (c *ReleaseController) changed(before, after *v1alpha1.Network) {
	if before == nil {
		return
	}
	if after == nil || before.UID != after.UID {
		c.writer.Forget(before.UID)
	}
	if after == nil || claimMayEnd(before, after) {
		c.queueHolders(before)
	}
}

// queueHolders queues the Networks that hold a claim of the given one.
func (c *ReleaseController) queueHolders(claimant *v1alpha1.Network) {
	for _, holder := range index.ClaimedBy(c.informer, claimant) {
		c.loop.Add(rules.NameOf(holder), eventDelay)
	}
}

// queueAllHolders queues the Networks with a stale claim among all that exist.
func (c *ReleaseController) queueAllHolders(ctx context.Context) {
	c.writer.flapping.GC()
	networks, err := c.networks.List(labels.Everything())
	if err != nil {
		klog.FromContext(ctx).Error(err, "Listing the Networks failed")
		return
	}
	for _, network := range networks {
		if hasStaleClaim(network, c.writer.Lookup) {
			c.loop.Add(rules.NameOf(network), eventDelay)
		}
	}
}

func (c *ReleaseController) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	network := c.writer.Lookup(name)
	if network == nil || !hasStaleClaim(network, c.writer.Lookup) {
		return 0, nil
	}
	return c.writer.Bind(ctx, network)
}
