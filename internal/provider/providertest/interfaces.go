// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package providertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// forMachines ignores what a provider may report beside state and addresses.
var forMachines = cmpopts.IgnoreFields(provider.InterfaceRealization{}, "ProviderID", "MACAddress", "Gateways", "MTU", "Plugged")

// interfaces tests providers that realize NetworkInterfaces too.
func interfaces(t *testing.T, infrastructure Infrastructure) {
	leader := lead(t, infrastructure)
	realizing, ok := leader.provider.(provider.InterfaceProvider)
	if !ok {
		t.Skip("this provider leaves NetworkInterfaces to somebody outside")
	}
	network := newNetwork(0)
	leader.realize(network)

	given := &v1alpha1.NetworkInterface{Spec: v1alpha1.NetworkInterfaceSpec{
		NetworkRef: v1alpha1.LocalObjectReference{Name: network.Name},
		IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol, v1alpha1.IPv6Protocol},
		IPs:        []v1alpha1.IPSource{{Value: "10.0.0.1"}, {Value: "2001:db8::1"}},
		Prefixes:   []v1alpha1.PrefixSource{{Value: "10.1.0.0/24"}},
	}}
	want := provider.InterfaceRealization{
		State: v1alpha1.NetworkInterfaceStateAvailable,
		IPs:   []string{"10.0.0.1", "2001:db8::1"}, Prefixes: []string{"10.1.0.0/24"},
	}
	for range 2 {
		got, err := realizing.RealizeInterface(t.Context(), given, network, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, forMachines); diff != "" {
			t.Errorf("with addresses that are given (-want +got):\n%s", diff)
		}
	}

	for missing, change := range map[string]func(*v1alpha1.NetworkInterfaceSpec){
		"an address": func(spec *v1alpha1.NetworkInterfaceSpec) {
			spec.IPs[1] = v1alpha1.IPSource{Ephemeral: &v1alpha1.EphemeralPrefixSource{PrefixTemplate: &v1alpha1.PrefixTemplateSpec{}}}
		},
		"a range": func(spec *v1alpha1.NetworkInterfaceSpec) {
			spec.Prefixes[0] = v1alpha1.PrefixSource{Ephemeral: &v1alpha1.EphemeralPrefixSource{PrefixTemplate: &v1alpha1.PrefixTemplateSpec{}}}
		},
		"a virtual IP": func(spec *v1alpha1.NetworkInterfaceSpec) {
			spec.VirtualIP = &v1alpha1.VirtualIPSource{VirtualIPRef: &v1alpha1.LocalObjectReference{Name: "nowhere"}}
		},
	} {
		nic := given.DeepCopy()
		change(&nic.Spec)
		got, err := realizing.RealizeInterface(t.Context(), nic, network, nil)
		complete := len(got.IPs) == len(nic.Spec.IPs) && len(got.Prefixes) == len(nic.Spec.Prefixes) &&
			(got.VirtualIP != "") == (nic.Spec.VirtualIP != nil)
		switch {
		case err != nil:
			t.Errorf("without %s: %v", missing, err)
		case got.State == v1alpha1.NetworkInterfaceStateAvailable && !complete:
			t.Errorf("without %s it is Available all the same: %+v", missing, got)
		case got.State != v1alpha1.NetworkInterfaceStateAvailable && (got.Reason == "" || got.Message == ""):
			t.Errorf("without %s it does not say why it is %s", missing, got.State)
		}
	}
}
