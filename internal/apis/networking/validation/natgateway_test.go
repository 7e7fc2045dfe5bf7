// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"ironcore.dev/networking/internal/apis/networking"
)

func gateway(changes ...func(*networking.NATGateway)) *networking.NATGateway {
	gateway := &networking.NATGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "nat", UID: uidA, ResourceVersion: "7"},
		Spec: networking.NATGatewaySpec{
			Type:                     networking.NATGatewayTypePublic,
			IPFamily:                 networking.IPv4Protocol,
			NetworkRef:               networking.LocalObjectReference{Name: "net"},
			PortsPerNetworkInterface: ptr.To[int32](2048),
		},
	}
	for _, change := range changes {
		change(gateway)
	}
	return gateway
}

func TestValidateNATGateway(t *testing.T) {
	ports := func(n int32) func(*networking.NATGateway) {
		return func(g *networking.NATGateway) { g.Spec.PortsPerNetworkInterface = &n }
	}
	for sentence, tc := range map[string]struct {
		change func(*networking.NATGateway)
		want   []string
	}{
		"a type, a family and a Network are enough": {change: func(*networking.NATGateway) {}},
		"all three are required": {
			change: func(g *networking.NATGateway) { g.Spec = networking.NATGatewaySpec{} },
			want: []string{
				"spec.type: Required value: must be Public",
				"spec.ipFamily: Required value: must be IPv4 or IPv6",
				"spec.networkRef.name: Required value: must not be empty",
			},
		},
		"an interface may have one port, or all": {change: ports(1)},
		"an interface may have all ports":        {change: ports(65536)},
		"no ports are refused": {
			change: ports(0),
			want: []string{"spec.portsPerNetworkInterface: Invalid value: 0: must be a power of two from 1 to 65536, " +
				"the number of ports of an address"},
		},
		"what is no power of two is refused": {
			change: ports(1000),
			want: []string{"spec.portsPerNetworkInterface: Invalid value: 1000: must be a power of two from 1 to 65536, " +
				"the number of ports of an address"},
		},
		"more ports than an address has are refused": {
			change: ports(131072),
			want: []string{"spec.portsPerNetworkInterface: Invalid value: 131072: must be a power of two from 1 to 65536, " +
				"the number of ports of an address"},
		},
	} {
		t.Run(sentence, func(t *testing.T) { expect(t, tc.want, ValidateNATGateway(gateway(tc.change))) })
	}
}

func TestValidateNATGatewayUpdate(t *testing.T) {
	expect(t, []string{`spec.networkRef.name: Invalid value: "other": field is immutable`},
		ValidateNATGatewayUpdate(gateway(func(g *networking.NATGateway) {
			g.Spec.NetworkRef.Name, g.Spec.IPFamily = "other", networking.IPv6Protocol
		}), gateway()))
	laxer := func(g *networking.NATGateway) { g.Spec.PortsPerNetworkInterface = ptr.To[int32](1 << 30) }
	expect(t, nil, ValidateNATGatewayUpdate(gateway(laxer, func(g *networking.NATGateway) {
		g.Spec.IPFamily = networking.IPv6Protocol
	}), gateway(laxer)))
}

func TestValidateNATGatewayStatusUpdate(t *testing.T) {
	expect(t, []string{
		`status.ips[1]: Invalid value: "nonsense": must be an IP address without leading zeros, for instance 10.0.0.1 or 2001:db8::1`,
	}, ValidateNATGatewayStatusUpdate(gateway(func(g *networking.NATGateway) {
		g.Status.IPs = []string{"192.0.2.1", "nonsense"}
	}), gateway()))
}
