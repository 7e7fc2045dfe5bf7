// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"time"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// Provider wraps a provider to measure its calls.
func Provider(p provider.Provider) provider.Provider {
	if interfaces, ok := p.(provider.InterfaceProvider); ok {
		return interfaceProvider{InterfaceProvider: interfaces, networkProvider: networkProvider{p}}
	}
	return networkProvider{p}
}

type networkProvider struct{ provider.Provider }

// Realize implements provider.Provider.
func (p networkProvider) Realize(
	ctx context.Context, network *v1alpha1.Network, situation provider.Situation,
) (_ provider.Realization, err error) {
	defer timed("Realize", time.Now(), &err)
	return p.Provider.Realize(ctx, network, situation)
}

// Release implements provider.Provider.
func (p networkProvider) Release(ctx context.Context, network *v1alpha1.Network) (_ bool, err error) {
	defer timed("Release", time.Now(), &err)
	return p.Provider.Release(ctx, network)
}

type interfaceProvider struct {
	provider.InterfaceProvider
	networkProvider networkProvider
}

// Realize implements provider.Provider.
func (p interfaceProvider) Realize(
	ctx context.Context, network *v1alpha1.Network, situation provider.Situation,
) (provider.Realization, error) {
	return p.networkProvider.Realize(ctx, network, situation)
}

// Release implements provider.Provider.
func (p interfaceProvider) Release(ctx context.Context, network *v1alpha1.Network) (bool, error) {
	return p.networkProvider.Release(ctx, network)
}

// RealizeInterface implements provider.InterfaceProvider.
func (p interfaceProvider) RealizeInterface(
	ctx context.Context, nic *v1alpha1.NetworkInterface, network *v1alpha1.Network, vip *v1alpha1.VirtualIP,
) (_ provider.InterfaceRealization, err error) {
	defer timed("RealizeInterface", time.Now(), &err)
	return p.InterfaceProvider.RealizeInterface(ctx, nic, network, vip)
}

func timed(method string, start time.Time, err *error) {
	result := "success"
	if *err != nil {
		result = "error"
	}
	providerCalls.WithLabelValues(method, result).Observe(time.Since(start).Seconds())
}
