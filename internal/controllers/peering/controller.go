// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package peering keeps the bindings of Networks: which peerings are Bound, and the claims that go with them. Two
// controllers find the Networks to decide on, the NetworkPeeringController here and the NetworkReleaseController in
// release.go. Both decide by the rule in internal/rules and write through one Writer.
package peering

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/rules"
)

// Name of the controller in flags, logs and metrics.
const Name = "peering"

// batchPeriod is how long the events of a burst are collected before a Network is decided on.
const batchPeriod = 50 * time.Millisecond

// Controller is the NetworkPeeringController: it queues a Network whose binding may have changed, because it changed or
// one of those that it names did. Use New.
type Controller struct {
	informer cache.SharedIndexInformer
	writer   *Writer
	loop     *queue.Loop[types.NamespacedName]
	notices  *notices
}

// New returns a controller that is fed by the informer and writes through the writer.
func New(informer cache.SharedIndexInformer, writer *Writer) *Controller {
	c := &Controller{informer: informer, writer: writer, notices: newNotices(informer, writer.recorder)}
	c.loop = queue.New(Name, c.reconcile)
	return c
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *Controller) Healthy() error { return errors.Join(c.loop.Healthy(), c.notices.loop.Healthy()) }

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	go wait.UntilWithContext(ctx, func(context.Context) { c.writer.flapping.GC() }, time.Minute)
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return c.notices.run(ctx) })
	running.Go(func() error { return c.loop.Run(ctx, workers, queue.FollowFromStart(c.informer, c.changed)) })
	return running.Wait()
}

// changed queues a Network and, where the change concerns them, the Networks that name it. At the start, the cache is full and
// each Network is queued for itself.
func (c *Controller) changed(old, network *v1alpha1.Network, atStart bool) {
	if atStart {
		c.loop.Add(rules.NameOf(network), 0)
		return
	}
	current := network
	if network == nil {
		current = old
	}
	if old != nil && (network == nil || network.UID != old.UID) {
		c.writer.Forget(old.UID)
	}
	if old != nil && network != nil {
		c.writer.recordEvents(network, endedBySpec(old, network))
	}
	name := rules.NameOf(current)
	if network != nil {
		c.loop.Add(name, batchPeriod)
	}
	if !concernsPeers(old, network) {
		return
	}
	for _, peer := range index.Related(c.informer, name) {
		c.loop.Add(rules.NameOf(peer), batchPeriod)
	}
}

func (c *Controller) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	network := c.writer.Lookup(name)
	if network == nil {
		return 0, nil
	}
	return c.writer.Bind(ctx, network)
}
