// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
)

// contenders returns the NetworkInterfaces of one Network that ask for or have an address.
type contenders func(address string) []*v1alpha1.NetworkInterface

// obstacle returns why no provider could make a NetworkInterface of the given Network available, whatever its
// addresses, or nil. A nil Network does not exist.
func obstacle(nic *v1alpha1.NetworkInterface, network *v1alpha1.Network) *provider.InterfaceRealization {
	switch text := malformed(&nic.Spec); {
	case text != "":
		return &provider.InterfaceRealization{
			State:   v1alpha1.NetworkInterfaceStateError,
			Reason:  v1alpha1.NetworkInterfaceReasonAddressMalformed,
			Message: fmt.Sprintf("%.100q is no address or range: correct spec.ips and spec.prefixes.", text),
		}
	case network == nil:
		return &provider.InterfaceRealization{
			State:   v1alpha1.NetworkInterfaceStatePending,
			Reason:  v1alpha1.NetworkInterfaceReasonNetworkNotFound,
			Message: fmt.Sprintf("There is no Network %s: create it.", nic.Spec.NetworkRef.Name),
		}
	case network.Status.State != v1alpha1.NetworkStateAvailable && network.DeletionTimestamp != nil:
		return waiting(nic, fmt.Sprintf("Network %s is being deleted and never becomes available: "+
			"delete this NetworkInterface to let the Network go.", network.Name))
	case network.Status.State != v1alpha1.NetworkStateAvailable:
		return waiting(nic, fmt.Sprintf(
			"Network %s is not available yet: its network provider has to realize it first.", network.Name))
	}
	return nil
}

// malformed returns what is no address or range where there must be one, if anything. The server refuses that, but other hands
// may have stored it.
func malformed(spec *v1alpha1.NetworkInterfaceSpec) string {
	for _, source := range spec.IPs {
		if address, err := netip.ParseAddr(source.Value); source.Value != "" && (err != nil || address.Zone() != "") {
			return source.Value
		}
	}
	for _, source := range spec.Prefixes {
		if _, err := netip.ParsePrefix(source.Value); source.Value != "" && err != nil {
			return source.Value
		}
	}
	return ""
}

// waiting tells that a NetworkInterface waits for its Network. It keeps the addresses that it has.
func waiting(nic *v1alpha1.NetworkInterface, message string) *provider.InterfaceRealization {
	return &provider.InterfaceRealization{
		State:  v1alpha1.NetworkInterfaceStatePending,
		Reason: v1alpha1.NetworkInterfaceReasonNetworkNotAvailable, Message: message,
		IPs: nic.Status.IPs, Prefixes: nic.Status.Prefixes, VirtualIP: nic.Status.VirtualIP,
		MACAddress: nic.Status.MACAddress, Gateways: nic.Status.Gateways, MTU: nic.Status.MTU,
	}
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

// addressUnknown tells that nobody knows whether the addresses are free.
func addressUnknown(nic *v1alpha1.NetworkInterface) *provider.InterfaceRealization {
	return &provider.InterfaceRealization{
		State:  v1alpha1.NetworkInterfaceStatePending,
		Reason: v1alpha1.NetworkInterfaceReasonAddressUnknown,
		Message: fmt.Sprintf("A NetworkInterface in namespace %s can't be read and may have one of the addresses: "+
			"whoever runs the server finds it in the log.", nic.Namespace),
	}
}

// holdsAll tells whether a NetworkInterface has all addresses that it asks for.
func holdsAll(nic *v1alpha1.NetworkInterface) bool {
	return !slices.ContainsFunc(nic.Spec.IPs, func(source v1alpha1.IPSource) bool {
		return source.Value != "" && !holds(nic, source.Value)
	})
}

// holds tells whether a NetworkInterface has an address: it has been in force, and was not taken back since. While its
// Network is not available for a time, the address stays with it.
func holds(nic *v1alpha1.NetworkInterface, address string) bool {
	return nic.Status.State != v1alpha1.NetworkInterfaceStateError && slices.Contains(nic.Status.IPs, address)
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
	status.MACAddress, status.Gateways, status.MTU = realization.MACAddress, realization.Gateways, realization.MTU
	provider.Explain(&status.Conditions, realization.State, realization.Reason, realization.Message)
	setPluggedCondition(&status.Conditions, realization.Plugged)
	if equality.Semantic.DeepEqual(nic.Status, *status) && !isStale(nic) {
		return nil
	}
	return update
}

// overlapWords says what overlaps, and what can be done.
func overlapWords(clash rules.Clash, clashes bool) string {
	if !clashes {
		return ""
	}
	return fmt.Sprintf("%s overlaps %s of NetworkInterface %s, which came first: choose another, or take one of the two away.",
		rules.RangeText(clash.Range), rules.RangeText(clash.Other), clash.With.Name)
}

// withOverlapCondition returns the NetworkInterface with the condition that tells of an overlap, on top of an update of it that may
// be nil, or that update if the condition is as it should be.
func withOverlapCondition(nic, update *v1alpha1.NetworkInterface, overlap string) *v1alpha1.NetworkInterface {
	told := update
	if told == nil {
		told = nic.DeepCopy()
	}
	var changed bool
	if overlap == "" {
		changed = meta.RemoveStatusCondition(&told.Status.Conditions, v1alpha1.NetworkInterfacePrefixesOverlap)
	} else {
		changed = meta.SetStatusCondition(&told.Status.Conditions, metav1.Condition{
			Type: v1alpha1.NetworkInterfacePrefixesOverlap, Status: metav1.ConditionTrue,
			Reason: v1alpha1.NetworkInterfaceReasonRangesOverlap, Message: overlap,
		})
	}
	if !changed {
		return update
	}
	return told
}

func hasOverlapCondition(nic *v1alpha1.NetworkInterface) bool {
	return meta.IsStatusConditionTrue(nic.Status.Conditions, v1alpha1.NetworkInterfacePrefixesOverlap)
}

// isStale tells whether a replica of an earlier release wrote the status last, and left out what it did not know.
func isStale(nic *v1alpha1.NetworkInterface) bool {
	return nic.Status.ObservedGeneration != nic.Generation ||
		rules.IsReadyStale(nic.Generation, nic.Status.ObservedGeneration, nic.Status.Conditions)
}

// setPluggedCondition says in a condition whether a machine is attached, if the provider knows.
func setPluggedCondition(conditions *[]metav1.Condition, plugged *bool) {
	switch {
	case plugged == nil:
		meta.RemoveStatusCondition(conditions, v1alpha1.NetworkInterfacePlugged)
	case *plugged:
		meta.SetStatusCondition(conditions, metav1.Condition{
			Type: v1alpha1.NetworkInterfacePlugged, Status: metav1.ConditionTrue, Reason: "Plugged",
			Message: "A hypervisor has plugged in the port.",
		})
	default:
		meta.SetStatusCondition(conditions, metav1.Condition{
			Type: v1alpha1.NetworkInterfacePlugged, Status: metav1.ConditionFalse, Reason: "Unplugged",
			Message: "No hypervisor has plugged in the port: set its external-ids:iface-id to what follows ovn:// in spec.providerID.",
		})
	}
}

// withProviderID returns the NetworkInterface with its provider ID, or nil if it has that already.
func withProviderID(nic *v1alpha1.NetworkInterface, realization provider.InterfaceRealization) *v1alpha1.NetworkInterface {
	if realization.ProviderID == "" || nic.Spec.ProviderID != "" {
		return nil
	}
	update := nic.DeepCopy()
	update.Spec.ProviderID = realization.ProviderID
	return update
}

// explain returns the NetworkInterface with the words for an obstacle, or without if that is gone, or nil if nothing is
// to be said. It is for one that somebody outside realizes: the state is theirs, and where they have explained it, so
// are the words.
func explain(nic *v1alpha1.NetworkInterface, obstacle *provider.InterfaceRealization) *v1alpha1.NetworkInterface {
	available := meta.FindStatusCondition(nic.Status.Conditions, v1alpha1.NetworkInterfaceAvailable)
	if nic.Status.State != v1alpha1.NetworkInterfaceStatePending || available != nil && !isServerReason(available.Reason) {
		return nil
	}
	update, reason, message := nic.DeepCopy(), "", ""
	if obstacle != nil && isServerReason(obstacle.Reason) {
		reason, message = obstacle.Reason, obstacle.Message
	}
	provider.Explain(&update.Status.Conditions, update.Status.State, reason, message)
	if equality.Semantic.DeepEqual(nic.Status, update.Status) {
		return nil
	}
	return update
}

// isServerReason tells whether a reason is one that this server gives where somebody outside realizes NetworkInterfaces. That
// a Network is not available yet is not among them: it is so of all its NetworkInterfaces, and passes.
func isServerReason(reason string) bool {
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

// concernsContenders tells whether a change can decide anew who may have an address. A nil NetworkInterface does not exist.
func concernsContenders(old, nic *v1alpha1.NetworkInterface) bool {
	if old == nil || nic == nil {
		return true
	}
	inError := func(nic *v1alpha1.NetworkInterface) bool {
		return nic.Status.State == v1alpha1.NetworkInterfaceStateError && len(nic.Status.IPs) > 0
	}
	return old.UID != nic.UID || inError(old) != inError(nic) ||
		!slices.Equal(old.Status.IPs, nic.Status.IPs) || !equality.Semantic.DeepEqual(old.Spec.IPs, nic.Spec.IPs)
}

// concernsNeighbours tells whether a change can decide anew which NetworkInterfaces overlap, and who is told. A nil
// NetworkInterface does not exist.
func concernsNeighbours(old, nic *v1alpha1.NetworkInterface) bool {
	return old == nil || nic == nil || old.UID != nic.UID || hasOverlapCondition(old) != hasOverlapCondition(nic) ||
		!equality.Semantic.DeepEqual(old.Spec.IPs, nic.Spec.IPs) || !equality.Semantic.DeepEqual(old.Spec.Prefixes, nic.Spec.Prefixes) ||
		!slices.Equal(old.Status.IPs, nic.Status.IPs) || !slices.Equal(old.Status.Prefixes, nic.Status.Prefixes)
}

// concernsInterfaces tells whether a change of a Network can change the state of its NetworkInterfaces.
func concernsInterfaces(old, network *v1alpha1.Network) bool {
	return old.UID != network.UID || (old.DeletionTimestamp == nil) != (network.DeletionTimestamp == nil) ||
		(old.Status.State == v1alpha1.NetworkStateAvailable) != (network.Status.State == v1alpha1.NetworkStateAvailable)
}
