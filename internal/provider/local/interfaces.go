// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

var _ provider.InterfaceProvider = &Provider{}

// RealizeInterface puts the addresses in the spec in force, and that of the VirtualIP. It allocates no others.
func (p *Provider) RealizeInterface(
	_ context.Context, nic *v1alpha1.NetworkInterface, _ *v1alpha1.Network, vip *v1alpha1.VirtualIP,
) (provider.InterfaceRealization, error) {
	realization := provider.InterfaceRealization{State: v1alpha1.NetworkInterfaceStateAvailable}
	var missing []string
	realization.IPs, realization.Prefixes, missing = provider.Given(nic)
	missing = slices.DeleteFunc(missing, func(field string) bool { return field == "spec.virtualIP" })
	var advice []string
	if len(missing) > 0 {
		advice = append(advice, "The local provider allocates no addresses: give a value to "+strings.Join(missing, ", ")+".")
	}
	if nic.Spec.VirtualIP != nil {
		if lack := missingVirtualIP(nic, vip); lack != "" {
			advice = append(advice, lack)
		} else {
			realization.VirtualIP = vip.Status.IP
		}
	}
	if len(advice) > 0 {
		realization.State = v1alpha1.NetworkInterfaceStatePending
		realization.Reason = v1alpha1.NetworkInterfaceReasonAddressMissing
		realization.Message = strings.Join(advice, " ")
	}
	return realization, nil
}

// missingVirtualIP returns why a NetworkInterface does not have the address of its VirtualIP, or an empty string if it has.
func missingVirtualIP(nic *v1alpha1.NetworkInterface, vip *v1alpha1.VirtualIP) string {
	switch ref := nic.Spec.VirtualIP.VirtualIPRef; {
	case vip == nil && ref != nil:
		return fmt.Sprintf("There is no VirtualIP %s: create it.", ref.Name)
	case vip == nil:
		return "Its VirtualIP does not exist yet."
	case vip.Spec.TargetRef == nil:
		return fmt.Sprintf("VirtualIP %s does not lead here yet.", vip.Name)
	case vip.Spec.TargetRef.UID != nic.UID:
		return fmt.Sprintf("VirtualIP %s leads to NetworkInterface %s: choose another one.", vip.Name, vip.Spec.TargetRef.Name)
	case vip.Status.IP == "":
		return fmt.Sprintf("VirtualIP %s has no address yet.", vip.Name)
	}
	return ""
}

// WatchInterfaces has nothing to watch.
func (p *Provider) WatchInterfaces(context.Context, func(types.NamespacedName)) {}
