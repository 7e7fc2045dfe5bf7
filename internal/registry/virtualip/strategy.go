// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package virtualip serves VirtualIPs: who may write what, what makes one Ready, the storage and the table.
package virtualip

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry"
)

// NewStorage returns the storage of VirtualIPs and of their status. The agent realizes them, if there is one.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, agent string,
) (*registry.REST, *registry.StatusREST, error) {
	return registry.NewStorage(scheme, definition.LeftTo(agent), optsGetter)
}

var definition = registry.Definition[*networking.VirtualIP]{
	Plural: "virtualips", Singular: "virtualip", ShortNames: []string{"vip"},
	New:     func() *networking.VirtualIP { return &networking.VirtualIP{} },
	NewList: func() runtime.Object { return &networking.VirtualIPList{} },
	Fields:  selectable,
	Table:   table,

	Spec:         registry.PartOf(func(vip *networking.VirtualIP) *networking.VirtualIPSpec { return &vip.Spec }),
	Status:       registry.PartOf(func(vip *networking.VirtualIP) *networking.VirtualIPStatus { return &vip.Status }),
	StatusFields: registry.Whole("ip", "conditions"),
	Observed: func(vip *networking.VirtualIP) (*int64, *[]metav1.Condition) {
		return &vip.Status.ObservedGeneration, &vip.Status.Conditions
	},
	ObservedAtOnce: true,
	Conditions:     ready,
	ConditionTypes: []string{v1alpha1.ConditionReady},

	ValidateCreate: validation.ValidateVirtualIP,
	ValidateUpdate: validation.ValidateVirtualIPUpdate,
	ValidateStatus: validation.ValidateVirtualIPStatusUpdate,
}

var selectable = registry.Fields[*networking.VirtualIP]{
	"spec.targetRef.name": target,
}

func target(vip *networking.VirtualIP) string {
	if vip.Spec.TargetRef == nil {
		return ""
	}
	return vip.Spec.TargetRef.Name
}

// ready is True once an address of the right family is in force.
func ready(vip *networking.VirtualIP) []metav1.Condition {
	return registry.ReadyWithAddresses("VirtualIP", []networking.IPFamily{vip.Spec.IPFamily}, []string{vip.Status.IP},
		vip.Status.Conditions)
}
