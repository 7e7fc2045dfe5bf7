// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package membership counts the NetworkInterfaces of each Network, at a cost that a burst of them does not multiply,
// and lets the deletion of a Network end once the last of them is gone.
package membership

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/workloop"
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

// Controller keeps the membership of Networks. Use New.
type Controller struct {
	networks   cache.SharedIndexInformer
	interfaces cache.SharedIndexInformer
	lister     listers.NetworkLister
	client     clientset.NetworkingV1alpha1Interface
	loop       *workloop.Loop[types.NamespacedName]

	mu      sync.Mutex
	written map[types.NamespacedName]time.Time
}

// New returns a controller that is fed by the informers and writes through the client.
func New(networks, interfaces cache.SharedIndexInformer, client clientset.NetworkingV1alpha1Interface) *Controller {
	c := &Controller{
		networks:   networks,
		interfaces: interfaces,
		lister:     listers.NewNetworkLister(networks.GetIndexer()),
		client:     client,
		written:    make(map[types.NamespacedName]time.Time),
	}
	c.loop = workloop.New(Name, c.reconcile)
	return c
}

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	ofNetworks, err := c.networks.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { c.queue(nameOf(obj.(*v1alpha1.Network))) },
		UpdateFunc: func(_, obj any) { c.queue(nameOf(obj.(*v1alpha1.Network))) },
		DeleteFunc: func(obj any) { c.queue(nameOf(workloop.Deleted[*v1alpha1.Network](obj))) },
	})
	if err != nil {
		return err
	}
	defer c.networks.RemoveEventHandler(ofNetworks)
	ofInterfaces, err := c.interfaces.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { c.queue(index.NetworkOf(obj.(*v1alpha1.NetworkInterface))) },
		UpdateFunc: func(old, obj any) {
			before, after := index.NetworkOf(old.(*v1alpha1.NetworkInterface)), index.NetworkOf(obj.(*v1alpha1.NetworkInterface))
			if before != after { // Deleted and made again in another Network.
				c.queue(before)
				c.queue(after)
			}
		},
		DeleteFunc: func(obj any) { c.queue(index.NetworkOf(workloop.Deleted[*v1alpha1.NetworkInterface](obj))) },
	})
	if err != nil {
		return err
	}
	defer c.interfaces.RemoveEventHandler(ofInterfaces)
	c.loop.Run(ctx, workers)
	return nil
}

func (c *Controller) queue(network types.NamespacedName) { c.loop.Add(network, batchPeriod) }

func nameOf(network *v1alpha1.Network) types.NamespacedName {
	return types.NamespacedName{Namespace: network.Namespace, Name: network.Name}
}

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
	members, err := index.InterfacesOf(c.interfaces.GetIndexer(), name)
	if err != nil {
		return 0, err
	}
	if mayEnd(network, members) {
		return 0, c.end(ctx, network)
	}
	counted := count(network, members)
	if counted == nil {
		return 0, nil
	}
	if wait := c.pause(name, time.Now()); wait > 0 {
		return wait, nil
	}
	_, err = c.client.Networks(name.Namespace).CountMembers(ctx, name.Name, counted, metav1.CreateOptions{})
	return 0, err
}

// pause returns how long to wait until the count of a Network may be written again; if no longer, the write is due now.
func (c *Controller) pause(name types.NamespacedName, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if wait := writePeriod - now.Sub(c.written[name]); wait > 0 {
		return wait
	}
	c.written[name] = now
	return 0
}

// end lets the deletion of a Network end. The server is asked whether really no NetworkInterface is left: the cache may
// not have seen one that the deletion waits for.
func (c *Controller) end(ctx context.Context, network *v1alpha1.Network) error {
	left, err := c.client.NetworkInterfaces(network.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.networkRef.name", network.Name).String(),
	})
	if err != nil {
		return err
	}
	if len(left.Items) > 0 {
		return nil // Their events come.
	}
	_, err = c.client.Networks(network.Namespace).Update(ctx, withoutFinalizer(network), metav1.UpdateOptions{})
	if err == nil {
		klog.FromContext(ctx).V(2).Info("The last NetworkInterface is gone, the deletion goes on", "network", klog.KObj(network))
	}
	return err
}
