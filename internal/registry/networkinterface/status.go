// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
	"ironcore.dev/networking/internal/registry/member"
)

// prepare starts a NetworkInterface as Pending, with the reason if its Network does not exist, and takes it back to Pending
// when its machineRef ends, and the providerID with it, or when what is to be in force changes.
func prepare(ctx context.Context, networks member.Networks, nic, stored *networking.NetworkInterface, now metav1.Time) {
	spec, before, status := &nic.Spec, &stored.Spec, &nic.Status
	if stored.Name == "" {
		status.State = networking.NetworkInterfaceStatePending
		if _, err := networks.ReadOnce(ctx, spec.NetworkRef.Name); member.IsMissing(err) {
			status.Conditions = []metav1.Condition{networkNotFound(nic)}
		}
		status.LastStateTransitionTime = &now
		return
	}
	machineEnds := before.MachineRef != nil && !equality.Semantic.DeepEqual(spec.MachineRef, before.MachineRef)
	if machineEnds && (spec.MachineRef == nil || spec.ProviderID == before.ProviderID) {
		spec.ProviderID = ""
	}
	sameAddresses := equality.Semantic.DeepEqual(spec.IPs, before.IPs) &&
		equality.Semantic.DeepEqual(spec.Prefixes, before.Prefixes) && equality.Semantic.DeepEqual(spec.VirtualIP, before.VirtualIP)
	switch {
	case machineEnds || !sameAddresses:
		setState(status, networking.NetworkInterfaceStatePending, now)
	case !equality.Semantic.DeepEqual(spec.Attributes, before.Attributes):
		// What is in force stays. What the attributes mean is known to the provider alone, which has not seen them yet.
	case stored.Status.ObservedGeneration == stored.Generation,
		// A server that keeps no count stored it: what it says is in force counts for what it asks for.
		stored.Status.ObservedGeneration == 0 && stored.Status.State == networking.NetworkInterfaceStateAvailable:
		status.ObservedGeneration = nic.Generation // What changed is nothing to realize.
	}
}

// mergeStatus takes the state as stored where none is sent, and dates a change of it.
func mergeStatus(nic, stored *networking.NetworkInterface, now metav1.Time) {
	state := nic.Status.State
	nic.Status.State, nic.Status.LastStateTransitionTime = stored.Status.State, stored.Status.LastStateTransitionTime
	if state != "" {
		setState(&nic.Status, state, now)
	}
	nic.Status.ObservedGeneration = stored.Generation
}

func networkNotFound(nic *networking.NetworkInterface) metav1.Condition {
	return metav1.Condition{
		Type:    v1alpha1.NetworkInterfaceAvailable,
		Status:  metav1.ConditionFalse,
		Reason:  v1alpha1.NetworkInterfaceReasonNetworkNotFound,
		Message: fmt.Sprintf("There is no Network %s: create it.", nic.Spec.NetworkRef.Name),
	}
}

func setState(status *networking.NetworkInterfaceStatus, state networking.NetworkInterfaceState, now metav1.Time) {
	if status.State != state {
		status.State, status.LastStateTransitionTime = state, &now
	}
}

// conditions make Available and Ready agree with the state.
func conditions(nic *networking.NetworkInterface) []metav1.Condition {
	available := registry.AvailableCondition("NetworkInterface", nic.Status.State, nic.Status.Conditions)
	return []metav1.Condition{available, registry.ReadyCondition(nic.Generation, nic.Status.ObservedGeneration, available)}
}
