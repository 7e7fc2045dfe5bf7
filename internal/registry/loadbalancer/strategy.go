// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package loadbalancer serves LoadBalancers: who may write what, what makes one Ready, the storage and the table.
package loadbalancer

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/warning"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry"
	"ironcore.dev/networking/internal/registry/member"
)

// NewStorage returns the storage of LoadBalancers, which the agent realizes, if there is one. It reads their Networks through
// networks.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, agent string, networks member.Networks,
) (member.Storage, error) {
	return member.NewStorage(scheme, optsGetter, definition.LeftTo(agent), networks)
}

var definition = registry.Definition[*networking.LoadBalancer]{
	Plural: "loadbalancers", Singular: "loadbalancer", ShortNames: []string{"lb"},
	New:     func() *networking.LoadBalancer { return &networking.LoadBalancer{} },
	NewList: func() runtime.Object { return &networking.LoadBalancerList{} },
	Fields:  selectable,
	Table:   table,

	Spec:         registry.PartOf(func(balancer *networking.LoadBalancer) *networking.LoadBalancerSpec { return &balancer.Spec }),
	Status:       registry.PartOf(func(balancer *networking.LoadBalancer) *networking.LoadBalancerStatus { return &balancer.Status }),
	StatusFields: registry.Whole("ips", "conditions"),
	Observed: func(balancer *networking.LoadBalancer) (*int64, *[]metav1.Condition) {
		return &balancer.Status.ObservedGeneration, &balancer.Status.Conditions
	},
	Canonical:      dropPublicIPs,
	ObservedAtOnce: true,
	Conditions:     ready,
	ConditionTypes: []string{v1alpha1.ConditionReady},

	ValidateCreate: validation.ValidateLoadBalancer,
	ValidateUpdate: validation.ValidateLoadBalancerUpdate,
	ValidateStatus: validation.ValidateLoadBalancerStatusUpdate,
}

var selectable = registry.Fields[*networking.LoadBalancer]{
	member.NetworkField: func(balancer *networking.LoadBalancer) string { return balancer.Spec.NetworkRef.Name },
}

// dropPublicIPs drops spec.ips of a Public LoadBalancer with a warning: the provider chooses these addresses.
func dropPublicIPs(ctx context.Context, balancer *networking.LoadBalancer) {
	if balancer.Spec.Type != networking.LoadBalancerTypePublic {
		return
	}
	if len(balancer.Spec.IPs) > 0 {
		warning.AddWarning(ctx, "", "spec.ips: dropped, the network provider chooses the addresses of a Public LoadBalancer")
	}
	balancer.Spec.IPs = nil
}

// ready is True once all addresses of the spec are in force, and one of each family.
func ready(balancer *networking.LoadBalancer) []metav1.Condition {
	for _, source := range balancer.Spec.IPs {
		if source.Value != "" && !slices.Contains(balancer.Status.IPs, source.Value) {
			return registry.Unrealized(fmt.Sprintf("The network provider has not put the address %s in force yet.", source.Value),
				balancer.Status.Conditions)
		}
	}
	return registry.ReadyWithAddresses("LoadBalancer", balancer.Spec.IPFamilies, balancer.Status.IPs, balancer.Status.Conditions)
}
