// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"strings"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

var _ provider.InterfaceProvider = &Provider{}

// RealizeInterface puts the addresses in force that are given. There is nothing here that allocates others.
func (p *Provider) RealizeInterface(
	_ context.Context, nic *v1alpha1.NetworkInterface, _ *v1alpha1.Network,
) (provider.InterfaceRealization, error) {
	realization := provider.InterfaceRealization{State: v1alpha1.NetworkInterfaceStateAvailable}
	var missing []string
	for i, source := range nic.Spec.IPs {
		if source.Value == "" {
			missing = append(missing, fmt.Sprintf("spec.ips[%d]", i))
			continue
		}
		realization.IPs = append(realization.IPs, source.Value)
	}
	for i, source := range nic.Spec.Prefixes {
		if source.Value == "" {
			missing = append(missing, fmt.Sprintf("spec.prefixes[%d]", i))
			continue
		}
		realization.Prefixes = append(realization.Prefixes, source.Value)
	}
	if nic.Spec.VirtualIP != nil {
		missing = append(missing, "spec.virtualIP")
	}
	if len(missing) > 0 {
		realization.State = v1alpha1.NetworkInterfaceStatePending
		realization.Reason = v1alpha1.NetworkInterfaceReasonAddressMissing
		realization.Message = fmt.Sprintf("The local provider allocates no addresses, and %s has none: give it a value.",
			strings.Join(missing, ", "))
	}
	return realization, nil
}
