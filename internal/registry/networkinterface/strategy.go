// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package networkinterface serves NetworkInterfaces: the strategies that decide who may write which field, the storage
// and the table.
package networkinterface

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry/kind"
)

// strategy is for writes of the NetworkInterface itself.
type strategy struct {
	kind.Strategy
}

func newStrategy(typer runtime.ObjectTyper) strategy { return strategy{kind.NewStrategy(typer)} }

// GetResetFields lists what a write of the NetworkInterface itself does not change.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		kind.APIVersion: fieldpath.NewSet(fieldpath.MakePathOrDie("status")),
	}
}

// PrepareForCreate leaves the status as join has started it.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	nic := obj.(*networking.NetworkInterface)
	nic.Generation = 1
	dropEmptyMachine(&nic.Spec)
}

// PrepareForUpdate keeps the status as stored, and ends the providerID with the machineRef that it belongs to.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	nic, stored := obj.(*networking.NetworkInterface), old.(*networking.NetworkInterface)
	nic.Status = stored.Status
	dropEmptyMachine(&nic.Spec)
	machineEnds := stored.Spec.MachineRef != nil && !equality.Semantic.DeepEqual(nic.Spec.MachineRef, stored.Spec.MachineRef)
	if machineEnds && (nic.Spec.MachineRef == nil || nic.Spec.ProviderID == stored.Spec.ProviderID) {
		nic.Spec.ProviderID = ""
	}
	if !equality.Semantic.DeepEqual(nic.Spec, stored.Spec) {
		nic.Generation = stored.Generation + 1
	}
}

// dropEmptyMachine lets an empty machineRef say the same as none.
func dropEmptyMachine(spec *networking.NetworkInterfaceSpec) {
	if spec.MachineRef != nil && *spec.MachineRef == (networking.LocalUIDReference{}) {
		spec.MachineRef = nil
	}
}

func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateNetworkInterface(obj.(*networking.NetworkInterface))
}

func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateNetworkInterfaceUpdate(obj.(*networking.NetworkInterface), old.(*networking.NetworkInterface))
}

// statusStrategy is for writes of the status subresource, by the provider.
type statusStrategy struct {
	strategy
}

// GetResetFieldsFilter lists what a write of the status subresource may change.
func (statusStrategy) GetResetFieldsFilter() map[fieldpath.APIVersion]fieldpath.Filter {
	return kind.StatusFields(
		kind.Field("state", kind.Whole()),
		kind.Field("ips", kind.Whole()),
		kind.Field("prefixes", kind.Whole()),
		kind.Field("virtualIP", kind.Whole()),
		kind.Field("conditions", kind.Whole()),
	)
}

// PrepareForUpdate takes the status alone from the sent object, and derives what follows from the state.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	nic, stored := obj.(*networking.NetworkInterface), old.(*networking.NetworkInterface)
	kind.KeepMetadata(&nic.ObjectMeta, &stored.ObjectMeta)
	nic.Spec = stored.Spec
	if nic.Status.State == "" {
		nic.Status.State = stored.Status.State
	}
	derive(&nic.Status, &stored.Status, metav1.Now())
}

func (statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateNetworkInterfaceStatusUpdate(obj.(*networking.NetworkInterface), old.(*networking.NetworkInterface))
}

// start gives a new NetworkInterface its status: Pending, with the reason if one is known.
func start(nic *networking.NetworkInterface, reason *metav1.Condition, now metav1.Time) {
	nic.Status = networking.NetworkInterfaceStatus{State: networking.NetworkInterfaceStatePending}
	if reason != nil {
		nic.Status.Conditions = []metav1.Condition{*reason}
	}
	derive(&nic.Status, &networking.NetworkInterfaceStatus{}, now)
}

func networkNotFound(nic *networking.NetworkInterface) *metav1.Condition {
	return &metav1.Condition{
		Type:    v1alpha1.NetworkInterfaceAvailable,
		Status:  metav1.ConditionFalse,
		Reason:  v1alpha1.NetworkInterfaceReasonNetworkNotFound,
		Message: fmt.Sprintf("There is no Network %s: create it.", nic.Spec.NetworkRef.Name),
	}
}

// derive makes lastStateTransitionTime and Available agree with the state.
func derive(status, stored *networking.NetworkInterfaceStatus, now metav1.Time) {
	status.LastStateTransitionTime = stored.LastStateTransitionTime
	if status.State != stored.State {
		status.LastStateTransitionTime = &now
	}
	derived := []metav1.Condition{kind.AvailableCondition("NetworkInterface", status.State, status.Conditions)}
	status.Conditions = kind.Conditions(derived, status.Conditions, stored.Conditions,
		[]string{v1alpha1.NetworkInterfaceAvailable}, now)
}
