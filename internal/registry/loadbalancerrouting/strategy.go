// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package loadbalancerrouting serves LoadBalancerRoutings, which have no status: the storage and the table.
package loadbalancerrouting

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry"
)

// NewStorage returns the storage of LoadBalancerRoutings. The storage of the status is nil: there is none.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter) (*registry.REST, *registry.StatusREST, error) {
	return registry.NewStorage(scheme, definition, optsGetter)
}

var definition = registry.Definition[*networking.LoadBalancerRouting]{
	Plural: "loadbalancerroutings", Singular: "loadbalancerrouting", ShortNames: []string{"lbr", "lbrt"},
	New:     func() *networking.LoadBalancerRouting { return &networking.LoadBalancerRouting{} },
	NewList: func() runtime.Object { return &networking.LoadBalancerRoutingList{} },
	Fields:  selectable,
	Table:   table,

	// Everything except metadata is the spec.
	Spec: registry.Part[*networking.LoadBalancerRouting]{Of: func(routing *networking.LoadBalancerRouting) any {
		return []any{routing.NetworkRef, routing.Destinations}
	}},

	ValidateCreate: validation.ValidateLoadBalancerRouting,
	ValidateUpdate: validation.ValidateLoadBalancerRoutingUpdate,
}

var selectable = registry.Fields[*networking.LoadBalancerRouting]{
	"networkRef.name": func(routing *networking.LoadBalancerRouting) string { return routing.NetworkRef.Name },
}
