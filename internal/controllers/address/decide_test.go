// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package address

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

const (
	ipv4 = v1alpha1.IPv4Protocol
	ipv6 = v1alpha1.IPv6Protocol
)

func TestDecideWanted(t *testing.T) {
	network := func(state v1alpha1.NetworkState) *v1alpha1.Network {
		return &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: "net"}, Status: v1alpha1.NetworkStatus{State: state}}
	}
	balancer := func(families []v1alpha1.IPFamily, ips ...v1alpha1.IPSource) *v1alpha1.LoadBalancer {
		return &v1alpha1.LoadBalancer{Spec: v1alpha1.LoadBalancerSpec{
			IPFamilies: families, IPs: ips, NetworkRef: v1alpha1.LocalObjectReference{Name: "net"},
		}}
	}
	fromPrefix := func(prefix string) v1alpha1.IPSource {
		return v1alpha1.IPSource{Ephemeral: &v1alpha1.EphemeralPrefixSource{
			PrefixTemplate: &v1alpha1.PrefixTemplateSpec{Spec: v1alpha1.PrefixSpec{Prefix: prefix}},
		}}
	}
	gateway := &v1alpha1.NATGateway{Spec: v1alpha1.NATGatewaySpec{
		IPFamily: ipv6, NetworkRef: v1alpha1.LocalObjectReference{Name: "net"},
	}}
	available := network(v1alpha1.NetworkStateAvailable)
	for sentence, tc := range map[string]struct {
		object  metav1.Object
		network *v1alpha1.Network
		want    []wantedAddress
		trouble string
	}{
		"a VirtualIP wants an address of its family": {
			object: &v1alpha1.VirtualIP{Spec: v1alpha1.VirtualIPSpec{IPFamily: ipv4}}, want: []wantedAddress{{family: ipv4}},
		},
		"a NATGateway of an available Network wants one": {object: gateway, network: available, want: []wantedAddress{{family: ipv6}}},
		"a NATGateway without a Network waits":           {object: gateway, trouble: "NetworkNotFound"},
		"a NATGateway of a Network that is not available waits": {
			object: gateway, network: network(v1alpha1.NetworkStatePending), trouble: "NetworkNotAvailable",
		},
		"a LoadBalancer wants one of each family": {
			object: balancer([]v1alpha1.IPFamily{ipv6, ipv4}), network: available, want: []wantedAddress{{family: ipv6}, {family: ipv4}},
		},
		"a LoadBalancer keeps the addresses that it brings": {
			object:  balancer([]v1alpha1.IPFamily{ipv4, ipv6}, v1alpha1.IPSource{Value: "10.0.0.1"}),
			network: available, want: []wantedAddress{{family: ipv4, value: "10.0.0.1"}, {family: ipv6}},
		},
		"a LoadBalancer with an address from a Prefix wants any": {
			object: balancer([]v1alpha1.IPFamily{ipv4, ipv6}, fromPrefix(""), fromPrefix("")), network: available,
			want: []wantedAddress{{family: ipv4}, {family: ipv6}},
		},
		"a LoadBalancer with an address from a Prefix that names one has that": {
			object: balancer([]v1alpha1.IPFamily{ipv4, ipv6}, fromPrefix("10.0.0.9/32"), fromPrefix("fd00::9/128")), network: available,
			want: []wantedAddress{{family: ipv4, value: "10.0.0.9"}, {family: ipv6, value: "fd00::9"}},
		},
		"a LoadBalancer without a Network waits": {object: balancer([]v1alpha1.IPFamily{ipv4}), trouble: "NetworkNotFound"},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, trouble := decideWanted(tc.object, tc.network)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(wantedAddress{})); diff != "" {
				t.Errorf("wanted (-want +got):\n%s", diff)
			}
			reason := ""
			if trouble != nil {
				reason = trouble.Reason
			}
			if reason != tc.trouble {
				t.Errorf("the reason is %q, want %q", reason, tc.trouble)
			}
		})
	}
}

func TestReport(t *testing.T) {
	ready := func(status metav1.ConditionStatus, reason string) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: "Why.", ObservedGeneration: 3}}
	}
	vip := func(ip string, conditions []metav1.Condition) *v1alpha1.VirtualIP {
		return &v1alpha1.VirtualIP{
			ObjectMeta: metav1.ObjectMeta{Generation: 3}, Status: v1alpha1.VirtualIPStatus{IP: ip, Conditions: conditions},
		}
	}
	balancer := func(conditions []metav1.Condition, ips ...string) *v1alpha1.LoadBalancer {
		return &v1alpha1.LoadBalancer{Status: v1alpha1.LoadBalancerStatus{IPs: ips, Conditions: conditions}}
	}
	gateway := func(conditions []metav1.Condition, ips ...string) *v1alpha1.NATGateway {
		return &v1alpha1.NATGateway{Status: v1alpha1.NATGatewayStatus{IPs: ips, Conditions: conditions}}
	}
	full := provider.NewTrouble("", "Full", "Why.", nil)
	for sentence, tc := range map[string]struct {
		object    metav1.Object
		addresses []string
		trouble   *provider.Trouble
		want      metav1.Object
	}{
		"a new address is written": {
			object: vip("", ready("False", "Pending")), addresses: []string{"192.0.2.1"},
			want: vip("192.0.2.1", ready("False", "Pending")),
		},
		"an address that is there is not": {object: vip("192.0.2.1", ready("True", "Realized")), addresses: []string{"192.0.2.1"}},
		"trouble is explained":            {object: vip("", ready("False", "Pending")), trouble: full, want: vip("", ready("False", "Full"))},
		"trouble is explained once":       {object: vip("", ready("False", "Full")), trouble: full},
		"trouble takes no address":        {object: gateway(ready("True", "Realized"), "192.0.2.1"), trouble: full},
		"words that hold no more go": {
			object: balancer(ready("False", "Full"), "10.0.0.1"), addresses: []string{"10.0.0.1"}, want: balancer([]metav1.Condition{}, "10.0.0.1"),
		},
		"addresses that are asked for no more go": {
			object: balancer(ready("True", "Realized"), "10.0.0.1", "10.0.0.2"), addresses: []string{"10.0.0.2"},
			want: balancer(ready("True", "Realized"), "10.0.0.2"),
		},
		"a NATGateway gets its address": {object: gateway(nil), addresses: []string{"192.0.2.1"}, want: gateway(nil, "192.0.2.1")},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := report(tc.object, tc.addresses, tc.trouble)
			if tc.want == nil && got == nil {
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
