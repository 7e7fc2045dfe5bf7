// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
)

// policiesOf returns the NetworkPolicies of a Network.
func (c *Controller) policiesOf(name types.NamespacedName) []*v1alpha1.NetworkPolicy {
	return index.Members[v1alpha1.NetworkPolicy](c.informers.Policies, name)
}

// lookUp returns NetworkPolicies of a Network with what they select.
func (c *Controller) lookUp(policies []*v1alpha1.NetworkPolicy, network *v1alpha1.Network, members []*v1alpha1.NetworkInterface,
) []rules.Policy {
	if len(policies) == 0 {
		return nil
	}
	name := rules.NameOf(network)
	selectable := rules.Selectable{
		Interfaces:    members,
		LoadBalancers: index.Members[v1alpha1.LoadBalancer](c.informers.Balancers, name),
	}
	if slices.ContainsFunc(policies, func(p *v1alpha1.NetworkPolicy) bool { return rules.Selects(p, rules.KindVirtualIP) }) {
		selectable.VirtualIPs = index.InNamespace[v1alpha1.VirtualIP](c.informers.VirtualIPs, name.Namespace)
	}
	return rules.DecidePolicies(policies, selectable)
}

// reportPolicies writes what became of NetworkPolicies into those whose status says something else.
func (c *Controller) reportPolicies(ctx context.Context, policies []*v1alpha1.NetworkPolicy,
	realized map[types.UID]provider.PolicyRealization) error {
	var errs []error
	for _, policy := range policies {
		realization, ok := realized[policy.UID]
		if !ok {
			continue
		}
		if update := explainPolicy(policy, realization); update != nil {
			_, err := c.client.NetworkPolicies(policy.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// reportAbandoned tells those NetworkPolicies that were in force that their Network is gone.
func (c *Controller) reportAbandoned(ctx context.Context, network types.NamespacedName) (time.Duration, error) {
	if _, err := c.networks.Networks(network.Namespace).Get(network.Name); !apierrors.IsNotFound(err) {
		return 0, err // It is realized.
	}
	if c.unreadable.Has("networks", network) {
		return index.UnreadablePeriod, nil // It is still there, so what is in force stays.
	}
	policies := c.policiesOf(network)
	realized := make(map[types.UID]provider.PolicyRealization)
	for _, policy := range policies {
		if isReported(policy) {
			realized[policy.UID] = provider.PolicyRealization{
				Reason: reasonNetworkNotFound, Message: fmt.Sprintf("There is no Network %s.", network.Name),
			}
		}
	}
	return 0, c.reportPolicies(ctx, policies, realized)
}

// queuePoliced queues the Network of a NetworkPolicy. There may be none any more, since a time when no controller ran.
func (c *Controller) queuePoliced(policy *v1alpha1.NetworkPolicy) {
	policed := key{NamespacedName: index.NetworkOf(policy)}
	if network, err := c.networks.Networks(policed.Namespace).Get(policed.Name); err == nil {
		policed.UID = network.UID
	}
	c.loop.Add(policed, burst)
}

// selectableChanged queues the Networks of a namespace whose policies select objects of a kind.
func (c *Controller) selectableChanged(namespace, kind string) {
	for _, policy := range index.InNamespace[v1alpha1.NetworkPolicy](c.informers.Policies, namespace) {
		if rules.Selects(policy, kind) {
			c.queuePoliced(policy)
		}
	}
}
