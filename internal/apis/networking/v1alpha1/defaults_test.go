// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking/install"
)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return scheme
}

func TestDefaults(t *testing.T) {
	// network has one prefix in its second peering.
	network := func(prefix v1alpha1.PeeringPrefix) v1alpha1.Network {
		return v1alpha1.Network{Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{
			{Name: "a"},
			{Name: "b", Prefixes: []v1alpha1.PeeringPrefix{prefix}},
		}}}
	}
	for sentence, tc := range map[string]struct {
		sent, want v1alpha1.PeeringPrefix
	}{
		"an empty prefixRef is none": {
			sent: v1alpha1.PeeringPrefix{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{}},
			want: v1alpha1.PeeringPrefix{Name: "front"},
		},
		"an empty prefixRef beside a prefix is none": {
			sent: v1alpha1.PeeringPrefix{
				Name: "front", Prefix: "10.0.0.0/24", PrefixRef: &v1alpha1.LocalObjectReference{},
			},
			want: v1alpha1.PeeringPrefix{Name: "front", Prefix: "10.0.0.0/24"},
		},
		"a prefixRef that names a Prefix stays": {
			sent: v1alpha1.PeeringPrefix{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{Name: "my-prefix"}},
			want: v1alpha1.PeeringPrefix{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{Name: "my-prefix"}},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			scheme := newScheme()
			one := network(*tc.sent.DeepCopy())
			scheme.Default(&one)
			if diff := cmp.Diff(network(tc.want), one); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			list := v1alpha1.NetworkList{Items: []v1alpha1.Network{{}, network(*tc.sent.DeepCopy())}}
			scheme.Default(&list)
			if diff := cmp.Diff([]v1alpha1.Network{{}, network(tc.want)}, list.Items); diff != "" {
				t.Errorf("in a list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddressesHaveOneSpelling(t *testing.T) {
	const sent, want = "2001:DB8:0::0001", "2001:db8::1"
	objects := func(ip string) []runtime.Object {
		nic := &v1alpha1.NetworkInterface{}
		nic.Spec.IPFamilies = []v1alpha1.IPFamily{v1alpha1.IPv6Protocol}
		nic.Spec.IPs = []v1alpha1.IPSource{{Value: ip}}
		nic.Status.IPs, nic.Status.VirtualIP = []string{ip}, ip
		balancer := &v1alpha1.LoadBalancer{}
		balancer.Spec.IPFamilies, balancer.Spec.IPs = nic.Spec.IPFamilies, []v1alpha1.IPSource{{Value: ip}}
		balancer.Status.IPs = []string{ip}
		ports := v1alpha1.DefaultPortsPerNetworkInterface
		gateway := &v1alpha1.NATGateway{Status: v1alpha1.NATGatewayStatus{IPs: []string{ip}}}
		gateway.Spec.PortsPerNetworkInterface = &ports
		return []runtime.Object{
			nic, balancer, gateway,
			&v1alpha1.LoadBalancerRouting{Destinations: []v1alpha1.LoadBalancerDestination{{IP: ip}}},
			&v1alpha1.VirtualIP{Status: v1alpha1.VirtualIPStatus{IP: ip}},
		}
	}
	got := objects(sent)
	for i, wanted := range objects(want) {
		newScheme().Default(got[i])
		if diff := cmp.Diff(wanted, got[i]); diff != "" {
			t.Errorf("%T (-want +got):\n%s", wanted, diff)
		}
	}
}

func TestAnEmptyReferenceIsNone(t *testing.T) {
	empty := &v1alpha1.LocalUIDReference{}
	nic := &v1alpha1.NetworkInterface{Spec: v1alpha1.NetworkInterfaceSpec{MachineRef: empty, VirtualIP: &v1alpha1.VirtualIPSource{
		Ephemeral: &v1alpha1.EphemeralVirtualIPSource{VirtualIPTemplate: &v1alpha1.VirtualIPTemplateSpec{
			Spec: v1alpha1.EphemeralVirtualIPSpec{TargetRef: empty}}}}}}
	vip := &v1alpha1.VirtualIP{Spec: v1alpha1.VirtualIPSpec{TargetRef: empty}}
	scheme := newScheme()
	scheme.Default(nic)
	scheme.Default(vip)
	if nic.Spec.MachineRef != nil || nic.Spec.VirtualIP.Ephemeral.VirtualIPTemplate.Spec.TargetRef != nil || vip.Spec.TargetRef != nil {
		t.Errorf("%+v and %+v still have empty references", nic.Spec, vip.Spec)
	}
}

func TestFamiliesOfAddresses(t *testing.T) {
	const v4, v6 = v1alpha1.IPv4Protocol, v1alpha1.IPv6Protocol
	value := func(address string) v1alpha1.IPSource { return v1alpha1.IPSource{Value: address} }
	template := func(spec v1alpha1.PrefixSpec) v1alpha1.IPSource {
		return v1alpha1.IPSource{Ephemeral: &v1alpha1.EphemeralPrefixSource{
			PrefixTemplate: &v1alpha1.PrefixTemplateSpec{Spec: spec},
		}}
	}
	type addresses struct {
		families []v1alpha1.IPFamily
		ips      []v1alpha1.IPSource
	}
	for sentence, tc := range map[string]struct{ sent, want addresses }{
		"families come from the addresses and templates": {
			sent: addresses{ips: []v1alpha1.IPSource{value("2001:db8::1"), template(v1alpha1.PrefixSpec{IPFamily: v4})}},
			want: addresses{
				families: []v1alpha1.IPFamily{v6, v4},
				ips:      []v1alpha1.IPSource{value("2001:db8::1"), template(v1alpha1.PrefixSpec{IPFamily: v4, PrefixLength: 32})},
			},
		},
		"a template gets the family of its place, and the length of an address": {
			sent: addresses{
				families: []v1alpha1.IPFamily{v4, v6},
				ips:      []v1alpha1.IPSource{value("10.0.0.1"), template(v1alpha1.PrefixSpec{})},
			},
			want: addresses{
				families: []v1alpha1.IPFamily{v4, v6},
				ips:      []v1alpha1.IPSource{value("10.0.0.1"), template(v1alpha1.PrefixSpec{IPFamily: v6, PrefixLength: 128})},
			},
		},
		"a template with a prefix gets no length": {
			sent: addresses{
				families: []v1alpha1.IPFamily{v4},
				ips:      []v1alpha1.IPSource{template(v1alpha1.PrefixSpec{Prefix: "10.0.0.1/32"})},
			},
			want: addresses{
				families: []v1alpha1.IPFamily{v4},
				ips:      []v1alpha1.IPSource{template(v1alpha1.PrefixSpec{IPFamily: v4, Prefix: "10.0.0.1/32"})},
			},
		},
		"families of another number fill nothing in": {
			sent: addresses{families: []v1alpha1.IPFamily{v4, v6}, ips: []v1alpha1.IPSource{template(v1alpha1.PrefixSpec{})}},
			want: addresses{families: []v1alpha1.IPFamily{v4, v6}, ips: []v1alpha1.IPSource{template(v1alpha1.PrefixSpec{})}},
		},
		"what has no family gets an empty one, for validation to refuse": {
			sent: addresses{ips: []v1alpha1.IPSource{{}, value("nonsense")}},
			want: addresses{families: []v1alpha1.IPFamily{"", ""}, ips: []v1alpha1.IPSource{{}, value("nonsense")}},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			sent := addresses{families: tc.sent.families}
			for i := range tc.sent.ips {
				sent.ips = append(sent.ips, *tc.sent.ips[i].DeepCopy())
			}
			nic := v1alpha1.NetworkInterface{Spec: v1alpha1.NetworkInterfaceSpec{IPFamilies: tc.sent.families, IPs: tc.sent.ips}}
			balancer := v1alpha1.LoadBalancer{Spec: v1alpha1.LoadBalancerSpec{IPFamilies: sent.families, IPs: sent.ips}}
			scheme := newScheme()
			scheme.Default(&nic)
			scheme.Default(&balancer)
			for kind, got := range map[string]addresses{
				"NetworkInterface": {nic.Spec.IPFamilies, nic.Spec.IPs},
				"LoadBalancer":     {balancer.Spec.IPFamilies, balancer.Spec.IPs},
			} {
				if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(addresses{})); diff != "" {
					t.Errorf("%s (-want +got):\n%s", kind, diff)
				}
			}
		})
	}
}

func TestDefaultsOfNATGatewaysAndNetworkPolicies(t *testing.T) {
	scheme := newScheme()
	gateway := v1alpha1.NATGateway{}
	scheme.Default(&gateway)
	if got := gateway.Spec.PortsPerNetworkInterface; got == nil || *got != 2048 {
		t.Errorf("portsPerNetworkInterface: got %v, want 2048", got)
	}
	for sentence, tc := range map[string]struct{ sent, want v1alpha1.NetworkPolicySpec }{
		"directions with rules are added, in alphabetical order": {
			sent: v1alpha1.NetworkPolicySpec{
				Ingress: []v1alpha1.NetworkPolicyIngressRule{{}}, Egress: []v1alpha1.NetworkPolicyEgressRule{{}},
			},
			want: v1alpha1.NetworkPolicySpec{
				Ingress: []v1alpha1.NetworkPolicyIngressRule{{}}, Egress: []v1alpha1.NetworkPolicyEgressRule{{}},
				PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeEgress, v1alpha1.PolicyTypeIngress},
			},
		},
		"each stays once, also without rules": {
			sent: v1alpha1.NetworkPolicySpec{PolicyTypes: []v1alpha1.PolicyType{
				v1alpha1.PolicyTypeIngress, v1alpha1.PolicyTypeIngress,
			}},
			want: v1alpha1.NetworkPolicySpec{PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeIngress}},
		},
		"without either there is none, for validation to refuse": {},
	} {
		t.Run(sentence, func(t *testing.T) {
			policy := v1alpha1.NetworkPolicy{Spec: tc.sent}
			scheme.Default(&policy)
			if diff := cmp.Diff(tc.want, policy.Spec); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectableFields(t *testing.T) {
	for sentence, tc := range map[string]struct {
		field string
		want  string // the error, empty if selectable
	}{
		"by name":        {field: "metadata.name"},
		"by namespace":   {field: "metadata.namespace"},
		"by UID":         {field: "metadata.uid"},
		"by provider ID": {field: "spec.providerID"},
		"by state":       {field: "status.state"},
		"not by anything else": {
			field: "spec.peerings",
			want: "field label not supported: spec.peerings; " +
				"a Network can be selected by metadata.name, metadata.namespace, metadata.uid, spec.providerID and status.state",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			kind := v1alpha1.SchemeGroupVersion.WithKind("Network")
			field, value, err := newScheme().ConvertFieldLabel(kind, tc.field, "value")
			if tc.want != "" {
				if err == nil || err.Error() != tc.want {
					t.Errorf("got error %v, want %s", err, tc.want)
				}
				return
			}
			if field != tc.field || value != "value" || err != nil {
				t.Errorf("got %s=%s and error %v", field, value, err)
			}
		})
	}
}
