// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

var _ provider.AddressProvider = &Provider{}

// Address allocates an address from --local-virtual-ip-range.
func (p *Provider) Address(ctx context.Context, holder provider.Holder, family v1alpha1.IPFamily) (string, error) {
	allocator, ok := p.addresses[family]
	if !ok {
		return "", provider.NewTrouble("", "NoAddressRange",
			fmt.Sprintf("--local-virtual-ip-range has no %s range: add one.", family), nil)
	}
	address, err := allocator.allocate(ctx, holder.UID, holder.Kind+"/"+holder.NamespacedName.String(), netip.Addr{})
	if errors.Is(err, errExhausted) {
		return "", provider.NewTrouble("", "AddressesExhausted", fmt.Sprintf(
			"All %s addresses of --local-virtual-ip-range are in use: delete what needs none, or widen the range.", family), err)
	}
	if err != nil {
		return "", err
	}
	return address.String(), nil
}

// FreeAddresses frees the addresses of all families.
func (p *Provider) FreeAddresses(ctx context.Context, holder provider.Holder) error {
	for _, allocator := range p.addresses {
		if err := allocator.free(ctx, holder.UID); err != nil {
			return err
		}
	}
	return nil
}

// Holders returns the objects that have an address.
func (p *Provider) Holders(ctx context.Context) ([]provider.Holder, error) {
	var holders []provider.Holder
	for _, allocator := range p.addresses {
		owners, err := allocator.owners(ctx)
		if err != nil {
			return nil, err
		}
		for uid, text := range owners {
			kind, name, _ := strings.Cut(text, "/")
			namespace, name, _ := strings.Cut(name, "/")
			holders = append(holders, provider.Holder{
				Kind: kind, NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}, UID: uid,
			})
		}
	}
	return holders, nil
}
