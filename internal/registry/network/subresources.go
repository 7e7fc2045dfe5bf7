// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry"
)

type (
	// BindingREST serves networks/binding, by which the peering controllers bind and release.
	BindingREST = registry.DecisionREST[*networking.Network, *networking.NetworkBinding]
	// RealizationREST serves networks/realization, by which the network controller tells what its provider did.
	RealizationREST = registry.DecisionREST[*networking.Network, *networking.NetworkRealization]
)

// newBindingREST serves networks/binding, for the peering and release controllers.
func newBindingREST(store *genericregistry.Store) *BindingREST {
	return registry.NewDecisionREST(store, definition, registry.Decision[*networking.Network, *networking.NetworkBinding]{
		Kind: "NetworkBinding", Noun: "binding",
		New:      func() *networking.NetworkBinding { return &networking.NetworkBinding{} },
		Validate: validation.ValidateNetworkBinding,
		Apply:    mirrored(applyBinding),
	})
}

// newRealizationREST serves networks/realization, for the network controller.
func newRealizationREST(store *genericregistry.Store) *RealizationREST {
	return registry.NewDecisionREST(store, definition, registry.Decision[*networking.Network, *networking.NetworkRealization]{
		Kind: "NetworkRealization", Noun: "realization",
		New:      func() *networking.NetworkRealization { return &networking.NetworkRealization{} },
		Validate: validation.ValidateNetworkRealization,
		Apply:    mirrored(applyRealization),
	})
}

// newMembershipREST serves networks/membership, for the membership controller.
func newMembershipREST(store *genericregistry.Store, members Members) *MembershipREST {
	return &MembershipREST{
		DecisionREST: registry.NewDecisionREST(store, definition,
			registry.Decision[*networking.Network, *networking.NetworkMembership]{
				Kind: "NetworkMembership", Noun: "membership",
				New: func() *networking.NetworkMembership { return &networking.NetworkMembership{} },
				Validate: func(membership *networking.NetworkMembership, _ *networking.Network) field.ErrorList {
					return validation.ValidateNetworkMembership(membership)
				},
				Apply: mirrored(applyMembership),
			}),
		release: releaser{store: store, members: members},
	}
}

// mirrored applies a decision to a Network whose status mirrors its peerings, whoever stored it.
func mirrored[D any](apply func(*networking.Network, D, metav1.Time)) func(*networking.Network, D, metav1.Time) {
	return func(network *networking.Network, decision D, now metav1.Time) {
		stored := *network
		mirrorPeerings(network, &stored, now)
		apply(network, decision, now)
	}
}
