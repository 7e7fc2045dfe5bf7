// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// rivals returns the NetworkInterfaces of one Network that ask for or have an address.
type rivals func(address string) []*v1alpha1.NetworkInterface

// obstacle returns why no provider could make a NetworkInterface of the given Network available, whatever its
// addresses, or nil. A nil Network does not exist.
func obstacle(nic *v1alpha1.NetworkInterface, network *v1alpha1.Network) *provider.InterfaceRealization {
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
	return nil
}

// addressInUse tells that another NetworkInterface has an address.
func addressInUse(nic *v1alpha1.NetworkInterface, address string, by *v1alpha1.NetworkInterface,
) *provider.InterfaceRealization {
	return &provider.InterfaceRealization{
		State:  v1alpha1.NetworkInterfaceStateError,
		Reason: v1alpha1.NetworkInterfaceReasonAddressInUse,
		Message: fmt.Sprintf("NetworkInterface %s of Network %s has %s already: choose another address.",
			by.Name, nic.Spec.NetworkRef.Name, address),
	}
}

func inForce(nic *v1alpha1.NetworkInterface, address string) bool {
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

// explain returns the NetworkInterface with the words for an obstacle, or without if that is gone, or nil if nothing is
// to be said. It is for one that somebody outside realizes: the state is theirs, and where they have explained it, so
// are the words.
func explain(nic *v1alpha1.NetworkInterface, obstacle *provider.InterfaceRealization) *v1alpha1.NetworkInterface {
	available := meta.FindStatusCondition(nic.Status.Conditions, v1alpha1.NetworkInterfaceAvailable)
	if nic.Status.State != v1alpha1.NetworkInterfaceStatePending || available != nil && !ownWords(available.Reason) {
		return nil
	}
	explained := provider.InterfaceRealization{
		State: nic.Status.State, IPs: nic.Status.IPs, Prefixes: nic.Status.Prefixes, VirtualIP: nic.Status.VirtualIP,
	}
	if obstacle != nil && ownWords(obstacle.Reason) {
		explained.Reason, explained.Message = obstacle.Reason, obstacle.Message
	}
	return report(nic, explained)
}

// ownWords tells whether a reason is one that this server gives where somebody outside realizes NetworkInterfaces. That
// a Network is not available yet is not among them: it is so of all its NetworkInterfaces, and passes.
func ownWords(reason string) bool {
	return provider.WordedByServer(reason) || reason == v1alpha1.NetworkInterfaceReasonNetworkNotFound ||
		reason == v1alpha1.NetworkInterfaceReasonAddressInUse
}

// event tells users of a change of the state, which they care about. Nil after it means that nothing changed.
func event(before, after *v1alpha1.NetworkInterface, realization provider.InterfaceRealization) (kind, reason, message string) {
	switch {
	case after == nil || before.Status.State == after.Status.State:
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
