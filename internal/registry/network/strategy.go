// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package network serves Networks: the strategies that decide who may write which field, the storage and the table.
package network

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/klog/v2"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry/kind"
)

// strategy is for writes of the Network itself, by users and (for spec.providerID and finalizers) by providers.
type strategy struct {
	kind.Strategy
	members Members
}

var _ rest.RESTGracefulDeleteStrategy = strategy{}

func newStrategy(typer runtime.ObjectTyper, members Members) strategy {
	return strategy{Strategy: kind.NewStrategy(typer), members: members}
}

// GetResetFields lists what a write of the Network itself does not change.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		kind.APIVersion: fieldpath.NewSet(
			fieldpath.MakePathOrDie("status"),
			fieldpath.MakePathOrDie("spec", "incomingPeerings"),
		),
	}
}

// PrepareForCreate starts the Network as Pending, without claims, and with an item in status.peerings for each peering.
func (strategy) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	network := obj.(*networking.Network)
	network.Generation = 1
	network.Status = networking.NetworkStatus{State: networking.NetworkStatePending}
	keepClaims(ctx, network, nil)

	now := metav1.Now()
	mirrorPeerings(network, nil, now)
	deriveConditions(network, nil, now)
}

// PrepareForUpdate keeps status and claims as stored, but for the items and claims of peerings that the update changes.
func (strategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	network, stored := obj.(*networking.Network), old.(*networking.Network)
	network.Status = stored.Status
	keepClaims(ctx, network, stored.Spec.IncomingPeerings)
	if equality.Semantic.DeepEqual(network.Spec.Peerings, stored.Spec.Peerings) {
		return
	}
	network.Generation = stored.Generation + 1

	now := metav1.Now()
	mirrorPeerings(network, stored, now)
	deriveConditions(network, stored.Status.Conditions, now)
}

// keepClaims undoes a caller's change of the claims, which belong to the controllers, and tells the caller.
func keepClaims(ctx context.Context, network *networking.Network, stored []networking.NetworkPeeringClaimRef) {
	if !equality.Semantic.DeepEqual(network.Spec.IncomingPeerings, stored) {
		warning.AddWarning(ctx, "", "spec.incomingPeerings: written by the peering controllers alone, kept as stored")
	}
	network.Spec.IncomingPeerings = stored
}

func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateNetwork(obj.(*networking.Network))
}

func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateNetworkUpdate(obj.(*networking.Network), old.(*networking.Network))
}

// CheckGracefulDelete has a deletion wait for the NetworkInterfaces of the Network. It is called in the write that begins
// the deletion, and adds the finalizer there, so that nothing can come in between. There is no grace period.
func (s strategy) CheckGracefulDelete(ctx context.Context, obj runtime.Object, _ *metav1.DeleteOptions) bool {
	network := obj.(*networking.Network)
	members, err := s.members(ctx, network.Namespace, network.Name)
	if err != nil {
		// Without an answer there may be some. The membership controller counts again.
		klog.FromContext(ctx).Error(err, "Looking for the NetworkInterfaces of a Network failed", "network", klog.KObj(network))
	}
	if err != nil || len(members) > 0 {
		protect(network, members, metav1.Now())
	}
	return false
}

// statusStrategy is for writes of the status subresource, by the provider.
type statusStrategy struct {
	strategy
}

// GetResetFieldsFilter lists what a write of the status subresource may change.
func (statusStrategy) GetResetFieldsFilter() map[fieldpath.APIVersion]fieldpath.Filter {
	// One matcher for all fields of an item: separate ones below a wildcard would not be merged.
	item := fieldpath.NewSetMatcher(false,
		kind.Field("name", kind.Whole()),
		kind.Field("state", kind.Whole()),
		kind.Field("prefixes", kind.Whole()),
	)
	items := fieldpath.NewSetMatcher(false, &fieldpath.SetMemberMatcher{Path: fieldpath.MatchAnyPathElement(), Child: item})
	return kind.StatusFields(
		kind.Field("state", kind.Whole()),
		kind.Field("conditions", kind.Whole()),
		kind.Field("peerings", items),
	)
}

// PrepareForUpdate takes from the sent object what a provider may change, and everything else from the stored one.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	network, stored := obj.(*networking.Network), old.(*networking.Network)
	kind.KeepMetadata(&network.ObjectMeta, &stored.ObjectMeta)
	network.Spec = stored.Spec
	network.Status = mergeProviderStatus(network.Status, stored.Status)
	deriveConditions(network, stored.Status.Conditions, metav1.Now())
}

func (statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateNetworkStatusUpdate(obj.(*networking.Network), old.(*networking.Network))
}
