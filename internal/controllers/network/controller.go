// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package network is the NetworkController: it has the provider realize each Network, writes spec.providerID and the
// provider's part of the status, and has the provider release what realized a Network that is gone.
package network

import (
	"context"
	"fmt"
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
	"ironcore.dev/networking/internal/controllers/workloop"
	"ironcore.dev/networking/internal/provider"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "network"

// key is a Network, not only its name: one that was made again under its name is realized and released apart.
type key struct {
	types.NamespacedName
	UID types.UID
}

// Controller drives a provider. Use New.
type Controller struct {
	informer cache.SharedIndexInformer
	networks listers.NetworkLister
	client   clientset.NetworksGetter
	recorder record.EventRecorder
	provider provider.Provider
	loop     *workloop.Loop[key]
}

// New returns a controller that is fed by the informer and writes through the client.
func New(informer cache.SharedIndexInformer, client clientset.NetworksGetter, recorder record.EventRecorder,
	provider provider.Provider) *Controller {
	c := &Controller{
		informer: informer,
		networks: listers.NewNetworkLister(informer.GetIndexer()),
		client:   client,
		recorder: recorder,
		provider: provider,
	}
	c.loop = workloop.New(Name, c.reconcile)
	return c
}

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	registration, err := c.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { c.queue(obj.(*v1alpha1.Network)) },
		UpdateFunc: func(old, obj any) {
			before, network := old.(*v1alpha1.Network), obj.(*v1alpha1.Network)
			if before.UID != network.UID {
				c.queue(before)
			}
			if before.ResourceVersion != network.ResourceVersion {
				c.queue(network)
				c.queueUnclaimed(before, network)
			}
		},
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			network := obj.(*v1alpha1.Network)
			c.queue(network)
			c.queueUnclaimed(network, nil)
		},
	})
	if err != nil {
		return err
	}
	defer c.informer.RemoveEventHandler(registration)

	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		ended <- c.provider.Run(ctx, c.networks, c.queueName)
	}()
	c.loop.Run(ctx, workers)
	if err := <-ended; err != nil && ctx.Err() == nil {
		return fmt.Errorf("running the network provider: %w", err)
	}
	return nil
}

func (c *Controller) queue(network *v1alpha1.Network) {
	c.loop.Add(key{types.NamespacedName{Namespace: network.Namespace, Name: network.Name}, network.UID}, 0)
}

// queueName queues the Network that has a name now.
func (c *Controller) queueName(name types.NamespacedName) {
	if network, err := c.networks.Networks(name.Namespace).Get(name.Name); err == nil {
		c.queue(network)
	}
}

// queueUnclaimed queues the Networks whose claims a holder has dropped: their release may have waited for that.
func (c *Controller) queueUnclaimed(before, holder *v1alpha1.Network) {
	for _, claim := range droppedClaims(before, holder) {
		c.loop.Add(key{types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}, claim.UID}, 0)
	}
}

func (c *Controller) reconcile(ctx context.Context, key key) (time.Duration, error) {
	network, err := c.networks.Networks(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && network.UID != key.UID {
		gone := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: key.UID}}
		return 0, c.provider.Release(ctx, gone)
	}
	if err != nil {
		return 0, err
	}
	if network.DeletionTimestamp != nil {
		return 0, c.release(ctx, network)
	}
	return 0, c.realize(ctx, network)
}

// release takes a Network down that waits for it with the provider's finalizer, once nothing is bound to it any more.
func (c *Controller) release(ctx context.Context, network *v1alpha1.Network) error {
	if !holds(network, c.provider.Finalizer()) {
		return nil
	}
	claimed, err := index.ClaimedBy(c.informer.GetIndexer(), network.UID)
	if err != nil || len(claimed) > 0 || len(network.Spec.IncomingPeerings) > 0 {
		return err
	}
	if err := c.provider.Release(ctx, network); err != nil {
		c.recorder.Event(network, corev1.EventTypeWarning, "ReleaseFailed", err.Error())
		return err
	}
	_, err = c.client.Networks(network.Namespace).Update(ctx, withoutFinalizer(network, c.provider.Finalizer()), metav1.UpdateOptions{})
	return err
}

// realize writes at most once: the finalizer and the provider ID, or else the status.
func (c *Controller) realize(ctx context.Context, network *v1alpha1.Network) error {
	if finalizer := c.provider.Finalizer(); finalizer != "" && !holds(network, finalizer) {
		_, err := c.client.Networks(network.Namespace).Update(ctx, withFinalizer(network, finalizer), metav1.UpdateOptions{})
		return err
	}
	realization, realizeErr := c.provider.Realize(ctx, network)
	if realizeErr != nil && realization.Reason != "" {
		c.recorder.Event(network, corev1.EventTypeWarning, realization.Reason, realization.Message)
	}
	update, status := decide(network, realization)
	var err error
	switch {
	case update != nil:
		_, err = c.client.Networks(network.Namespace).Update(ctx, update, metav1.UpdateOptions{})
	case status != nil:
		_, err = c.client.Networks(network.Namespace).UpdateStatus(ctx, status, metav1.UpdateOptions{})
		if err == nil && network.Status.State != status.Status.State {
			c.announce(status)
		}
	}
	if realizeErr != nil {
		return fmt.Errorf("realizing %s: %w", klog.KObj(network), realizeErr)
	}
	return err
}

// announce tells of a new state by an Event.
func (c *Controller) announce(network *v1alpha1.Network) {
	switch network.Status.State {
	case v1alpha1.NetworkStateAvailable:
		c.recorder.Eventf(network, corev1.EventTypeNormal, "Available", "Realized as %s", network.Spec.ProviderID)
	case v1alpha1.NetworkStateError:
		c.recorder.Event(network, corev1.EventTypeWarning, "Error", "The network provider cannot realize the Network")
	}
}
