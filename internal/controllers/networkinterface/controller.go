// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package networkinterface asks the provider to realize each NetworkInterface and writes the report into the status. For
// every provider, it checks that the Network is available and that no two of its NetworkInterfaces have the same address. If
// somebody outside realizes NetworkInterfaces, it says what is wrong and leaves the state to them.
package networkinterface

import (
	"cmp"
	"context"
	"errors"
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
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "network-interface"

// Controller drives a provider. Use New.
type Controller struct {
	networks   cache.SharedIndexInformer
	interfaces cache.SharedIndexInformer
	vips       cache.SharedIndexInformer
	client     clientset.NetworkInterfacesGetter
	recorder   record.EventRecorder
	provider   provider.InterfaceProvider
	unreadable *index.Unreadable
	precedence *precedence
	loop       *queue.Loop[types.NamespacedName]
}

// New returns a controller that is fed by the informers, which leave out unreadable objects, and writes through the client. Without a
// provider, somebody outside realizes NetworkInterfaces.
func New(networks, interfaces, vips cache.SharedIndexInformer, client clientset.NetworkInterfacesGetter,
	recorder record.EventRecorder, provider provider.InterfaceProvider, unreadable *index.Unreadable) *Controller {
	c := &Controller{
		networks: networks, interfaces: interfaces, vips: vips, client: client, recorder: recorder, provider: provider, unreadable: unreadable,
		precedence: newPrecedence(),
	}
	c.loop = queue.New(Name, c.reconcile)
	return c
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *Controller) Healthy() error { return c.loop.Healthy() }

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	var watching sync.WaitGroup
	defer watching.Wait()
	if c.provider != nil {
		watching.Go(func() {
			c.provider.WatchInterfaces(ctx, func(name types.NamespacedName) { c.loop.Add(name, 0) })
		})
	}
	return c.loop.Run(ctx, workers,
		queue.FollowFromStart(c.interfaces, func(before, after *v1alpha1.NetworkInterface, atStart bool) {
			if atStart {
				c.precedence.seen(after, true)
			}
			c.changed(ctx, before, after)
		}),
		queue.Follow(c.networks, func(before, after *v1alpha1.Network) {
			if before == nil || after == nil || concernsInterfaces(before, after) {
				c.queueMembers(ctx, cmp.Or(after, before))
			}
		}),
		queue.FollowEach(c.vips, c.queueOf),
	)
}

// queueOf queues the NetworkInterfaces that name a VirtualIP, or that it leads to.
func (c *Controller) queueOf(vip *v1alpha1.VirtualIP) {
	for _, nic := range index.NamingVirtualIP(c.interfaces, rules.NameOf(vip)) {
		c.queue(nic)
	}
	if target := vip.Spec.TargetRef; target != nil {
		c.loop.Add(types.NamespacedName{Namespace: vip.Namespace, Name: target.Name}, 0)
	}
}

// changed queues a NetworkInterface and, for each address of its own before or after the change, the one that is next in
// line.
func (c *Controller) changed(ctx context.Context, old, nic *v1alpha1.NetworkInterface) {
	if old != nil && (nic == nil || nic.UID != old.UID) {
		c.precedence.forget(old.UID)
	}
	if nic != nil {
		c.precedence.seen(nic, false)
		c.queue(nic)
	}
	if concernsNeighbours(old, nic) {
		c.queueNeighbours(old)
		c.queueNeighbours(nic)
	}
	if !concernsContenders(old, nic) {
		return
	}
	for _, version := range []*v1alpha1.NetworkInterface{old, nic} {
		if version == nil {
			continue
		}
		for _, address := range index.AddressesOf(version) {
			next := c.precedence.next(version.UID, address, func(address string) []*v1alpha1.NetworkInterface {
				return c.withAddress(ctx, version, address)
			})
			if next != nil {
				c.queue(next)
			}
		}
	}
}

// queueNeighbours queues the NetworkInterfaces that overlap a given one, where there is one.
func (c *Controller) queueNeighbours(nic *v1alpha1.NetworkInterface) {
	if nic == nil {
		return
	}
	for _, clash := range rules.ClashesOf(nic, index.NeighboursOf(c.interfaces, nic)) {
		c.queue(clash.With)
	}
}

// withAddress returns the NetworkInterfaces that ask for or have an address in the Network of the given one, itself
// included.
func (c *Controller) withAddress(ctx context.Context, nic *v1alpha1.NetworkInterface, address string) []*v1alpha1.NetworkInterface {
	found, err := index.WithAddress(c.interfaces.GetIndexer(), index.NetworkOf(nic), address)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Finding the NetworkInterfaces with an address failed", "address", address)
	}
	return found
}

func (c *Controller) queueMembers(ctx context.Context, network *v1alpha1.Network) {
	members, err := index.MembersOf(c.interfaces.GetIndexer(), rules.NameOf(network))
	if err != nil {
		klog.FromContext(ctx).Error(err, "Finding the NetworkInterfaces of a Network failed", "network", klog.KObj(network))
	}
	for _, member := range members {
		c.loop.Add(types.NamespacedName{Namespace: network.Namespace, Name: member}, 0)
	}
}

func (c *Controller) queue(nic *v1alpha1.NetworkInterface) {
	c.loop.Add(rules.NameOf(nic), 0)
}

func (c *Controller) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	nic, err := listers.NewNetworkInterfaceLister(c.interfaces.GetIndexer()).NetworkInterfaces(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) || err == nil && nic.DeletionTimestamp != nil {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !c.precedence.knows(nic.UID) {
		return 0, nil // Its event comes, or it is no more.
	}
	network, err := c.networkOf(nic)
	if err != nil {
		return 0, err
	}
	if network == nil && c.unreadable.Has("networks", index.NetworkOf(nic)) {
		return index.UnreadablePeriod, nil // It may still be there, so what is in force stays.
	}
	obstacle := c.obstacle(ctx, nic, network)
	overlap := overlapWords(c.precedence.clash(nic, rules.ClashesOf(nic, index.NeighboursOf(c.interfaces, nic))))
	if c.provider == nil || rules.IsManagedElsewhere(nic) {
		c.precedence.giveBackAddresses(nic)
		if update := withOverlapCondition(nic, explain(nic, obstacle), overlap); update != nil {
			return retryAfter(obstacle), c.write(ctx, update)
		}
		return retryAfter(obstacle), c.refresh(ctx, nic)
	}
	var realization provider.InterfaceRealization
	var realizeErr error
	if obstacle != nil {
		realization = *obstacle
	} else {
		realization, realizeErr = c.realize(ctx, nic, network)
	}
	if realization.State != "" && realization.State != v1alpha1.NetworkInterfaceStateAvailable {
		c.precedence.giveBackAddresses(nic)
	}
	if update := withProviderID(nic, realization); update != nil {
		// Its event brings the status.
		if _, err := c.client.NetworkInterfaces(nic.Namespace).Update(ctx, update, metav1.UpdateOptions{}); err != nil {
			return 0, errors.Join(realizeErr, err)
		}
		return 0, realizeErr
	}
	update := withOverlapCondition(nic, report(nic, realization), overlap)
	if err := c.write(ctx, update); err != nil {
		return 0, errors.Join(realizeErr, err)
	}
	if kind, reason, message := event(nic, update, realization); kind != "" {
		c.recorder.Event(nic, kind, reason, message)
	}
	return retryAfter(obstacle), realizeErr
}

// realize asks the provider for what a NetworkInterface is to have.
func (c *Controller) realize(ctx context.Context, nic *v1alpha1.NetworkInterface, network *v1alpha1.Network,
) (provider.InterfaceRealization, error) {
	realization, err := c.provider.RealizeInterface(ctx, nic, network, c.virtualIPOf(nic))
	if err != nil {
		err = fmt.Errorf("realizing %s: %w", klog.KObj(nic), err)
	}
	return realization, err
}

// contenderPeriod is how often one that waits for an address looks who has it now: only the next in line is told of a change.
const contenderPeriod = 10 * time.Minute

func retryAfter(obstacle *provider.InterfaceRealization) time.Duration {
	if obstacle != nil && obstacle.Reason == v1alpha1.NetworkInterfaceReasonAddressUnknown {
		return index.UnreadablePeriod
	}
	if obstacle != nil && obstacle.Reason == v1alpha1.NetworkInterfaceReasonAddressInUse {
		return contenderPeriod
	}
	return 0
}

// networkOf returns the Network of a NetworkInterface, nil if there is none.
func (c *Controller) networkOf(nic *v1alpha1.NetworkInterface) (*v1alpha1.Network, error) {
	name := index.NetworkOf(nic)
	network, err := listers.NewNetworkLister(c.networks.GetIndexer()).Networks(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return network, err
}

// virtualIPOf returns the VirtualIP that a NetworkInterface asks for, nil if there is none.
func (c *Controller) virtualIPOf(nic *v1alpha1.NetworkInterface) *v1alpha1.VirtualIP {
	if nic.Spec.VirtualIP == nil {
		return nil
	}
	name := rules.NameOf(nic) // An ephemeral one is named like this.
	if ref := nic.Spec.VirtualIP.VirtualIPRef; ref != nil {
		name.Name = ref.Name
	}
	return index.Get[v1alpha1.VirtualIP](c.vips, name)
}

// obstacle returns what is in the way of a NetworkInterface, or nil. From then on its addresses are its own.
func (c *Controller) obstacle(
	ctx context.Context, nic *v1alpha1.NetworkInterface, network *v1alpha1.Network,
) *provider.InterfaceRealization {
	if obstacle := obstacle(nic, network); obstacle != nil {
		return obstacle
	}
	if c.unreadable.In(nic.Namespace, "networkinterfaces") && !holdsAll(nic) {
		return addressUnknown(nic)
	}
	address, holder := c.precedence.takeAddresses(nic, func(address string) []*v1alpha1.NetworkInterface {
		return c.withAddress(ctx, nic, address)
	})
	if holder != nil {
		return addressInUse(nic, address, holder)
	}
	return nil
}

// refresh writes nothing new, so that the server adds to a status what a replica of an earlier release left out.
func (c *Controller) refresh(ctx context.Context, nic *v1alpha1.NetworkInterface) error {
	if !rules.IsReadyStale(nic.Generation, nic.Status.ObservedGeneration, nic.Status.Conditions) {
		return nil
	}
	_, err := c.client.NetworkInterfaces(nic.Namespace).Patch(ctx, nic.Name, types.MergePatchType, []byte("{}"), metav1.PatchOptions{})
	return err
}

// write writes the status of a NetworkInterface, if any is due.
func (c *Controller) write(ctx context.Context, update *v1alpha1.NetworkInterface) error {
	if update == nil {
		return nil
	}
	_, err := c.client.NetworkInterfaces(update.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	return err
}
