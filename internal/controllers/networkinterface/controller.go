// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package networkinterface has the provider realize each NetworkInterface and writes what it reports into the status.
// That the Network is available and that no two of its NetworkInterfaces have the same address is seen to here, for any
// provider. Where somebody outside realizes NetworkInterfaces, it says what is in their way and leaves the state to
// them.
package networkinterface

import (
	"context"
	"fmt"
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
const Name = "network-interface"

// Controller drives a provider. Use New.
type Controller struct {
	networks   cache.SharedIndexInformer
	interfaces cache.SharedIndexInformer
	client     clientset.NetworkInterfacesGetter
	recorder   record.EventRecorder
	provider   provider.InterfaceProvider
	precedence *precedence
	loop       *workloop.Loop[types.NamespacedName]
}

// New returns a controller that is fed by the informers and writes through the client. Without a provider, somebody
// outside realizes NetworkInterfaces.
func New(networks, interfaces cache.SharedIndexInformer, client clientset.NetworkInterfacesGetter,
	recorder record.EventRecorder, provider provider.InterfaceProvider) *Controller {
	c := &Controller{
		networks: networks, interfaces: interfaces, client: client, recorder: recorder, provider: provider,
		precedence: newPrecedence(),
	}
	c.loop = workloop.New(Name, c.reconcile)
	return c
}

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	ofInterfaces, err := c.interfaces.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(obj any, atStart bool) {
			nic := obj.(*v1alpha1.NetworkInterface)
			c.precedence.seen(nic, atStart)
			c.changed(ctx, nil, nic)
		},
		UpdateFunc: func(old, obj any) {
			c.changed(ctx, old.(*v1alpha1.NetworkInterface), obj.(*v1alpha1.NetworkInterface))
		},
		DeleteFunc: func(obj any) { c.changed(ctx, workloop.Deleted[*v1alpha1.NetworkInterface](obj), nil) },
	})
	if err != nil {
		return err
	}
	defer c.interfaces.RemoveEventHandler(ofInterfaces)
	ofNetworks, err := c.networks.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { c.queueMembers(ctx, obj.(*v1alpha1.Network)) },
		UpdateFunc: func(old, obj any) {
			if concernsInterfaces(old.(*v1alpha1.Network), obj.(*v1alpha1.Network)) {
				c.queueMembers(ctx, obj.(*v1alpha1.Network))
			}
		},
		DeleteFunc: func(obj any) { c.queueMembers(ctx, workloop.Deleted[*v1alpha1.Network](obj)) },
	})
	if err != nil {
		return err
	}
	defer c.networks.RemoveEventHandler(ofNetworks)
	c.loop.Run(ctx, workers)
	return nil
}

// changed queues a NetworkInterface and those that ask for an address of its own, before or after the change.
func (c *Controller) changed(ctx context.Context, old, nic *v1alpha1.NetworkInterface) {
	if old != nil && (nic == nil || nic.UID != old.UID) {
		c.precedence.went(old.UID)
	}
	if nic != nil {
		c.precedence.seen(nic, false)
		c.queue(nic)
	}
	if !concernsRivals(old, nic) {
		return
	}
	for _, version := range []*v1alpha1.NetworkInterface{old, nic} {
		if version == nil {
			continue
		}
		for _, address := range index.AddressesOf(version) {
			for _, rival := range c.withAddress(ctx, version, address) {
				c.queue(rival)
			}
		}
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
	members, err := index.InterfacesOf(c.interfaces.GetIndexer(),
		types.NamespacedName{Namespace: network.Namespace, Name: network.Name})
	if err != nil {
		klog.FromContext(ctx).Error(err, "Finding the NetworkInterfaces of a Network failed", "network", klog.KObj(network))
	}
	for _, member := range members {
		c.loop.Add(types.NamespacedName{Namespace: network.Namespace, Name: member}, 0)
	}
}

func (c *Controller) queue(nic *v1alpha1.NetworkInterface) {
	c.loop.Add(types.NamespacedName{Namespace: nic.Namespace, Name: nic.Name}, 0)
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
	obstacle := c.obstacle(ctx, nic, network)
	if c.provider == nil {
		c.precedence.giveBack(nic)
		return 0, c.write(ctx, explain(nic, obstacle))
	}
	var realization provider.InterfaceRealization
	var realizeErr error
	if obstacle != nil {
		realization = *obstacle
	} else {
		realization, realizeErr = c.provider.RealizeInterface(ctx, nic, network)
	}
	if realization.State != "" && realization.State != v1alpha1.NetworkInterfaceStateAvailable {
		c.precedence.giveBack(nic)
	}
	update := report(nic, realization)
	if err := c.write(ctx, update); err != nil {
		return 0, err
	}
	if kind, reason, message := event(nic, update, realization); kind != "" {
		c.recorder.Event(nic, kind, reason, message)
	}
	if realizeErr != nil {
		return 0, fmt.Errorf("realizing %s: %w", klog.KObj(nic), realizeErr)
	}
	return 0, nil
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

// obstacle returns what is in the way of a NetworkInterface, or nil. From then on its addresses are its own.
func (c *Controller) obstacle(
	ctx context.Context, nic *v1alpha1.NetworkInterface, network *v1alpha1.Network,
) *provider.InterfaceRealization {
	if obstacle := obstacle(nic, network); obstacle != nil {
		return obstacle
	}
	address, rival := c.precedence.take(nic, func(address string) []*v1alpha1.NetworkInterface {
		return c.withAddress(ctx, nic, address)
	})
	if rival != nil {
		return addressInUse(nic, address, rival)
	}
	return nil
}

// write writes the status of a NetworkInterface, if any is due.
func (c *Controller) write(ctx context.Context, update *v1alpha1.NetworkInterface) error {
	if update == nil {
		return nil
	}
	_, err := c.client.NetworkInterfaces(update.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	return err
}
