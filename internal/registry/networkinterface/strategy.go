// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package networkinterface serves NetworkInterfaces: what is special about their strategies and storage.
package networkinterface

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry"
	"ironcore.dev/networking/internal/registry/member"
)

// newDefinition returns what is special about NetworkInterfaces. It reads their Networks through the getter.
func newDefinition(networks member.Networks) registry.Definition[*networking.NetworkInterface] {
	return registry.Definition[*networking.NetworkInterface]{
		Plural: "networkinterfaces", Singular: "networkinterface", ShortNames: []string{"nic"},
		New:     func() *networking.NetworkInterface { return &networking.NetworkInterface{} },
		NewList: func() runtime.Object { return &networking.NetworkInterfaceList{} },
		Fields:  selectable,
		Table:   table,

		Spec: registry.PartOf(func(nic *networking.NetworkInterface) *networking.NetworkInterfaceSpec { return &nic.Spec }),
		Kept: []registry.Kept[*networking.NetworkInterface]{
			registry.KeptForProvider("providerID", func(nic *networking.NetworkInterface) *string { return &nic.Spec.ProviderID }, true),
		},
		Status:       registry.PartOf(func(nic *networking.NetworkInterface) *networking.NetworkInterfaceStatus { return &nic.Status }),
		StatusFields: registry.Whole("state", "ips", "prefixes", "virtualIP", "macAddress", "gateways", "mtu", "conditions"),
		Observed: func(nic *networking.NetworkInterface) (*int64, *[]metav1.Condition) {
			return &nic.Status.ObservedGeneration, &nic.Status.Conditions
		},

		Prepare: func(ctx context.Context, nic, stored *networking.NetworkInterface, now metav1.Time) {
			prepare(ctx, networks, nic, stored, now)
		},
		MergeStatus:    mergeStatus,
		Conditions:     conditions,
		ConditionTypes: []string{v1alpha1.NetworkInterfaceAvailable, v1alpha1.ConditionReady},

		ValidateCreate: validation.ValidateNetworkInterface,
		ValidateUpdate: validation.ValidateNetworkInterfaceUpdate,
		ValidateStatus: validation.ValidateNetworkInterfaceStatusUpdate,
	}
}

var selectable = registry.Fields[*networking.NetworkInterface]{
	member.NetworkField: func(nic *networking.NetworkInterface) string { return nic.Spec.NetworkRef.Name },
	"spec.machineRef.name": func(nic *networking.NetworkInterface) string {
		if nic.Spec.MachineRef == nil {
			return ""
		}
		return nic.Spec.MachineRef.Name
	},
	"status.state": func(nic *networking.NetworkInterface) string { return string(nic.Status.State) },
}
