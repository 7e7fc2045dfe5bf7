// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package network is the NetworkController: it has the provider realize each Network, writes spec.providerID and the
// provider's part of the status, and has the provider release what realized a Network that is gone.
package network

import (
	"context"
	"fmt"
	"sync"
	"time"

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

	// strays are what the provider found and the cache did not hold.
	strays sync.Map
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
			network := workloop.Deleted[*v1alpha1.Network](obj)
			c.queue(network)
			c.queueUnclaimed(network, nil)
		},
	})
	if err != nil {
		return err
	}
	defer c.informer.RemoveEventHandler(registration)

	ended := make(chan error, 1)
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		ended <- c.provider.Run(running, c.found)
	}()
	c.loop.Run(running, workers)
	if err := <-ended; err != nil && ctx.Err() == nil {
		return fmt.Errorf("running the network provider: %w", err)
	}
	return nil
}

func (c *Controller) queue(network *v1alpha1.Network) {
	c.loop.Add(key{types.NamespacedName{Namespace: network.Namespace, Name: network.Name}, network.UID}, 0)
}

// found queues a Network of which the provider has something.
func (c *Controller) found(name types.NamespacedName, uid types.UID) {
	key := key{name, uid}
	if network, err := c.networks.Networks(name.Namespace).Get(name.Name); err != nil || network.UID != uid {
		c.strays.Store(key, nil)
	}
	c.loop.Add(key, 0)
}

// queueUnclaimed queues the Networks whose claims a holder has dropped: their release may have waited for that.
func (c *Controller) queueUnclaimed(before, holder *v1alpha1.Network) {
	for _, claim := range droppedClaims(before, holder) {
		c.loop.Add(key{types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}, claim.UID}, 0)
	}
}

func (c *Controller) reconcile(ctx context.Context, key key) (time.Duration, error) {
	network, err := c.networks.Networks(key.Namespace).Get(key.Name)
	switch {
	case apierrors.IsNotFound(err) || err == nil && network.UID != key.UID:
		return 0, c.releaseGone(ctx, key)
	case err != nil:
		return 0, err
	}
	c.strays.Delete(key)
	switch {
	case network.DeletionTimestamp != nil:
		return 0, c.release(ctx, network)
	case managedElsewhere(network, c.provider.Finalizer()):
		return 0, nil
	default:
		return 0, c.realize(ctx, network)
	}
}

// releaseGone releases what is left of a Network that does not exist. A stray may be a Network that an earlier leader
// has seen and the cache has not yet: the server is asked before anything is taken down.
func (c *Controller) releaseGone(ctx context.Context, key key) error {
	if _, stray := c.strays.Load(key); stray {
		network, err := c.client.Networks(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
		switch {
		case err == nil && network.UID == key.UID:
			return nil // Its event comes.
		case err != nil && !apierrors.IsNotFound(err):
			return err
		}
	}
	gone := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: key.UID}}
	if _, err := c.provider.Release(ctx, gone); err != nil {
		errorsMetric.WithLabelValues(reasonReleaseFailed).Inc()
		return fmt.Errorf("releasing %s, which is gone: %w", key.NamespacedName, err)
	}
	c.strays.Delete(key)
	return nil
}

// release takes a Network down that waits for it with the provider's finalizer, once nothing is bound to it any more and
// it has no members.
func (c *Controller) release(ctx context.Context, network *v1alpha1.Network) error {
	if !holds(network, c.provider.Finalizer()) || holds(network, v1alpha1.NetworkInterfacesFinalizer) {
		return nil
	}
	claimed, err := index.ClaimedBy(c.informer.GetIndexer(), network.UID)
	if err != nil || len(claimed) > 0 || len(network.Spec.IncomingPeerings) > 0 {
		return err
	}
	gone, err := c.provider.Release(ctx, network)
	switch {
	case err != nil:
		errorsMetric.WithLabelValues(reasonReleaseFailed).Inc()
		failed := provider.Realization{State: network.Status.State, Reason: reasonReleaseFailed, Message: err.Error()}
		if reportErr := c.report(ctx, network, failed); reportErr != nil {
			klog.FromContext(ctx).Error(reportErr, "Reporting a failed release failed", "network", klog.KObj(network))
		}
		return fmt.Errorf("releasing %s: %w", klog.KObj(network), err)
	case !gone:
		return nil
	}
	return c.update(ctx, withoutFinalizer(network, c.provider.Finalizer()))
}

// realize writes at most once: the finalizer, or else what the provider reports.
func (c *Controller) realize(ctx context.Context, network *v1alpha1.Network) error {
	if finalizer := c.provider.Finalizer(); finalizer != "" && !holds(network, finalizer) {
		return c.update(ctx, withFinalizer(network, finalizer))
	}
	realization, realizeErr := c.provider.Realize(ctx, network, c.peers(network))
	reportErr := c.report(ctx, network, realization)
	if realizeErr == nil {
		return reportErr
	}
	reason := realization.Reason
	if reason == "" {
		reason = reasonRealizeFailed
	}
	errorsMetric.WithLabelValues(reason).Inc()
	return fmt.Errorf("realizing %s: %w", klog.KObj(network), realizeErr)
}

// peers returns the Networks at the other end of the Bound peerings.
func (c *Controller) peers(network *v1alpha1.Network) map[string]*v1alpha1.Network {
	return boundPeers(network, func(name types.NamespacedName) *v1alpha1.Network {
		peer, err := c.networks.Networks(name.Namespace).Get(name.Name)
		if err != nil {
			return nil
		}
		return peer
	})
}

// report makes the one write that brings the Network in line with what realizes it, if any is due.
func (c *Controller) report(ctx context.Context, network *v1alpha1.Network, realization provider.Realization) error {
	realized := decide(network, realization)
	if realized == nil {
		return nil
	}
	write := &v1alpha1.NetworkRealization{
		ObjectMeta: metav1.ObjectMeta{UID: network.UID, ResourceVersion: network.ResourceVersion},
		ProviderID: realized.Spec.ProviderID,
		Status:     realized.Status,
	}
	if _, err := c.client.Networks(network.Namespace).Realize(ctx, network.Name, write, metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, event := range events(network, realized) {
		c.recorder.Event(network, event.kind, event.reason, event.message)
	}
	return nil
}

func (c *Controller) update(ctx context.Context, network *v1alpha1.Network) error {
	_, err := c.client.Networks(network.Namespace).Update(ctx, network, metav1.UpdateOptions{})
	return err
}
