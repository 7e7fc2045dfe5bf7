// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package loadbalancer writes the LoadBalancerRouting of each LoadBalancer with a selector: the addresses that receive its traffic.
package loadbalancer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "load-balancer"

// batchPeriod is how long events are collected, so that a burst of them leads to one write.
const batchPeriod = 100 * time.Millisecond

// Informers are what the controller is fed by.
type Informers struct{ Balancers, Routings, Networks, Interfaces cache.SharedIndexInformer }

// Controller keeps LoadBalancerRoutings. Use New.
type Controller struct {
	Informers
	client     clientset.NetworkingV1alpha1Interface
	unreadable *index.Unreadable
	loop       *queue.Loop[types.NamespacedName]
}

// New returns a controller that is fed by the informers, which leave out unreadable objects, and writes through the client.
func New(informers Informers, client clientset.NetworkingV1alpha1Interface, unreadable *index.Unreadable) *Controller {
	c := &Controller{Informers: informers, client: client, unreadable: unreadable}
	c.loop = queue.New(Name, c.reconcile)
	return c
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *Controller) Healthy() error { return c.loop.Healthy() }

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	return c.loop.Run(ctx, workers,
		queue.FollowEach(c.Balancers, func(balancer *v1alpha1.LoadBalancer) { c.queue(rules.NameOf(balancer)) }),
		queue.FollowEach(c.Routings, func(routing *v1alpha1.LoadBalancerRouting) { c.queue(rules.NameOf(routing)) }),
		queue.FollowEach(c.Networks, func(network *v1alpha1.Network) { c.queueOf(rules.NameOf(network)) }),
		queue.FollowEach(c.Interfaces, func(nic *v1alpha1.NetworkInterface) { c.queueOf(index.NetworkOf(nic)) }),
	)
}

// queueOf queues the LoadBalancers of a Network.
func (c *Controller) queueOf(network types.NamespacedName) {
	for _, balancer := range index.Members[v1alpha1.LoadBalancer](c.Balancers, network) {
		c.queue(rules.NameOf(balancer))
	}
}

func (c *Controller) queue(balancer types.NamespacedName) { c.loop.Add(balancer, batchPeriod) }

func (c *Controller) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	stored := index.Get[v1alpha1.LoadBalancerRouting](c.Routings, name)
	balancer := index.Get[v1alpha1.LoadBalancer](c.Balancers, name)
	client := c.client.LoadBalancerRoutings(name.Namespace)
	if stored != nil && c.unreadable.In(name.Namespace, "loadbalancers", "networkinterfaces", "networks") {
		return index.UnreadablePeriod, nil // Its destinations may be among the unreadable ones.
	}
	if balancer == nil {
		if stored == nil || !isOrphan(stored) {
			return 0, nil
		}
		return 0, c.remove(ctx, stored)
	}
	network := types.NamespacedName{Namespace: name.Namespace, Name: balancer.Spec.NetworkRef.Name}
	interfaces := index.Members[v1alpha1.NetworkInterface](c.Interfaces, network)
	slices.SortFunc(interfaces, func(a, b *v1alpha1.NetworkInterface) int { return strings.Compare(a.Name, b.Name) })
	wanted, err := decide(balancer, index.Get[v1alpha1.Network](c.Networks, network), interfaces, stored)
	switch {
	case err != nil || wanted == nil:
		return 0, err
	case stored == nil:
		_, err = client.Create(ctx, wanted, metav1.CreateOptions{})
	default:
		_, err = client.Update(ctx, wanted, metav1.UpdateOptions{})
	}
	return 0, err
}

// remove deletes the routing of a LoadBalancer that is gone: a standalone server has no garbage collector. It asks the server first,
// because the cache may not have the LoadBalancer yet.
func (c *Controller) remove(ctx context.Context, orphan *v1alpha1.LoadBalancerRouting) error {
	_, err := c.client.LoadBalancers(orphan.Namespace).Get(ctx, orphan.Name, metav1.GetOptions{})
	if err == nil {
		return nil // Its event comes.
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("looking for the LoadBalancer %s: %w", rules.NameOf(orphan), err)
	}
	err = c.client.LoadBalancerRoutings(orphan.Namespace).Delete(ctx, orphan.Name,
		metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &orphan.UID}})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
