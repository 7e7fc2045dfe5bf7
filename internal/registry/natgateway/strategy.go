// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package natgateway serves NATGateways: who may write what, what makes one Ready, the storage and the table.
package natgateway

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry"
	"ironcore.dev/networking/internal/registry/member"
)

// NewStorage returns the storage of NATGateways, which the agent realizes, if there is one. It reads their Networks through
// networks.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, agent string, networks member.Networks,
) (member.Storage, error) {
	return member.NewStorage(scheme, optsGetter, definition.LeftTo(agent), networks)
}

var definition = registry.Definition[*networking.NATGateway]{
	Plural: "natgateways", Singular: "natgateway", ShortNames: []string{"ngw"},
	New:     func() *networking.NATGateway { return &networking.NATGateway{} },
	NewList: func() runtime.Object { return &networking.NATGatewayList{} },
	Fields:  selectable,
	Table:   table,

	Spec:         registry.PartOf(func(gateway *networking.NATGateway) *networking.NATGatewaySpec { return &gateway.Spec }),
	Status:       registry.PartOf(func(gateway *networking.NATGateway) *networking.NATGatewayStatus { return &gateway.Status }),
	StatusFields: registry.Whole("ips", "conditions"),
	Observed: func(gateway *networking.NATGateway) (*int64, *[]metav1.Condition) {
		return &gateway.Status.ObservedGeneration, &gateway.Status.Conditions
	},
	ObservedAtOnce: true,
	Conditions:     ready,
	ConditionTypes: []string{v1alpha1.ConditionReady},

	ValidateCreate: validation.ValidateNATGateway,
	ValidateUpdate: validation.ValidateNATGatewayUpdate,
	ValidateStatus: validation.ValidateNATGatewayStatusUpdate,
}

var selectable = registry.Fields[*networking.NATGateway]{
	member.NetworkField: func(gateway *networking.NATGateway) string { return gateway.Spec.NetworkRef.Name },
}

// ready is True once an address of the right family is in force.
func ready(gateway *networking.NATGateway) []metav1.Condition {
	return registry.ReadyWithAddresses("NATGateway", []networking.IPFamily{gateway.Spec.IPFamily}, gateway.Status.IPs,
		gateway.Status.Conditions)
}
