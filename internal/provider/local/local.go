// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package local is the default provider of a server that stands alone. It gives each Network a virtual network identifier of its
// own (VNI, 24 bits as in RFC 7348) and reports it Available. It also allocates addresses for VirtualIPs, LoadBalancers and
// NATGateways. It carries no packets.
//
// Each VNI or address in use is a key in the server's etcd that holds the UID of its owner. Allocation creates the key in a
// transaction that fails if the key exists, so a VNI is unique even if a former leader still allocates. The search begins after the
// last allocation, so a freed VNI is reused last.
package local

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
)

const scheme = "local://"

// errVNIsExhausted tells that the range has no free VNI.
var errVNIsExhausted = errors.New("all VNIs of --local-vni-range are in use: delete Networks or widen the range")

// Provider realizes Networks as VNIs.
type Provider struct {
	vnis *allocator[uint32]
	// addresses are what VirtualIPs, LoadBalancers and NATGateways get.
	addresses map[v1alpha1.IPFamily]*allocator[netip.Addr]
}

var _ provider.Provider = &Provider{}

// New returns a provider that allocates from ranges and keeps its keys in etcd below the prefix. One serves a leader for
// as long as it leads; the next leader makes its own.
func New(etcd *clientv3.Client, prefix string, vnis VNIRange, addresses AddressRanges) *Provider {
	p := &Provider{
		vnis:      &allocator[uint32]{etcd: etcd, prefix: prefix, noun: "vni", pool: &vnis},
		addresses: make(map[v1alpha1.IPFamily]*allocator[netip.Addr]),
	}
	for family, addresses := range addresses.pools() {
		p.addresses[family] = &allocator[netip.Addr]{
			etcd: etcd, prefix: path.Join(prefix, string(family)), noun: "address", pool: addresses,
		}
	}
	return p
}

// Finalizer is empty: nothing has to be torn down before a Network may be gone.
func (p *Provider) Finalizer() string { return "" }

// parse returns the VNI in a providerID, and whether it is one of this provider.
func parse(id string) (vni uint64, ok bool) {
	digits, found := strings.CutPrefix(id, scheme)
	vni, err := strconv.ParseUint(digits, 10, 24)
	return vni, found && err == nil && vni > 0
}

// Realize allocates a VNI, or makes sure that the one in spec.providerID belongs to the Network. It does nothing for peerings:
// there is no data plane.
func (p *Provider) Realize(
	ctx context.Context, network *v1alpha1.Network, _ provider.Situation,
) (provider.Realization, error) {
	var wanted uint32
	if id := network.Spec.ProviderID; id != "" {
		vni, ok := parse(id)
		if !ok {
			return provider.Realization{
				State:   v1alpha1.NetworkStateError,
				Reason:  "ForeignProviderID",
				Message: fmt.Sprintf("spec.providerID %q is not one of the local provider; it has the form %s<vni>.", id, scheme),
			}, nil
		}
		wanted = uint32(vni)
	}
	name := rules.NameOf(network)
	vni, err := p.vnis.allocate(ctx, network.UID, name.String(), wanted)
	var inUse *inUseError
	var differs *differsError[uint32]
	switch {
	case errors.As(err, &inUse):
		return provider.Realization{
			State: v1alpha1.NetworkStateError, Reason: "VNIInUse",
			Message: fmt.Sprintf("VNI %d is in use by the Network with UID %s.", wanted, inUse.owner),
		}, nil
	case errors.As(err, &differs):
		return provider.Realization{}, fmt.Errorf("the Network has VNI %d, but its spec.providerID says %d", differs.has, wanted)
	case errors.Is(err, errExhausted):
		return provider.Realization{
			State: v1alpha1.NetworkStatePending, Reason: "VNIsExhausted", Message: errVNIsExhausted.Error(),
		}, errVNIsExhausted
	case err != nil:
		return provider.Realization{}, err
	}
	return provider.Realization{
		ProviderID: fmt.Sprintf("%s%d", scheme, vni),
		State:      v1alpha1.NetworkStateAvailable,
	}, nil
}

// Release frees the VNI of a Network.
func (p *Provider) Release(ctx context.Context, network *v1alpha1.Network) (gone bool, err error) {
	if err := p.vnis.free(ctx, network.UID); err != nil {
		return false, err
	}
	return true, nil
}

// Run calls found for every Network that has a VNI, also for those that were deleted while the server did not run.
func (p *Provider) Run(ctx context.Context, found provider.Found) error {
	owners, err := p.vnis.owners(ctx)
	if err != nil {
		return err
	}
	for uid, text := range owners {
		namespace, name, _ := strings.Cut(text, "/")
		found(types.NamespacedName{Namespace: namespace, Name: name}, uid)
	}
	<-ctx.Done()
	return nil
}
