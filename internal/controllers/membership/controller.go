// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package membership counts the NetworkInterfaces of each Network, at most once a second. It says what the deletion of a
// Network waits for, and ends the deletion once the last NetworkInterface, LoadBalancer and NATGateway is gone.
package membership

import (
	"cmp"
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "membership"

const (
	// batchPeriod is how long the events of a burst are collected before its Network is looked at.
	batchPeriod = 100 * time.Millisecond
	// writePeriod is how often the count of a Network is written at most.
	writePeriod = time.Second
)

// Informers are what the controller is fed by.
type Informers struct{ Networks, Interfaces, Balancers, Gateways cache.SharedIndexInformer }

// Controller keeps the membership of Networks. Use New.
type Controller struct {
	Informers
	lister   listers.NetworkLister
	client   clientset.NetworkingV1alpha1Interface
	recorder record.EventRecorder
	loop     *queue.Loop[types.NamespacedName]

	mu      sync.Mutex
	written map[types.NamespacedName]time.Time
}

// New returns a controller that is fed by the informers and writes through the client.
func New(informers Informers, client clientset.NetworkingV1alpha1Interface, recorder record.EventRecorder) *Controller {
	c := &Controller{
		Informers: informers,
		lister:    listers.NewNetworkLister(informers.Networks.GetIndexer()),
		client:    client,
		recorder:  recorder,
		written:   make(map[types.NamespacedName]time.Time),
	}
	c.loop = queue.New(Name, c.reconcile)
	return c
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *Controller) Healthy() error { return c.loop.Healthy() }

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	return c.loop.Run(ctx, workers,
		queue.Follow(c.Networks, c.changed),
		followMembers[v1alpha1.NetworkInterface](c, c.Interfaces),
		followMembers[v1alpha1.LoadBalancer](c, c.Balancers),
		followMembers[v1alpha1.NATGateway](c, c.Gateways),
	)
}

// changed queues a Network, and tells its owner when a deletion has to wait.
func (c *Controller) changed(before, after *v1alpha1.Network) {
	c.queue(rules.NameOf(cmp.Or(after, before)))
	if after == nil {
		return
	}
	if wait := blocked(before, after); wait != nil {
		c.recorder.Event(after, corev1.EventTypeWarning, wait.Type, wait.Message)
	}
}

// followMembers queues the Network of each member of a kind that comes, goes, or was created again in another Network.
func followMembers[T any](c *Controller, members cache.SharedIndexInformer) queue.Source {
	return queue.Follow(members, func(before, after *T) {
		if before != nil && after != nil && index.NetworkOf(before) == index.NetworkOf(after) {
			return
		}
		for _, version := range []*T{before, after} {
			if version != nil {
				c.queue(index.NetworkOf(version))
			}
		}
	})
}

func (c *Controller) queue(network types.NamespacedName) { c.loop.Add(network, batchPeriod) }

func (c *Controller) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	network, err := c.lister.Networks(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.written, name)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	members, err := c.members(name)
	if err != nil {
		return 0, err
	}
	if deletionMayEnd(network, members) {
		if wait := waitForDeletingRequest(network, time.Now()); wait > 0 {
			return wait, nil
		}
		// The server can't look if an object can't be read. Nothing tells when that has changed, so it is asked again.
		return index.UnreadablePeriod, c.askToEnd(ctx, network)
	}
	counted := count(network, members)
	if counted == nil {
		return 0, nil
	}
	if wait := c.waitBeforeWrite(name, time.Now()); wait > 0 {
		return wait, nil
	}
	_, err = c.client.Networks(name.Namespace).CountMembers(ctx, name.Name, counted, metav1.CreateOptions{})
	return 0, err
}

// members are what is in a Network, as far as the caches know.
func (c *Controller) members(network types.NamespacedName) (members rules.Members, err error) {
	if members.NetworkInterfaces, err = index.MembersOf(c.Interfaces.GetIndexer(), network); err != nil {
		return members, err
	}
	if members.LoadBalancers, err = index.MembersOf(c.Balancers.GetIndexer(), network); err != nil {
		return members, err
	}
	members.NATGateways, err = index.MembersOf(c.Gateways.GetIndexer(), network)
	return members, err
}

// waitBeforeWrite returns how long to wait until the count of a Network may be written again; if no longer, the write is due now.
func (c *Controller) waitBeforeWrite(name types.NamespacedName, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if wait := writePeriod - now.Sub(c.written[name]); wait > 0 {
		return wait
	}
	c.written[name] = now
	return 0
}

// askToEnd lets the deletion of a Network end. The server looks whether really no member is left: the cache may not have
// seen one that the deletion waits for.
func (c *Controller) askToEnd(ctx context.Context, network *v1alpha1.Network) error {
	_, err := c.client.Networks(network.Namespace).CountMembers(ctx, network.Name, emptyMembership(network), metav1.CreateOptions{})
	if err == nil {
		klog.FromContext(ctx).V(2).Info("Asked whether the last member is gone", "network", klog.KObj(network))
	}
	return err
}
