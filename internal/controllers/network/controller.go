// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package network is the NetworkController. It asks the provider to realize each Network, and writes spec.providerID and the
// provider's part of the status. When a Network is gone, it asks the provider to release what realized it.
package network

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "network"

// burst is how long the changes of NetworkInterfaces are collected before their Networks are looked at.
const burst = 20 * time.Millisecond

// key is a Network, not only its name: one that was created again under its name is realized and released apart. Without a UID it
// is what is left to tell the NetworkPolicies of one that is gone.
type key struct {
	types.NamespacedName
	UID types.UID
}

// Informers are what the controller is fed by.
type Informers struct{ Networks, Interfaces, Policies, Balancers, VirtualIPs cache.SharedIndexInformer }

// client writes what the provider reports.
type client interface {
	clientset.NetworksGetter
	clientset.NetworkPoliciesGetter
}

// Controller drives a provider. Use New.
type Controller struct {
	informers  Informers
	networks   listers.NetworkLister
	client     client
	recorder   record.EventRecorder
	provider   provider.Provider
	unreadable *index.Unreadable
	loop       *queue.Loop[key]

	// orphans are what the provider found and the cache holds no Network of.
	orphans sync.Map
}

// New returns a controller that is fed by the informers, which leave out unreadable objects, and writes through the client.
func New(informers Informers, client client, recorder record.EventRecorder,
	provider provider.Provider, unreadable *index.Unreadable) *Controller {
	c := &Controller{
		informers:  informers,
		networks:   listers.NewNetworkLister(informers.Networks.GetIndexer()),
		client:     client,
		recorder:   recorder,
		provider:   provider,
		unreadable: unreadable,
	}
	c.loop = queue.New(Name, c.reconcile)
	return c
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *Controller) Healthy() error { return c.loop.Healthy() }

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	ended := make(chan error, 1)
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		ended <- c.provider.Run(running, c.found)
	}()
	followErr := c.loop.Run(running, workers,
		queue.Follow(c.informers.Networks, c.networkChanged),
		queue.Follow(c.informers.Interfaces, c.interfaceChanged),
		queue.FollowEach(c.informers.Policies, c.queuePoliced),
		queue.FollowEach(c.informers.Balancers, func(balancer *v1alpha1.LoadBalancer) {
			c.selectableChanged(balancer.Namespace, rules.KindLoadBalancer)
		}),
		queue.FollowEach(c.informers.VirtualIPs, func(vip *v1alpha1.VirtualIP) {
			c.selectableChanged(vip.Namespace, rules.KindVirtualIP)
		}),
	)
	cancel()
	if err := <-ended; err != nil && ctx.Err() == nil {
		return fmt.Errorf("running the network provider: %w", err)
	}
	return followErr
}

func (c *Controller) queue(network *v1alpha1.Network) {
	c.loop.Add(key{rules.NameOf(network), network.UID}, 0)
}

// networkChanged queues a Network and, where the change concerns them, its peers.
func (c *Controller) networkChanged(before, after *v1alpha1.Network) {
	switch {
	case before == nil:
		c.queue(after)
		return
	case after == nil:
		c.queue(before)
		c.loop.Add(key{NamespacedName: rules.NameOf(before)}, burst)
		return
	case before.UID != after.UID:
		c.queue(before)
	case before.ResourceVersion == after.ResourceVersion:
		return
	}
	c.queue(after)
	if exposureMayChange(before, after) || (before.DeletionTimestamp == nil) != (after.DeletionTimestamp == nil) {
		c.queuePeers(after)
	}
	for _, name := range affectedPeers(before, after) {
		if peer, err := c.networks.Networks(name.Namespace).Get(name.Name); err == nil {
			c.queue(peer)
		}
	}
}

// queuePeers queues the Networks that are bound to a Network.
func (c *Controller) queuePeers(network *v1alpha1.Network) {
	for _, peer := range index.ClaimedBy(c.informers.Networks, network) {
		c.loop.Add(key{rules.NameOf(peer), peer.UID}, burst)
	}
}

// interfaceChanged queues the Network of a NetworkInterface and, where the change concerns them, those bound to it.
func (c *Controller) interfaceChanged(before, after *v1alpha1.NetworkInterface) {
	if !concernsNetwork(before, after) {
		return
	}
	for _, nic := range []*v1alpha1.NetworkInterface{before, after} {
		if nic == nil {
			continue
		}
		name := index.NetworkOf(nic)
		if network, err := c.networks.Networks(name.Namespace).Get(name.Name); err == nil {
			c.loop.Add(key{name, network.UID}, burst)
			if concernsPeers(before, after) {
				c.queuePeers(network)
			}
		}
	}
}

// found queues a Network of which the provider has something. Its UID tells which that is: the name in the infrastructure
// may be wrong, or missing.
func (c *Controller) found(name types.NamespacedName, uid types.UID) {
	if network := index.WithUID(c.informers.Networks, uid); network != nil {
		c.queue(network)
		return
	}
	orphan := key{name, uid}
	c.orphans.Store(orphan, nil)
	c.loop.Add(orphan, 0)
}

func (c *Controller) reconcile(ctx context.Context, key key) (time.Duration, error) {
	if key.UID == "" {
		return c.reportAbandoned(ctx, key.NamespacedName)
	}
	network, err := c.networks.Networks(key.Namespace).Get(key.Name)
	switch {
	case apierrors.IsNotFound(err) || err == nil && network.UID != key.UID:
		return 0, c.releaseGone(ctx, key)
	case err != nil:
		return 0, err
	}
	c.orphans.Delete(key)
	switch deleting := network.DeletionTimestamp != nil; {
	case deleting && !holds(network, c.provider.Finalizer()):
		return 0, nil
	case deleting && !slices.ContainsFunc(network.Finalizers, rules.IsProtection):
		return 0, c.release(ctx, network)
	case managedElsewhere(network, c.provider.Finalizer()):
		return 0, nil
	case network.Spec.ProviderID != "" && dependsOnUnreadable(network, c.unreadable):
		return index.UnreadablePeriod, nil // What realizes it stays as it is.
	default:
		return 0, c.realize(ctx, network)
	}
}

// releaseGone releases what is left of a Network that does not exist. The cache may not have it yet, if an earlier leader that
// was paused has seen it, or not any more, if what is stored of it can't be read: before anything is taken down, the server is asked.
func (c *Controller) releaseGone(ctx context.Context, key key) error {
	exists := c.existsByName
	if _, orphan := c.orphans.Load(key); orphan {
		exists = c.exists
	}
	found, err := exists(ctx, key)
	if err != nil {
		return err
	}
	if found {
		c.orphans.Delete(key)
		return nil // Its event comes.
	}
	gone := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: key.UID}}
	if _, err := c.provider.Release(ctx, gone); err != nil {
		errorsMetric.WithLabelValues(reasonReleaseFailed).Inc()
		return fmt.Errorf("releasing %s, which is gone: %w", key.NamespacedName, err)
	}
	c.orphans.Delete(key)
	return nil
}

// exists asks the server whether there is a Network with a UID, whatever its name.
func (c *Controller) exists(ctx context.Context, key key) (bool, error) {
	list, err := c.client.Networks(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.uid", string(key.UID)).String(),
	})
	if err != nil {
		return false, fmt.Errorf("looking for the Network with the UID %s: %w", key.UID, err)
	}
	return slices.ContainsFunc(list.Items, func(network v1alpha1.Network) bool { return network.UID == key.UID }), nil
}

// existsByName asks the server whether a Network whose name is known for sure is still there.
func (c *Controller) existsByName(ctx context.Context, key key) (bool, error) {
	network, err := c.client.Networks(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("looking for the Network %s: %w", key.NamespacedName, err)
	}
	return network.UID == key.UID, nil
}

// release takes a Network down that waits for it with the provider's finalizer, and has no members any more. Until then it was
// realized for them, without peers; and those bound to it are realized without it from the begin of the deletion, whether
// their bindings can be written or not.
func (c *Controller) release(ctx context.Context, network *v1alpha1.Network) error {
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

// realize writes the finalizer, or else at most once to each object what the provider reports.
func (c *Controller) realize(ctx context.Context, network *v1alpha1.Network) error {
	if finalizer := c.provider.Finalizer(); finalizer != "" && !holds(network, finalizer) {
		return c.update(ctx, withFinalizer(network, finalizer))
	}
	situation, overlapping := situation(network, c.peers, c.members)
	policies := c.policiesOf(rules.NameOf(network))
	situation.Policies = c.lookUp(policies, network, situation.Interfaces)
	realization, realizeErr := c.provider.Realize(ctx, network, situation)
	markOverlapping(&realization, overlapping)
	markTooLarge(realization.Policies, situation.Policies)
	reportErr := errors.Join(c.report(ctx, network, realization), c.reportPolicies(ctx, policies, realization.Policies))
	if realizeErr == nil {
		return reportErr
	}
	realizeErr = fmt.Errorf("realizing %s: %w", klog.KObj(network), realizeErr)
	reason := realization.Reason
	if reason == "" {
		reason = reasonRealizeFailed
	}
	errorsMetric.WithLabelValues(reason).Inc()
	return errors.Join(realizeErr, reportErr)
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

// members returns the NetworkInterfaces of a Network.
func (c *Controller) members(network *v1alpha1.Network) []*v1alpha1.NetworkInterface {
	return index.Members[v1alpha1.NetworkInterface](c.informers.Interfaces, rules.NameOf(network))
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
