// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package virtualip assigns VirtualIPs to the NetworkInterfaces that name them, frees those whose NetworkInterface is gone,
// and creates the ephemeral ones that NetworkInterfaces ask for.
package virtualip

import (
	"context"
	"fmt"
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
const Name = "virtual-ip"

// byTarget finds the VirtualIPs that lead to a NetworkInterface.
const byTarget = "target"

// Indexers are to be added to the informer of VirtualIPs before it starts.
func Indexers() cache.Indexers {
	return cache.Indexers{byTarget: func(obj any) ([]string, error) {
		vip := obj.(*v1alpha1.VirtualIP)
		if vip.Spec.TargetRef == nil {
			return nil, nil
		}
		return []string{vip.Namespace + "/" + vip.Spec.TargetRef.Name}, nil
	}}
}

// Controller keeps the targets of VirtualIPs. Use New.
type Controller struct {
	vips, interfaces cache.SharedIndexInformer
	client           clientset.NetworkingV1alpha1Interface
	unreadable       *index.Unreadable
	loop             *queue.Loop[types.NamespacedName]
}

// New returns a controller that is fed by the informers, which leave out unreadable objects, and writes through the client.
func New(
	vips, interfaces cache.SharedIndexInformer, client clientset.NetworkingV1alpha1Interface, unreadable *index.Unreadable,
) *Controller {
	c := &Controller{vips: vips, interfaces: interfaces, client: client, unreadable: unreadable}
	c.loop = queue.New(Name, c.reconcile)
	return c
}

// Healthy returns what keeps the controller from making progress, or nil.
func (c *Controller) Healthy() error { return c.loop.Healthy() }

// Run works until the context ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	return c.loop.Run(ctx, workers,
		queue.FollowEach(c.vips, func(vip *v1alpha1.VirtualIP) { c.loop.Add(rules.NameOf(vip), 0) }),
		queue.FollowEach(c.interfaces, c.queueOf),
	)
}

// queueOf queues the VirtualIPs that a NetworkInterface names, asks for or has.
func (c *Controller) queueOf(nic *v1alpha1.NetworkInterface) {
	c.loop.Add(rules.NameOf(nic), 0)
	if source := nic.Spec.VirtualIP; source != nil && source.VirtualIPRef != nil {
		c.loop.Add(types.NamespacedName{Namespace: nic.Namespace, Name: source.VirtualIPRef.Name}, 0)
	}
	led, err := c.vips.GetIndexer().ByIndex(byTarget, rules.NameOf(nic).String())
	if err != nil {
		return // The index exists.
	}
	for _, vip := range led {
		c.loop.Add(rules.NameOf(vip.(*v1alpha1.VirtualIP)), 0)
	}
}

func (c *Controller) reconcile(ctx context.Context, name types.NamespacedName) (_ time.Duration, err error) {
	s := c.read(name)
	if s.vip != nil && c.unreadable.In(name.Namespace, "networkinterfaces") {
		return index.UnreadablePeriod, nil // Its target may be among the unreadable ones.
	}
	due, client := decide(s), c.client.VirtualIPs(name.Namespace)
	if takesAway(s.vip, due) {
		// The cache may not have seen whom the VirtualIP belongs to: the server is asked before anything is taken away.
		if err := c.ask(ctx, &s); err != nil {
			return 0, err
		}
		due = decide(s) // If nothing is due any more, the event of the NetworkInterface comes.
	}
	switch {
	case due.create != nil:
		_, err = client.Create(ctx, due.create, metav1.CreateOptions{})
	case due.update != nil:
		_, err = client.Update(ctx, due.update, metav1.UpdateOptions{})
	case due.remove:
		err = client.Delete(ctx, name.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &s.vip.UID, ResourceVersion: &s.vip.ResourceVersion},
		})
		if apierrors.IsNotFound(err) {
			err = nil
		}
	}
	return 0, err
}

func (c *Controller) read(name types.NamespacedName) state {
	s := state{
		vip:       index.Get[v1alpha1.VirtualIP](c.vips, name),
		namesake:  index.Get[v1alpha1.NetworkInterface](c.interfaces, name),
		claimants: index.NamingVirtualIP(c.interfaces, name),
	}
	if s.vip != nil && s.vip.Spec.TargetRef != nil {
		s.target = index.Get[v1alpha1.NetworkInterface](c.interfaces,
			types.NamespacedName{Namespace: name.Namespace, Name: s.vip.Spec.TargetRef.Name})
	}
	return s
}

// ask reads the NetworkInterfaces that a VirtualIP may belong to as they are now.
func (c *Controller) ask(ctx context.Context, s *state) (err error) {
	if s.namesake, err = c.stored(ctx, rules.NameOf(s.vip)); err != nil {
		return err
	}
	switch ref := s.vip.Spec.TargetRef; {
	case ref == nil:
	case ref.Name == s.vip.Name:
		s.target = s.namesake
	default:
		s.target, err = c.stored(ctx, types.NamespacedName{Namespace: s.vip.Namespace, Name: ref.Name})
	}
	return err
}

// stored returns a NetworkInterface as it is now, nil if there is none.
func (c *Controller) stored(ctx context.Context, name types.NamespacedName) (*v1alpha1.NetworkInterface, error) {
	nic, err := c.client.NetworkInterfaces(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the NetworkInterface %s: %w", name, err)
	}
	return nic, nil
}
