// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package network serves Networks: what is special about their strategies and storage, and the subresources that take the
// decisions of controllers.
package network

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry"
)

// definition is what is special about Networks.
var definition = registry.Definition[*networking.Network]{
	Plural: "networks", Singular: "network", ShortNames: []string{"net"},
	New:     func() *networking.Network { return &networking.Network{} },
	NewList: func() runtime.Object { return &networking.NetworkList{} },
	Fields: registry.Fields[*networking.Network]{
		"metadata.uid":    func(network *networking.Network) string { return string(network.UID) },
		"spec.providerID": func(network *networking.Network) string { return network.Spec.ProviderID },
		"status.state":    func(network *networking.Network) string { return string(network.Status.State) },
	},
	Indexes: indexes,
	Table:   table,

	Spec: registry.PartOf(func(network *networking.Network) *networking.NetworkSpec { return &network.Spec }),
	Kept: []registry.Kept[*networking.Network]{
		registry.KeptForProvider("providerID", func(network *networking.Network) *string { return &network.Spec.ProviderID }, false),
		registry.KeptForServer("incomingPeerings",
			func(network *networking.Network) *[]networking.NetworkPeeringClaimRef {
				return &network.Spec.IncomingPeerings
			}),
	},
	Status: registry.PartOf(func(network *networking.Network) *networking.NetworkStatus { return &network.Status }),
	StatusFields: append(registry.Whole("state", "conditions"), registry.Field("peerings", fieldpath.NewSetMatcher(false,
		// One matcher for all fields of an item: separate ones below a wildcard would not be merged.
		&fieldpath.SetMemberMatcher{Path: fieldpath.MatchAnyPathElement(),
			Child: fieldpath.NewSetMatcher(false, registry.Whole("name", "state", "prefixes")...)},
	))),
	Observed: func(network *networking.Network) (*int64, *[]metav1.Condition) {
		return &network.Status.ObservedGeneration, &network.Status.Conditions
	},
	Finalizer: v1alpha1.NetworkInterfacesFinalizer,

	Prepare:        prepare,
	MergeStatus:    mergeStatus,
	Conditions:     conditions,
	ConditionTypes: conditionTypes,

	Refuse: refuseGivingUp,

	ValidateCreate: validation.ValidateNetwork,
	ValidateUpdate: validation.ValidateNetworkUpdate,
	ValidateStatus: validation.ValidateNetworkStatusUpdate,
	Largest:        largest,
	Unsaid:         unsaid,
}

// prepare starts the status of a Network.
func prepare(_ context.Context, network, stored *networking.Network, now metav1.Time) {
	mirrorPeerings(network, stored, now)
}

// mergeStatus takes from the sent status what a provider may change.
func mergeStatus(network, stored *networking.Network, now metav1.Time) {
	mirrored := *stored
	mirrorPeerings(&mirrored, stored, now)
	network.Spec.IncomingPeerings = mirrored.Spec.IncomingPeerings
	network.Status = mergeProviderStatus(network.Status, mirrored.Status)
}
