// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package address gives VirtualIPs, LoadBalancers and NATGateways the addresses that the provider allocates, and frees them once
// the object is gone.
package address

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

// Name of the controller in flags, logs and metrics.
const Name = "address"

// retryPeriod is how often the controller tries again to get an address.
const retryPeriod = 10 * time.Second

// The kinds that have addresses.
const (
	kindVirtualIP    = "VirtualIP"
	kindLoadBalancer = "LoadBalancer"
	kindNATGateway   = "NATGateway"
)

// Informers are what the controller is fed by.
type Informers struct{ VirtualIPs, Balancers, Gateways, Networks cache.SharedIndexInformer }

// Controller drives a provider. Use New.
type Controller struct {
	Informers
	client   clientset.NetworkingV1alpha1Interface
	provider provider.AddressProvider
	loop     *queue.Loop[provider.Holder]
}

// New returns a controller that is fed by the informers and writes through the client.
func New(informers Informers, client clientset.NetworkingV1alpha1Interface, provider provider.AddressProvider) *Controller {
	c := &Controller{Informers: informers, client: client, provider: provider}
	c.loop = queue.New(Name, c.reconcile)
	return c
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *Controller) Healthy() error { return c.loop.Healthy() }

// Run works until the context ends. At the start it also queues the objects that have an address, to free those of objects that
// are gone.
func (c *Controller) Run(ctx context.Context, workers int) error {
	holders, err := c.provider.Holders(ctx)
	if err != nil {
		return fmt.Errorf("listing the objects with addresses: %w", err)
	}
	for _, holder := range holders {
		c.loop.Add(holder, 0)
	}
	return c.loop.Run(ctx, workers,
		queue.FollowEach(c.VirtualIPs, func(vip *v1alpha1.VirtualIP) { c.queue(kindVirtualIP, vip) }),
		queue.FollowEach(c.Balancers, func(balancer *v1alpha1.LoadBalancer) { c.queue(kindLoadBalancer, balancer) }),
		queue.FollowEach(c.Gateways, func(gateway *v1alpha1.NATGateway) { c.queue(kindNATGateway, gateway) }),
		queue.FollowEach(c.Networks, func(network *v1alpha1.Network) {
			for _, balancer := range index.Members[v1alpha1.LoadBalancer](c.Balancers, rules.NameOf(network)) {
				c.queue(kindLoadBalancer, balancer)
			}
			for _, gateway := range index.Members[v1alpha1.NATGateway](c.Gateways, rules.NameOf(network)) {
				c.queue(kindNATGateway, gateway)
			}
		}),
	)
}

func (c *Controller) queue(kind string, object metav1.Object) {
	c.loop.Add(provider.Holder{Kind: kind, NamespacedName: rules.NameOf(object), UID: object.GetUID()}, 0)
}

func (c *Controller) reconcile(ctx context.Context, holder provider.Holder) (time.Duration, error) {
	object, network := c.find(holder)
	if object == nil || object.GetUID() != holder.UID {
		return 0, c.free(ctx, holder)
	}
	if object.GetDeletionTimestamp() != nil || rules.IsManagedElsewhere(object) {
		return 0, nil
	}
	wanted, trouble := decideWanted(object, network)
	var again time.Duration
	addresses, err := c.allocate(ctx, holder, wanted)
	if errors.As(err, &trouble) {
		again = retryPeriod
	} else if err != nil {
		return 0, err
	}
	return again, c.write(ctx, report(object, addresses, trouble))
}

// allocate returns the wanted addresses.
func (c *Controller) allocate(ctx context.Context, holder provider.Holder, wanted []wantedAddress) ([]string, error) {
	var addresses []string
	for _, want := range wanted {
		address := want.value
		if address == "" {
			var err error
			if address, err = c.provider.Address(ctx, holder, want.family); err != nil {
				return nil, err
			}
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// find returns the object with a holder's name, nil if there is none, and its Network.
func (c *Controller) find(holder provider.Holder) (metav1.Object, *v1alpha1.Network) {
	network := func(name string) *v1alpha1.Network {
		return index.Get[v1alpha1.Network](c.Networks, types.NamespacedName{Namespace: holder.Namespace, Name: name})
	}
	switch holder.Kind {
	case kindVirtualIP:
		if vip := index.Get[v1alpha1.VirtualIP](c.VirtualIPs, holder.NamespacedName); vip != nil {
			return vip, nil
		}
	case kindLoadBalancer:
		if balancer := index.Get[v1alpha1.LoadBalancer](c.Balancers, holder.NamespacedName); balancer != nil {
			return balancer, network(balancer.Spec.NetworkRef.Name)
		}
	case kindNATGateway:
		if gateway := index.Get[v1alpha1.NATGateway](c.Gateways, holder.NamespacedName); gateway != nil {
			return gateway, network(gateway.Spec.NetworkRef.Name)
		}
	}
	return nil, nil
}

// free frees the addresses of an object that is gone. It asks the server first, because the cache may be behind.
func (c *Controller) free(ctx context.Context, holder provider.Holder) error {
	var object metav1.Object
	var err error
	switch holder.Kind {
	case kindVirtualIP:
		object, err = c.client.VirtualIPs(holder.Namespace).Get(ctx, holder.Name, metav1.GetOptions{})
	case kindLoadBalancer:
		object, err = c.client.LoadBalancers(holder.Namespace).Get(ctx, holder.Name, metav1.GetOptions{})
	case kindNATGateway:
		object, err = c.client.NATGateways(holder.Namespace).Get(ctx, holder.Name, metav1.GetOptions{})
	}
	switch {
	case err == nil && object != nil && object.GetUID() == holder.UID:
		return nil // Its event comes.
	case err != nil && !apierrors.IsNotFound(err):
		return err
	}
	return c.provider.FreeAddresses(ctx, holder)
}

// write writes the status of an object, unless it is nil.
func (c *Controller) write(ctx context.Context, update metav1.Object) (err error) {
	switch update := update.(type) {
	case *v1alpha1.VirtualIP:
		_, err = c.client.VirtualIPs(update.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	case *v1alpha1.LoadBalancer:
		_, err = c.client.LoadBalancers(update.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	case *v1alpha1.NATGateway:
		_, err = c.client.NATGateways(update.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	}
	return err
}
