// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/server/standalone/etcdtest"
)

// addressLeaders makes providers as one leader after the other does, all on the same etcd and ranges.
func addressLeaders(t *testing.T, ranges string) (next func() *Provider) {
	t.Helper()
	var addresses AddressRanges
	if err := addresses.Set(ranges); err != nil {
		t.Fatal(err)
	}
	etcd := etcdtest.Client(t)
	return func() *Provider { return New(etcd, "/test/local-provider", DefaultVNIRange(), addresses) }
}

func holder(kind, name string) provider.Holder {
	return provider.Holder{
		Kind: kind, NamespacedName: types.NamespacedName{Namespace: "team-a", Name: name}, UID: types.UID("uid-of-" + kind + name),
	}
}

func wantAddress(t *testing.T, p *Provider, of provider.Holder, family v1alpha1.IPFamily, want string) {
	t.Helper()
	got, err := p.Address(t.Context(), of, family)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%s got %s, want %s", of, got, want)
	}
}

func TestAnObjectKeepsItsAddress(t *testing.T) {
	next := addressLeaders(t, "203.0.113.0/29,2001:db8::/32")
	first := next()
	balancer, vip, gateway := holder("LoadBalancer", "a"), holder("VirtualIP", "a"), holder("NATGateway", "a")
	wantAddress(t, first, balancer, v1alpha1.IPv4Protocol, "203.0.113.1")
	wantAddress(t, first, balancer, v1alpha1.IPv6Protocol, "2001:db8::1")
	wantAddress(t, first, vip, v1alpha1.IPv4Protocol, "203.0.113.2")
	wantAddress(t, first, balancer, v1alpha1.IPv4Protocol, "203.0.113.1")

	second := next() // The leader crashed before it could write the addresses down.
	wantAddress(t, second, balancer, v1alpha1.IPv6Protocol, "2001:db8::1")
	wantAddress(t, second, gateway, v1alpha1.IPv4Protocol, "203.0.113.3")
	wantAddress(t, first, gateway, v1alpha1.IPv4Protocol, "203.0.113.3") // It doesn't know that it was deposed.

	// What is freed is given away last.
	if err := second.FreeAddresses(t.Context(), balancer); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"203.0.113.4", "203.0.113.5", "203.0.113.6", "203.0.113.1"} {
		wantAddress(t, second, holder("VirtualIP", string(rune('b'+i))), v1alpha1.IPv4Protocol, want)
	}
	wantAddress(t, second, vip, v1alpha1.IPv6Protocol, "2001:db8::2")
}

func TestAddressesThatAreUsedUpAreExplained(t *testing.T) {
	p := addressLeaders(t, "203.0.113.8/31")()
	wantAddress(t, p, holder("VirtualIP", "a"), v1alpha1.IPv4Protocol, "203.0.113.8")
	wantAddress(t, p, holder("VirtualIP", "b"), v1alpha1.IPv4Protocol, "203.0.113.9")
	for family, reason := range map[v1alpha1.IPFamily]string{
		v1alpha1.IPv4Protocol: "AddressesExhausted", v1alpha1.IPv6Protocol: "NoAddressRange",
	} {
		_, err := p.Address(t.Context(), holder("VirtualIP", "c"), family)
		var trouble *provider.Trouble
		if !errors.As(err, &trouble) || trouble.Reason != reason || trouble.Message == "" {
			t.Errorf("%s: got error %v, want %s", family, err, reason)
		}
	}
	if err := p.FreeAddresses(t.Context(), holder("VirtualIP", "a")); err != nil {
		t.Fatal(err)
	}
	wantAddress(t, p, holder("VirtualIP", "c"), v1alpha1.IPv4Protocol, "203.0.113.8")
}

func TestHoldersAreFoundAndFreed(t *testing.T) {
	next := addressLeaders(t, "203.0.113.0/24,2001:db8::/32")
	first := next()
	kept, freed := holder("VirtualIP", "kept"), holder("LoadBalancer", "freed")
	wantAddress(t, first, kept, v1alpha1.IPv4Protocol, "203.0.113.1")
	wantAddress(t, first, freed, v1alpha1.IPv6Protocol, "2001:db8::1")
	for range 2 {
		if err := first.FreeAddresses(t.Context(), freed); err != nil {
			t.Fatal(err)
		}
	}
	found, err := next().Holders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]provider.Holder{kept}, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAddressesAreUniqueUnderConcurrency(t *testing.T) {
	next := addressLeaders(t, "203.0.113.0/24")
	both := []*Provider{next(), next()}
	addresses := make([]string, 64)
	var all errgroup.Group
	for i := range addresses {
		all.Go(func() (err error) {
			addresses[i], err = both[i%2].Address(t.Context(), holder("VirtualIP", string(rune('A'+i))), v1alpha1.IPv4Protocol)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(addresses)
	if distinct := slices.Compact(slices.Clone(addresses)); len(distinct) != len(addresses) {
		t.Errorf("%d objects have %d addresses: %v", len(addresses), len(distinct), addresses)
	}
}

func TestAddressRangesFlag(t *testing.T) {
	for sentence, tc := range map[string]struct{ value, want, wantErr string }{
		"one range for each family": {value: "192.0.2.0/28,2001:db8:1::/48", want: "192.0.2.0/28,2001:db8:1::/48"},
		"IPv6 alone":                {value: "fd00::/8", want: "fd00::/8"},
		"one address":               {value: "192.0.2.1/32", want: "192.0.2.1/32"},
		"nothing":                   {value: "", wantErr: `"" is no range in CIDR notation: give for instance 203.0.113.0/24,2001:db8::/32`},
		"host bits": {value: "192.0.2.1/24",
			wantErr: `"192.0.2.1/24" is no range in CIDR notation: give for instance 203.0.113.0/24,2001:db8::/32`},
		"two of one family": {value: "192.0.2.0/24,198.51.100.0/24",
			wantErr: "192.0.2.0/24 and 198.51.100.0/24 are of one IP family: give one range for each"},
	} {
		t.Run(sentence, func(t *testing.T) {
			ranges := DefaultAddressRanges()
			err := ranges.Set(tc.value)
			got, want := ranges.String(), tc.want
			if tc.wantErr != "" {
				want = "203.0.113.0/24,2001:db8::/32" // The default is not changed.
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if message := ""; err != nil || tc.wantErr != "" {
				if err != nil {
					message = err.Error()
				}
				if message != tc.wantErr {
					t.Errorf("got error %q, want %q", message, tc.wantErr)
				}
			}
		})
	}
}
