// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/internal/apis/networking"
)

// Wherever the API takes an address or a range of one machine, one that no machine can have is refused; what is stored
// already stays.
func TestAddressesThatNoMachineCanHave(t *testing.T) {
	ranges := map[string]string{"IPv4": "224.0.0.1/32", "IPv6": "ff02::1/128"}
	template := func(cidr string) *networking.EphemeralPrefixSource {
		family := networking.IPv4Protocol
		if strings.Contains(cidr, ":") {
			family = networking.IPv6Protocol
		}
		return &networking.EphemeralPrefixSource{PrefixTemplate: &networking.PrefixTemplateSpec{
			Spec: networking.PrefixSpec{IPFamily: family, Prefix: cidr},
		}}
	}
	nicOf := func(cidr string, set func(n *networking.NetworkInterface, cidr, address string)) *networking.NetworkInterface {
		nic := dualStack(func(n *networking.NetworkInterface) { n.Status.State = networking.NetworkInterfaceStatePending })
		address, _, _ := strings.Cut(cidr, "/")
		if set != nil {
			set(nic, cidr, address)
		}
		return nic
	}
	status := func(set func(s *networking.NetworkInterfaceStatus, cidr, address string)) func(string, bool) field.ErrorList {
		return func(cidr string, isStored bool) field.ErrorList {
			change := func(n *networking.NetworkInterface, cidr, address string) { set(&n.Status, cidr, address) }
			stored := nicOf(cidr, nil)
			if isStored {
				stored = nicOf(cidr, change)
			}
			return ValidateNetworkInterfaceStatusUpdate(nicOf(cidr, change), stored)
		}
	}
	spec := func(set func(s *networking.NetworkInterfaceSpec, cidr, address string)) func(string, bool) field.ErrorList {
		return func(cidr string, isStored bool) field.ErrorList {
			change := func(n *networking.NetworkInterface, cidr, address string) { set(&n.Spec, cidr, address) }
			stored := nicOf(cidr, nil)
			if isStored {
				stored = nicOf(cidr, change)
			}
			return ValidateNetworkInterfaceUpdate(nicOf(cidr, change), stored)
		}
	}
	at := func(cidr string) int { // the place of its family in ips
		if strings.Contains(cidr, ":") {
			return 1
		}
		return 0
	}

	for where, validate := range map[string]func(cidr string, isStored bool) field.ErrorList{
		"spec.ips[].value": spec(func(s *networking.NetworkInterfaceSpec, cidr, address string) {
			s.IPs[at(cidr)].Value = address
		}),
		"spec.ips[].ephemeral": spec(func(s *networking.NetworkInterfaceSpec, cidr, _ string) {
			s.IPs[at(cidr)] = networking.IPSource{Ephemeral: template(cidr)}
		}),
		"spec.prefixes[].value": spec(func(s *networking.NetworkInterfaceSpec, cidr, _ string) {
			s.Prefixes = []networking.PrefixSource{{Value: cidr}}
		}),
		"spec.prefixes[].ephemeral": spec(func(s *networking.NetworkInterfaceSpec, cidr, _ string) {
			s.Prefixes = []networking.PrefixSource{{Ephemeral: template(cidr)}}
		}),
		"status.ips":      status(func(s *networking.NetworkInterfaceStatus, _, address string) { s.IPs = []string{address} }),
		"status.prefixes": status(func(s *networking.NetworkInterfaceStatus, cidr, _ string) { s.Prefixes = []string{cidr} }),
		"status.virtualIP": status(func(s *networking.NetworkInterfaceStatus, _, address string) {
			s.VirtualIP = address
		}),
		"status.gateways": status(func(s *networking.NetworkInterfaceStatus, _, address string) {
			s.Gateways = []string{address}
		}),
		"status.ip of a VirtualIP": func(cidr string, isStored bool) field.ErrorList {
			change := func(v *networking.VirtualIP) { v.Status.IP, _, _ = strings.Cut(cidr, "/") }
			if isStored {
				return ValidateVirtualIPStatusUpdate(publicIP(change), publicIP(change))
			}
			return ValidateVirtualIPStatusUpdate(publicIP(change), publicIP())
		},
		"status.ips of a LoadBalancer": func(cidr string, isStored bool) field.ErrorList {
			address, _, _ := strings.Cut(cidr, "/")
			change := func(b *networking.LoadBalancer) { b.Status.IPs = []string{address} }
			if isStored {
				return ValidateLoadBalancerStatusUpdate(balancer(change), balancer(change))
			}
			return ValidateLoadBalancerStatusUpdate(balancer(change), balancer())
		},
		"spec.ips of a LoadBalancer": func(cidr string, isStored bool) field.ErrorList {
			address, _, _ := strings.Cut(cidr, "/")
			change := func(b *networking.LoadBalancer) { b.Spec.IPs[at(cidr)].Value = address }
			if isStored {
				return ValidateLoadBalancerUpdate(balancer(change), balancer(change))
			}
			return ValidateLoadBalancerUpdate(balancer(change), balancer())
		},
		"destinations of a LoadBalancerRouting": func(cidr string, isStored bool) field.ErrorList {
			address, _, _ := strings.Cut(cidr, "/")
			to := func(ip string) *networking.LoadBalancerRouting {
				return &networking.LoadBalancerRouting{
					ObjectMeta:   metav1.ObjectMeta{Namespace: "team-a", Name: "lb", UID: uidA, ResourceVersion: "7"},
					Destinations: []networking.LoadBalancerDestination{{IP: ip}},
				}
			}
			if isStored {
				return ValidateLoadBalancerRoutingUpdate(to(address), to(address))
			}
			return ValidateLoadBalancerRoutingUpdate(to(address), to("10.0.0.1"))
		},
		"status.ips of a NATGateway": func(cidr string, isStored bool) field.ErrorList {
			address, _, _ := strings.Cut(cidr, "/")
			change := func(g *networking.NATGateway) { g.Status.IPs = []string{address} }
			if isStored {
				return ValidateNATGatewayStatusUpdate(gateway(change), gateway(change))
			}
			return ValidateNATGatewayStatusUpdate(gateway(change), gateway())
		},
	} {
		t.Run(where, func(t *testing.T) {
			for family, cidr := range ranges {
				errs := validate(cidr, false)
				if len(errs) != 1 || !strings.Contains(errs[0].Detail, "is a multicast address") {
					t.Errorf("an %s multicast address: got %v, want one error that says so", family, errs)
				}
				if errs := validate(cidr, true); len(errs) > 0 {
					t.Errorf("an %s multicast address that is stored already: %v", family, errs)
				}
			}
		})
	}
}

func TestRangesThatLeadToNoMachine(t *testing.T) {
	for cidr, want := range map[string][]string{
		"0.0.0.0/0":  nil,
		"::/0":       nil,
		"10.0.0.0/8": nil,
		"224.0.0.0/4": {`spec.prefixes[0].value: Invalid value: "224.0.0.0/4": ` +
			"must be a range of unicast addresses: what is in this one is a multicast address"},
		"127.0.0.0/8": {`spec.prefixes[0].value: Invalid value: "127.0.0.0/8": ` +
			"must be a range of unicast addresses: what is in this one is a loopback address"},
		"255.255.255.255/32": {`spec.prefixes[0].value: Invalid value: "255.255.255.255/32": ` +
			"must be a range of unicast addresses: what is in this one is the broadcast address"},
	} {
		t.Run(cidr, func(t *testing.T) {
			expect(t, want, ValidateNetworkInterface(dualStack(func(n *networking.NetworkInterface) {
				n.Spec.Prefixes = []networking.PrefixSource{{Value: cidr}}
			})))
		})
	}
}
