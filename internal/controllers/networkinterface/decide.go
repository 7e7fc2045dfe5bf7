// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// rivals returns the other NetworkInterfaces of its Network that ask for an address.
type rivals func(address string) []*v1alpha1.NetworkInterface

// obstacle returns why no provider could make a NetworkInterface available, or nil. A nil Network does not exist.
func obstacle(nic *v1alpha1.NetworkInterface, network *v1alpha1.Network, rivals rivals) *provider.InterfaceRealization {
	switch {
	case network == nil:
		return &provider.InterfaceRealization{
			State:   v1alpha1.NetworkInterfaceStatePending,
			Reason:  v1alpha1.NetworkInterfaceReasonNetworkNotFound,
			Message: fmt.Sprintf("There is no Network %s: create it.", nic.Spec.NetworkRef.Name),
		}
	case network.Status.State != v1alpha1.NetworkStateAvailable && network.DeletionTimestamp != nil:
		return &provider.InterfaceRealization{
			State:  v1alpha1.NetworkInterfaceStatePending,
			Reason: v1alpha1.NetworkInterfaceReasonNetworkNotAvailable,
			Message: fmt.Sprintf("Network %s is being deleted and never becomes available: "+
				"delete this NetworkInterface to let the Network go.", network.Name),
		}
	case network.Status.State != v1alpha1.NetworkStateAvailable:
		return &provider.InterfaceRealization{
			State:   v1alpha1.NetworkInterfaceStatePending,
			Reason:  v1alpha1.NetworkInterfaceReasonNetworkNotAvailable,
			Message: fmt.Sprintf("Network %s is not available yet: its network provider has to realize it first.", network.Name),
		}
	}
	for _, source := range nic.Spec.IPs {
		if source.Value == "" {
			continue
		}
		for _, rival := range rivals(source.Value) {
			if rival.UID != nic.UID && precedes(rival, nic, source.Value) {
				return &provider.InterfaceRealization{
					State:  v1alpha1.NetworkInterfaceStateError,
					Reason: v1alpha1.NetworkInterfaceReasonAddressInUse,
					Message: fmt.Sprintf("NetworkInterface %s of Network %s has %s already: choose another address.",
						rival.Name, network.Name, source.Value),
				}
			}
		}
	}
	return nil
}

// precedes tells which of two NetworkInterfaces that ask for the same address may have it: the one that has it in force, else
// the one that was created first.
func precedes(rival, nic *v1alpha1.NetworkInterface, address string) bool {
	if rivalHas, has := hasInForce(rival, address), hasInForce(nic, address); rivalHas != has {
		return rivalHas
	}
	if !rival.CreationTimestamp.Equal(&nic.CreationTimestamp) {
		return rival.CreationTimestamp.Before(&nic.CreationTimestamp)
	}
	return rival.Name < nic.Name
}

func hasInForce(nic *v1alpha1.NetworkInterface, address string) bool {
	return nic.Status.State == v1alpha1.NetworkInterfaceStateAvailable && slices.Contains(nic.Status.IPs, address)
}

// report returns the NetworkInterface with the status that tells what realizes it, or nil if it does already.
func report(nic *v1alpha1.NetworkInterface, realization provider.InterfaceRealization) *v1alpha1.NetworkInterface {
	if realization.State == "" {
		return nil
	}
	update := nic.DeepCopy()
	status := &update.Status
	status.State = realization.State
	status.IPs, status.Prefixes, status.VirtualIP = realization.IPs, realization.Prefixes, realization.VirtualIP
	provider.Explain(&status.Conditions, realization.State, realization.Reason, realization.Message)
	if equality.Semantic.DeepEqual(nic.Status, *status) {
		return nil
	}
	return update
}

// event tells users of a change of the state, which they care about.
func event(before, after *v1alpha1.NetworkInterface, realization provider.InterfaceRealization) (kind, reason, message string) {
	switch {
	case before.Status.State == after.Status.State:
		return "", "", ""
	case after.Status.State == v1alpha1.NetworkInterfaceStateAvailable:
		return corev1.EventTypeNormal, "Available", "The NetworkInterface is available"
	case realization.Reason != "":
		return corev1.EventTypeWarning, realization.Reason, realization.Message
	}
	return "", "", ""
}

// concernsRivals tells whether a change can decide anew who may have an address. A nil NetworkInterface does not exist.
func concernsRivals(old, nic *v1alpha1.NetworkInterface) bool {
	if old == nil || nic == nil {
		return true
	}
	return old.UID != nic.UID || old.Status.State != nic.Status.State ||
		!slices.Equal(old.Status.IPs, nic.Status.IPs) || !equality.Semantic.DeepEqual(old.Spec.IPs, nic.Spec.IPs)
}

// concernsInterfaces tells whether a change of a Network can change the state of its NetworkInterfaces.
func concernsInterfaces(old, network *v1alpha1.Network) bool {
	return old.UID != network.UID || (old.DeletionTimestamp == nil) != (network.DeletionTimestamp == nil) ||
		(old.Status.State == v1alpha1.NetworkStateAvailable) != (network.Status.State == v1alpha1.NetworkStateAvailable)
}
