// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"ironcore.dev/networking/internal/apis/networking"
)

func balancer(changes ...func(*networking.LoadBalancer)) *networking.LoadBalancer {
	balancer := &networking.LoadBalancer{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "lb", UID: uidA, ResourceVersion: "7"},
		Spec: networking.LoadBalancerSpec{
			Type:       networking.LoadBalancerTypeInternal,
			IPFamilies: []networking.IPFamily{networking.IPv4Protocol, networking.IPv6Protocol},
			IPs:        []networking.IPSource{{Value: "10.0.0.1"}, {Value: "2001:db8::1"}},
			NetworkRef: networking.LocalObjectReference{Name: "net"},
		},
	}
	for _, change := range changes {
		change(balancer)
	}
	return balancer
}

func TestValidateLoadBalancer(t *testing.T) {
	ips := func(sources ...networking.IPSource) func(*networking.LoadBalancer) {
		return func(b *networking.LoadBalancer) { b.Spec.IPs = sources }
	}
	ports := func(ports ...networking.LoadBalancerPort) func(*networking.LoadBalancer) {
		return func(b *networking.LoadBalancer) { b.Spec.Ports = ports }
	}
	udp := ptr.To(networking.ProtocolUDP)
	for sentence, tc := range map[string]struct {
		change func(*networking.LoadBalancer)
		want   []string
	}{
		"addresses of both families may be asked for": {change: func(*networking.LoadBalancer) {}},
		"addresses may be left to the provider":       {change: ips()},
		"some of them, too":                           {change: ips(networking.IPSource{Value: "10.0.0.1"})},
		"an address is of the family of its place": {
			change: ips(networking.IPSource{Value: "2001:db8::1"}),
			want:   []string{`spec.ips[0].value: Invalid value: "2001:db8::1": must be an IPv4 address, which item 0 of ipFamilies asks for`},
		},
		"there are not more addresses than families": {
			change: func(b *networking.LoadBalancer) { b.Spec.IPFamilies = b.Spec.IPFamilies[:1] },
			want:   []string{"spec.ips: Invalid value: 2: must have at most 1 items, one for each of ipFamilies, in the same order"},
		},
		"nobody has a multicast address": {
			change: ips(networking.IPSource{Value: "224.0.0.1"}, networking.IPSource{Value: "::"}),
			want: []string{
				`spec.ips[0].value: Invalid value: "224.0.0.1": must be a unicast address: this is a multicast address`,
				`spec.ips[1].value: Invalid value: "::": must be a unicast address: this is the unspecified address`,
			},
		},
		"a type, families and a Network are required": {
			change: func(b *networking.LoadBalancer) { b.Spec = networking.LoadBalancerSpec{} },
			want: []string{
				"spec.type: Required value: must be Public or Internal",
				"spec.ipFamilies: Required value: must have IPv4, IPv6 or both",
				"spec.networkRef.name: Required value: must not be empty",
			},
		},
		"ranges of different protocols may overlap": {
			change: ports(networking.LoadBalancerPort{Port: 53}, networking.LoadBalancerPort{Port: 53, Protocol: udp}),
		},
		"ranges of one protocol may not": {
			change: ports(networking.LoadBalancerPort{Port: 80, EndPort: ptr.To[int32](90)},
				networking.LoadBalancerPort{Port: 90, Protocol: ptr.To(networking.ProtocolTCP)},
				networking.LoadBalancerPort{Port: 91}),
			want: []string{"spec.ports[1]: Forbidden: port range [90 90] overlaps with port range [80 90] of TCP"},
		},
		"every port is looked at": {
			change: ports(networking.LoadBalancerPort{Protocol: ptr.To[networking.Protocol]("FOO")},
				networking.LoadBalancerPort{Port: 99999},
				networking.LoadBalancerPort{Port: 9, EndPort: ptr.To[int32](8)}),
			want: []string{
				`spec.ports[0].protocol: Unsupported value: "FOO": supported values: "SCTP", "TCP", "UDP"`,
				"spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
				"spec.ports[1].port: Invalid value: 99999: must be between 1 and 65535, inclusive",
				"spec.ports[2].endPort: Forbidden: endPort 8 must be >= port 9",
			},
		},
		"the ports are of limited number": {
			change: ports(make([]networking.LoadBalancerPort, maxPorts+1)...),
			want:   []string{"spec.ports: Too many: 1001: must have at most 1000 items"},
		},
		"the name is a DNS label, and a selector has valid labels": {
			change: func(b *networking.LoadBalancer) {
				b.Name = "my.lb"
				b.Spec.NetworkInterfaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"": "v"}}
			},
			want: []string{
				`metadata.name: Invalid value: "my.lb": must not contain dots`,
				`spec.networkInterfaceSelector.matchLabels: Invalid value: "": name part must be non-empty`,
				`spec.networkInterfaceSelector.matchLabels: Invalid value: "": name part must consist of alphanumeric characters, ` +
					`'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or ` +
					`'123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) { expect(t, tc.want, ValidateLoadBalancer(balancer(tc.change))) })
	}
}

func TestValidateLoadBalancerUpdate(t *testing.T) {
	expect(t, []string{`spec.networkRef.name: Invalid value: "other": field is immutable`},
		ValidateLoadBalancerUpdate(balancer(func(b *networking.LoadBalancer) {
			b.Spec.NetworkRef.Name, b.Spec.Type, b.Spec.IPs = "other", networking.LoadBalancerTypePublic, nil
		}), balancer()))
}

func TestValidateLoadBalancerStatusUpdate(t *testing.T) {
	expect(t, []string{
		`status.ips[0]: Invalid value: "1": must be an IP address without leading zeros, for instance 10.0.0.1 or 2001:db8::1`,
		`status.conditions[0].status: Required value`,
		`status.conditions[0].lastTransitionTime: Required value`,
		`status.conditions[0].reason: Required value`,
	}, ValidateLoadBalancerStatusUpdate(balancer(func(b *networking.LoadBalancer) {
		b.Status.IPs = []string{"1"}
		b.Status.Conditions = []metav1.Condition{{Type: "Fine"}}
	}), balancer()))
}
