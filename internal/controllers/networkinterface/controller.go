// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package networkinterface has the provider realize each NetworkInterface, where it does so, and writes what it reports into
// the status. That the Network is available and that no two of its NetworkInterfaces have the same address is seen to here,
// for any provider.
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
	loop       *workloop.Loop[types.NamespacedName]
}

// New returns a controller that is fed by the informers and writes through the client.
func New(networks, interfaces cache.SharedIndexInformer, client clientset.NetworkInterfacesGetter,
	recorder record.EventRecorder, provider provider.InterfaceProvider) *Controller {
	c := &Controller{networks: networks, interfaces: interfaces, client: client, recorder: recorder, provider: provider}
	c.loop = workloop.New(Name, c.reconcile)
	return c
}

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	ofInterfaces, err := c.interfaces.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { c.changed(ctx, nil, obj.(*v1alpha1.NetworkInterface)) },
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
	if nic != nil {
		c.queue(nic)
	}
	if !concernsRivals(old, nic) {
		return
	}
	for _, version := range []*v1alpha1.NetworkInterface{old, nic} {
		if version == nil {
			continue
		}
		for _, source := range version.Spec.IPs {
			for _, rival := range c.withAddress(ctx, version, source.Value) {
				c.queue(rival)
			}
		}
	}
}

// withAddress returns the NetworkInterfaces that ask for an address in the Network of the given one, itself included.
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
	realization, realizeErr := c.realize(ctx, nic)
	if update := report(nic, realization); update != nil {
		if _, err := c.client.NetworkInterfaces(nic.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{}); err != nil {
			return 0, err
		}
		if kind, reason, message := event(nic, update, realization); kind != "" {
			c.recorder.Event(nic, kind, reason, message)
		}
	}
	if realizeErr != nil {
		return 0, fmt.Errorf("realizing %s: %w", klog.KObj(nic), realizeErr)
	}
	return 0, nil
}

func (c *Controller) realize(ctx context.Context, nic *v1alpha1.NetworkInterface) (provider.InterfaceRealization, error) {
	name := index.NetworkOf(nic)
	network, err := listers.NewNetworkLister(c.networks.GetIndexer()).Networks(name.Namespace).Get(name.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return provider.InterfaceRealization{}, err
	}
	rivals := func(address string) []*v1alpha1.NetworkInterface { return c.withAddress(ctx, nic, address) }
	if obstacle := obstacle(nic, network, rivals); obstacle != nil {
		return *obstacle, nil
	}
	return c.provider.RealizeInterface(ctx, nic, network)
}
