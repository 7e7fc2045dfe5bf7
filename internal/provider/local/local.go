// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package local is the provider of a server that stands alone: it gives each Network a virtual network identifier of its
// own (VNI, 24 bits as in RFC 7348) and reports it Available.
//
// Each VNI in use is a key in the server's etcd that holds the UID of its Network. Allocation creates the key in a
// transaction that fails if the key exists, so a VNI is unique whoever allocates it, a deposed leader included. The last
// allocation is remembered and the search goes on behind it, so a freed VNI is reused last.
package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

const scheme = "local://"

// Provider realizes Networks as VNIs.
type Provider struct {
	allocator *allocator
}

var _ provider.Provider = &Provider{}

// New returns a provider that allocates from a range and keeps its keys in etcd below the prefix. One serves a leader for
// as long as it leads; the next leader makes its own.
func New(etcd *clientv3.Client, prefix string, vnis Range) *Provider {
	return &Provider{allocator: &allocator{etcd: etcd, prefix: prefix, vnis: vnis}}
}

// Finalizer is empty: nothing has to be torn down before a Network may be gone.
func (p *Provider) Finalizer() string { return "" }

// Realize allocates a VNI, or makes sure that the one in spec.providerID belongs to the Network. There is no data plane
// that peerings would mean anything to.
func (p *Provider) Realize(
	ctx context.Context, network *v1alpha1.Network, _ map[string]*v1alpha1.Network,
) (provider.Realization, error) {
	var wanted uint32
	if id := network.Spec.ProviderID; id != "" {
		vni, err := strconv.ParseUint(strings.TrimPrefix(id, scheme), 10, 24)
		if err != nil || vni == 0 || !strings.HasPrefix(id, scheme) {
			return provider.Realization{
				State:   v1alpha1.NetworkStateError,
				Reason:  "ForeignProviderID",
				Message: fmt.Sprintf("spec.providerID %q is not one of the local provider; it has the form %s<vni>.", id, scheme),
			}, nil
		}
		wanted = uint32(vni)
	}
	name := types.NamespacedName{Namespace: network.Namespace, Name: network.Name}
	vni, err := p.allocator.allocate(ctx, network.UID, name, wanted)
	var inUse *inUseError
	switch {
	case errors.As(err, &inUse):
		return provider.Realization{State: v1alpha1.NetworkStateError, Reason: "VNIInUse", Message: err.Error()}, nil
	case errors.Is(err, errExhausted):
		return provider.Realization{State: v1alpha1.NetworkStatePending, Reason: "VNIsExhausted", Message: err.Error()}, err
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
	if err := p.allocator.free(ctx, network.UID); err != nil {
		return false, err
	}
	return true, nil
}

// Run finds every Network that has a VNI, those included that were deleted while nobody looked.
func (p *Provider) Run(ctx context.Context, found provider.Found) error {
	owners, err := p.allocator.owners(ctx)
	if err != nil {
		return err
	}
	for uid, name := range owners {
		found(name, uid)
	}
	<-ctx.Done()
	return nil
}
