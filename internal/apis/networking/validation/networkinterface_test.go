// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/internal/apis/networking"
)

// dualStack is team-a/nic, as stored: free, with an address of each family.
func dualStack(changes ...func(*networking.NetworkInterface)) *networking.NetworkInterface {
	nic := &networking.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "nic", UID: uidA, ResourceVersion: "7"},
		Spec: networking.NetworkInterfaceSpec{
			NetworkRef: networking.LocalObjectReference{Name: "net"},
			IPFamilies: []networking.IPFamily{networking.IPv4Protocol, networking.IPv6Protocol},
			IPs:        []networking.IPSource{{Value: "10.0.0.1"}, {Value: "2001:db8::1"}},
		},
		Status: networking.NetworkInterfaceStatus{State: networking.NetworkInterfaceStatePending},
	}
	for _, change := range changes {
		change(nic)
	}
	return nic
}

// from asks for a Prefix.
func from(spec networking.PrefixSpec) *networking.EphemeralPrefixSource {
	return &networking.EphemeralPrefixSource{PrefixTemplate: &networking.PrefixTemplateSpec{Spec: spec}}
}

func TestValidateNetworkInterface(t *testing.T) {
	type nic = networking.NetworkInterface
	ips := func(sources ...networking.IPSource) func(*nic) {
		return func(n *nic) { n.Spec.IPs = sources }
	}
	prefixes := func(sources ...networking.PrefixSource) func(*nic) {
		return func(n *nic) { n.Spec.Prefixes = sources }
	}
	virtualIP := func(source networking.VirtualIPSource) func(*nic) {
		return func(n *nic) { n.Spec.VirtualIP = &source }
	}
	ephemeralVirtualIP := func(spec networking.EphemeralVirtualIPSpec) func(*nic) {
		return virtualIP(networking.VirtualIPSource{Ephemeral: &networking.EphemeralVirtualIPSource{
			VirtualIPTemplate: &networking.VirtualIPTemplateSpec{Spec: spec},
		}})
	}
	six := networking.IPSource{Value: "2001:db8::1"}
	ipRule := "must be an IP address without leading zeros, for instance 10.0.0.1 or 2001:db8::1"

	for sentence, tc := range map[string]struct {
		change func(*nic)
		want   []string
	}{
		"an interface with an address of each family is accepted": {change: func(*nic) {}},
		"everything that may be given is accepted": {
			change: func(n *nic) {
				n.Spec.ProviderID = "local://1"
				n.Spec.MachineRef = &networking.LocalUIDReference{Name: "m", UID: uidB}
				n.Spec.IPs = []networking.IPSource{{Value: "10.0.0.1"}, {Ephemeral: from(networking.PrefixSpec{
					IPFamily: networking.IPv6Protocol, PrefixLength: 128,
					ParentRef: &networking.LocalObjectReference{Name: "p"}, ParentSelector: &metav1.LabelSelector{},
				})}}
				n.Spec.Prefixes = []networking.PrefixSource{
					{Value: "10.1.0.0/24"},
					{Ephemeral: from(networking.PrefixSpec{IPFamily: networking.IPv4Protocol, Prefix: "10.2.0.0/24", PrefixLength: 24})},
				}
				n.Spec.VirtualIP = &networking.VirtualIPSource{VirtualIPRef: &networking.LocalObjectReference{Name: "v"}}
				n.Spec.Attributes = map[string]string{"k": "v"}
			},
		},
		"a VirtualIP that is made has the name of the interface": {
			change: func(n *nic) {
				n.Name = "nic.web"
				ephemeralVirtualIP(networking.EphemeralVirtualIPSpec{Type: networking.VirtualIPTypePublic, IPFamily: networking.IPv4Protocol})(n)
			},
			want: []string{`spec.virtualIP.ephemeral: Invalid value: "nic.web": ` + nameOfVirtualIP},
		},
		"one that is not made may have another": {
			change: func(n *nic) {
				n.Name = "nic.web"
				virtualIP(networking.VirtualIPSource{VirtualIPRef: &networking.LocalObjectReference{Name: "v"}})(n)
			},
		},
		"a template for an address needs nothing but to be there": {
			change: ips(networking.IPSource{Ephemeral: from(networking.PrefixSpec{})}, six),
		},
		"an ephemeral virtual IP is accepted": {
			change: ephemeralVirtualIP(networking.EphemeralVirtualIPSpec{
				Type: networking.VirtualIPTypePublic, IPFamily: networking.IPv4Protocol, ReclaimPolicy: networking.ReclaimPolicyRetain,
			}),
		},

		"what is required is named": {
			change: func(n *nic) {
				n.Spec = networking.NetworkInterfaceSpec{MachineRef: &networking.LocalUIDReference{}}
			},
			want: []string{
				"spec.networkRef.name: Required value: must not be empty",
				"spec.machineRef.name: Required value: must not be empty",
				"spec.machineRef.uid: Required value: must be the metadata.uid of the Machine",
				"spec.ipFamilies: Required value: must have IPv4, IPv6 or both",
				"spec.ips: Required value: must have one item for each of ipFamilies, in the same order",
			},
		},
		"malformed names and UIDs are refused": {
			change: func(n *nic) {
				n.Spec.NetworkRef.Name = "Net"
				n.Spec.MachineRef = &networking.LocalUIDReference{Name: "M", UID: "1"}
				n.Spec.VirtualIP = &networking.VirtualIPSource{VirtualIPRef: &networking.LocalObjectReference{Name: "V"}}
			},
			want: []string{
				`spec.networkRef.name: Invalid value: "Net": ` + subdomainRule,
				`spec.machineRef.name: Invalid value: "M": ` + subdomainRule,
				`spec.machineRef.uid: Invalid value: "1": must be a lowercase UUID in 8-4-4-4-12 format`,
				`spec.virtualIP.virtualIPRef.name: Invalid value: "V": ` + labelRule,
			},
		},
		"a family is known and given once": {
			change: func(n *nic) { n.Spec.IPFamilies = []networking.IPFamily{"IPv5", "IPv5"} },
			want: []string{
				`spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"`,
				`spec.ipFamilies[1]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"`,
			},
		},
		"a family is not given twice": {
			change: func(n *nic) {
				n.Spec.IPFamilies = []networking.IPFamily{networking.IPv4Protocol, networking.IPv4Protocol}
				n.Spec.IPs = []networking.IPSource{{Value: "10.0.0.1"}, {Value: "10.0.0.2"}}
			},
			want: []string{`spec.ipFamilies[1]: Duplicate value: "IPv4"`},
		},
		"there are as many addresses as families": {
			change: ips(six),
			want:   []string{"spec.ips: Invalid value: 1: must have 2 items, one for each of ipFamilies, in the same order"},
		},
		"addresses are looked at whatever is wrong with the families": {
			change: func(n *nic) {
				n.Spec.IPFamilies = nil
				n.Spec.IPs = []networking.IPSource{{Value: "10.0.0.256"}, {Ephemeral: &networking.EphemeralPrefixSource{
					PrefixTemplate: &networking.PrefixTemplateSpec{Spec: networking.PrefixSpec{IPFamily: "IPv4", PrefixLength: 24}},
				}}}
			},
			want: []string{
				"spec.ipFamilies: Required value: must have IPv4, IPv6 or both",
				`spec.ips[0].value: Invalid value: "10.0.0.256": must be an IP address without leading zeros, ` +
					"for instance 10.0.0.1 or 2001:db8::1",
				"spec.ips[1].ephemeral.prefixTemplate.spec.prefixLength: Invalid value: 24: must be 32, for one address",
			},
		},
		"more addresses than families are refused without a look at them": {
			change: ips(make([]networking.IPSource, 3)...),
			want:   []string{"spec.ips: Invalid value: 3: must have 2 items, one for each of ipFamilies, in the same order"},
		},
		"addresses come in the order of the families": {
			change: ips(six, networking.IPSource{Value: "10.0.0.1"}),
			want: []string{
				`spec.ips[0].value: Invalid value: "2001:db8::1": must be an IPv4 address, which item 0 of ipFamilies asks for`,
				`spec.ips[1].value: Invalid value: "10.0.0.1": must be an IPv6 address, which item 1 of ipFamilies asks for`,
			},
		},
		"an address has one spelling": {
			change: ips(networking.IPSource{Value: "10.0.0.01"}, networking.IPSource{Value: "2001:DB8::1"}),
			want: []string{
				`spec.ips[0].value: Invalid value: "10.0.0.01": ` + ipRule,
				`spec.ips[1].value: Invalid value: "2001:DB8::1": must be in canonical form: "2001:db8::1"`,
			},
		},
		"an address has no zone, and is not mapped": {
			change: ips(networking.IPSource{Value: "::ffff:10.0.0.1"}, networking.IPSource{Value: "fe80::1%eth0"}),
			want: []string{
				`spec.ips[0].value: Invalid value: "::ffff:10.0.0.1": must not be an IPv4-mapped IPv6 address: write it as IPv4`,
				`spec.ips[1].value: Invalid value: "fe80::1%eth0": ` + ipRule,
			},
		},
		"an address has one source": {
			change: ips(networking.IPSource{}, networking.IPSource{Value: "2001:db8::1", Ephemeral: from(networking.PrefixSpec{})}),
			want: []string{
				"spec.ips[0]: Required value: must have either value or ephemeral",
				"spec.ips[1]: Forbidden: must not have both value and ephemeral",
			},
		},
		"a template for an address is for one address of its family": {
			change: ips(
				networking.IPSource{Ephemeral: from(networking.PrefixSpec{
					IPFamily: networking.IPv6Protocol, PrefixLength: 24, Prefix: "10.0.0.0/24",
				})},
				networking.IPSource{Ephemeral: &networking.EphemeralPrefixSource{}}),
			want: []string{
				`spec.ips[0].ephemeral.prefixTemplate.spec.ipFamily: Invalid value: "IPv6": must be IPv4, as in ipFamilies`,
				"spec.ips[0].ephemeral.prefixTemplate.spec.prefixLength: Invalid value: 24: must be 32, for one address",
				`spec.ips[0].ephemeral.prefixTemplate.spec.prefix: Invalid value: "10.0.0.0/24": must end with /32, for one address`,
				"spec.ips[1].ephemeral.prefixTemplate: Required value: must be given",
			},
		},
		"a template for a range is consistent": {
			change: prefixes(
				networking.PrefixSource{Ephemeral: from(networking.PrefixSpec{})},
				networking.PrefixSource{Ephemeral: from(networking.PrefixSpec{IPFamily: networking.IPv4Protocol, PrefixLength: 33})},
				networking.PrefixSource{Ephemeral: from(networking.PrefixSpec{IPFamily: networking.IPv4Protocol, Prefix: "::/0"})},
				networking.PrefixSource{Ephemeral: from(networking.PrefixSpec{
					IPFamily: networking.IPv4Protocol, Prefix: "10.0.0.0/8", PrefixLength: 9,
					ParentRef:      &networking.LocalObjectReference{},
					ParentSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"k": "no spaces"}},
				})}),
			want: []string{
				"spec.prefixes[0].ephemeral.prefixTemplate.spec.ipFamily: Required value: must be IPv4 or IPv6",
				"spec.prefixes[1].ephemeral.prefixTemplate.spec.prefixLength: Invalid value: 33: must be from 0 to 32",
				`spec.prefixes[2].ephemeral.prefixTemplate.spec.prefix: Invalid value: "::/0": must be an IPv4 range`,
				`spec.prefixes[3].ephemeral.prefixTemplate.spec.prefix: Invalid value: "10.0.0.0/8": ` +
					"must have the length that prefixLength says",
				"spec.prefixes[3].ephemeral.prefixTemplate.spec.parentRef.name: Required value: must not be empty",
				`spec.prefixes[3].ephemeral.prefixTemplate.spec.parentSelector.matchLabels: Invalid value: "no spaces": ` +
					"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must " +
					"start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for " +
					"validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
			},
		},
		"a range has one spelling and is given once": {
			change: prefixes(networking.PrefixSource{Value: "10.1.0.0/24"}, networking.PrefixSource{Value: "10.1.0.1/24"},
				networking.PrefixSource{Value: "10.1.0.0/24"}, networking.PrefixSource{}),
			want: []string{
				`spec.prefixes[1].value: Invalid value: "10.1.0.1/24": must be in canonical form with all host bits zero: "10.1.0.0/24"`,
				`spec.prefixes[2].value: Duplicate value: "10.1.0.0/24"`,
				"spec.prefixes[3]: Required value: must have either value or ephemeral",
			},
		},
		"more ranges than allowed are refused without a look at them": {
			change: prefixes(make([]networking.PrefixSource, maxPrefixes+1)...),
			want:   []string{"spec.prefixes: Too many: 65: must have at most 64 items"},
		},
		"a virtual IP has a source": {
			change: virtualIP(networking.VirtualIPSource{}),
			want:   []string{"spec.virtualIP: Required value: must have either virtualIPRef or ephemeral"},
		},
		"a virtual IP has one source alone": {
			change: virtualIP(networking.VirtualIPSource{
				VirtualIPRef: &networking.LocalObjectReference{}, Ephemeral: &networking.EphemeralVirtualIPSource{},
			}),
			want: []string{
				"spec.virtualIP: Forbidden: must not have both virtualIPRef and ephemeral",
				"spec.virtualIP.virtualIPRef.name: Required value: must not be empty",
				"spec.virtualIP.ephemeral.virtualIPTemplate: Required value: must be given",
			},
		},
		"an ephemeral virtual IP has a template": {
			change: virtualIP(networking.VirtualIPSource{Ephemeral: &networking.EphemeralVirtualIPSource{}}),
			want:   []string{"spec.virtualIP.ephemeral.virtualIPTemplate: Required value: must be given"},
		},
		"the template of a virtual IP has known values": {
			change: ephemeralVirtualIP(networking.EphemeralVirtualIPSpec{ReclaimPolicy: "Recycle"}),
			want: []string{
				"spec.virtualIP.ephemeral.virtualIPTemplate.spec.type: Required value: must be Public",
				"spec.virtualIP.ephemeral.virtualIPTemplate.spec.ipFamily: Required value: must be IPv4 or IPv6",
				`spec.virtualIP.ephemeral.virtualIPTemplate.spec.reclaimPolicy: Unsupported value: "Recycle": ` +
					`supported values: "Retain", "Delete"`,
			},
		},
		"attributes are of limited length": {
			change: func(n *nic) {
				n.Spec.Attributes = map[string]string{
					"": "v", "k": strings.Repeat("v", maxAttributeLength+1), strings.Repeat("k", maxAttributeKeyLength+1): "v",
				}
			},
			want: []string{
				`spec.attributes: Invalid value: "": must not have an empty key`,
				"spec.attributes[k]: Too long: may not be more than 1024 bytes",
				fmt.Sprintf("spec.attributes[%s]: Too long: may not be more than 253 bytes", strings.Repeat("k", maxAttributeKeyLength+1)),
			},
		},
		"an address is one that a machine can have": {
			change: ips(networking.IPSource{Value: "127.0.0.1"}, networking.IPSource{Value: "ff02::1"}),
			want: []string{
				`spec.ips[0].value: Invalid value: "127.0.0.1": must be a unicast address: this is a loopback address`,
				`spec.ips[1].value: Invalid value: "ff02::1": must be a unicast address: this is a multicast address`,
			},
		},
		"nor is the broadcast address one": {
			change: ips(networking.IPSource{Value: "255.255.255.255"}, six),
			want:   []string{`spec.ips[0].value: Invalid value: "255.255.255.255": must be a unicast address: this is the broadcast address`},
		},
		"attributes are of limited number": {
			change: func(n *nic) {
				n.Spec.Attributes = map[string]string{}
				for i := range maxAttributes + 1 {
					n.Spec.Attributes[fmt.Sprint(i)] = "v"
				}
			},
			want: []string{"spec.attributes: Too many: 65: must have at most 64 items"},
		},
	} {
		t.Run(sentence, func(t *testing.T) { expect(t, tc.want, ValidateNetworkInterface(dualStack(tc.change))) })
	}
}

func TestValidateNetworkInterfaceUpdate(t *testing.T) {
	type nic = networking.NetworkInterface
	asIs := func(*nic) {}
	usedBy := func(uid types.UID, providerID string) func(*nic) {
		return func(n *nic) {
			n.Spec.MachineRef = &networking.LocalUIDReference{Name: "m", UID: uid}
			n.Spec.ProviderID = providerID
		}
	}
	for sentence, tc := range map[string]struct {
		stored, change func(*nic)
		want           []string
	}{
		"addresses, ranges, the virtual IP, attributes and the Machine may change": {
			stored: asIs,
			change: func(n *nic) {
				n.Spec.IPs[0].Value = "10.0.0.2"
				n.Spec.Prefixes = []networking.PrefixSource{{Value: "10.1.0.0/24"}}
				n.Spec.VirtualIP = &networking.VirtualIPSource{VirtualIPRef: &networking.LocalObjectReference{Name: "v"}}
				n.Spec.Attributes = map[string]string{"k": "v"}
				n.Spec.MachineRef = &networking.LocalUIDReference{Name: "m", UID: uidB}
			},
		},
		"the Network and the families may not change": {
			stored: asIs,
			change: func(n *nic) {
				n.Spec.NetworkRef.Name = "other"
				n.Spec.IPFamilies = []networking.IPFamily{networking.IPv4Protocol}
				n.Spec.IPs = n.Spec.IPs[:1]
			},
			want: []string{
				`spec.networkRef.name: Invalid value: "other": field is immutable`,
				`spec.ipFamilies: Invalid value: ["IPv4"]: field is immutable`,
			},
		},
		"a providerID may be set":                  {stored: usedBy(uidB, ""), change: usedBy(uidB, "x://1")},
		"a providerID may change with the Machine": {stored: usedBy(uidB, "x://1"), change: usedBy(uidC, "x://2")},
		"a providerID may end with the Machine":    {stored: usedBy(uidB, "x://1"), change: asIs},
		"a providerID may stay when a Machine comes": {
			stored: func(n *nic) { n.Spec.ProviderID = "x://1" }, change: usedBy(uidB, "x://1"),
		},
		"a providerID may be taken away while there is no Machine": {
			stored: func(n *nic) { n.Spec.ProviderID = "x://1" }, change: asIs,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			expect(t, tc.want, ValidateNetworkInterfaceUpdate(dualStack(tc.change), dualStack(tc.stored)))
		})
	}
}

func TestValidateNetworkInterfaceStatusUpdate(t *testing.T) {
	for sentence, tc := range map[string]struct {
		status networking.NetworkInterfaceStatus
		want   []string
	}{
		"a state with addresses is accepted": {
			status: networking.NetworkInterfaceStatus{
				State: networking.NetworkInterfaceStateAvailable, IPs: []string{"10.0.0.1", "2001:db8::1"},
				Prefixes: []string{"10.1.0.0/24"}, VirtualIP: "192.0.2.1",
			},
		},
		"the state is known, and every address has one spelling": {
			status: networking.NetworkInterfaceStatus{
				State: "Ready", IPs: []string{"ten"}, Prefixes: []string{"10.1.0.1/24"}, VirtualIP: "192.0.2.01",
			},
			want: []string{
				`status.state: Unsupported value: "Ready": supported values: "Pending", "Available", "Error"`,
				`status.ips[0]: Invalid value: "ten": must be an IP address without leading zeros, for instance 10.0.0.1 or 2001:db8::1`,
				`status.prefixes[0]: Invalid value: "10.1.0.1/24": must be in canonical form with all host bits zero: "10.1.0.0/24"`,
				`status.virtualIP: Invalid value: "192.0.2.01": ` +
					"must be an IP address without leading zeros, for instance 10.0.0.1 or 2001:db8::1",
			},
		},
		"lists have a maximum": {
			status: networking.NetworkInterfaceStatus{
				State: networking.NetworkInterfaceStatePending, IPs: make([]string, 3), Prefixes: make([]string, 65),
				Conditions: make([]metav1.Condition, 33),
			},
			want: []string{
				"status.ips: Too many: 3: must have at most 2 items",
				"status.prefixes: Too many: 65: must have at most 64 items",
				"status.conditions: Too many: 33: must have at most 32 items",
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			nic := dualStack(func(n *networking.NetworkInterface) { n.Status = tc.status })
			expect(t, tc.want, ValidateNetworkInterfaceStatusUpdate(nic, dualStack()))
		})
	}
}

func TestValidateNetworkMembership(t *testing.T) {
	known := metav1.ObjectMeta{UID: uidA, ResourceVersion: "7"}
	interfaces := func(count int32, names ...string) []networking.NetworkHolders {
		return []networking.NetworkHolders{{Kind: "NetworkInterface", Count: count, Names: names}}
	}
	for sentence, tc := range map[string]struct {
		membership networking.NetworkMembership
		want       []string
	}{
		"a count is accepted": {membership: networking.NetworkMembership{ObjectMeta: known, NetworkInterfaces: 7}},
		"a count with a few names is accepted": {
			membership: networking.NetworkMembership{ObjectMeta: known, NetworkInterfaces: 7, Holders: interfaces(7, "a", "b.c")},
		},
		"a count says of which Network": {
			membership: networking.NetworkMembership{},
			want: []string{
				"metadata.uid: Required value: must be the one of the Network decided on",
				"metadata.resourceVersion: Required value: must be the one of the Network decided on",
			},
		},
		"a count is not negative": {
			membership: networking.NetworkMembership{ObjectMeta: known, NetworkInterfaces: -1},
			want:       []string{"networkInterfaces: Invalid value: -1: must not be negative"},
		},
		"there are no more names than interfaces": {
			membership: networking.NetworkMembership{ObjectMeta: known, NetworkInterfaces: 1, Holders: interfaces(1, "a", "b")},
			want:       []string{"holders[0].names: Too many: 2: must have at most 1 item"},
		},
		"there are no more names than a few": {
			membership: networking.NetworkMembership{ObjectMeta: known, NetworkInterfaces: 9, Holders: interfaces(9, make([]string, 6)...)},
			want:       []string{"holders[0].names: Too many: 6: must have at most 5 items"},
		},
		"kinds are those that hold a Network, each given once, and there are some": {
			membership: networking.NetworkMembership{ObjectMeta: known, Holders: []networking.NetworkHolders{
				{Kind: "VirtualIP", Count: 1}, {Kind: "LoadBalancer", Count: 1}, {Kind: "LoadBalancer"},
			}},
			want: []string{
				`holders[0].kind: Unsupported value: "VirtualIP": supported values: "LoadBalancer", "NATGateway", "NetworkInterface"`,
				`holders[2].kind: Duplicate value: "LoadBalancer"`,
				"holders[2].count: Invalid value: 0: must be at least 1",
			},
		},
		"names are names, each given once": {
			membership: networking.NetworkMembership{ObjectMeta: known, NetworkInterfaces: 9, Holders: interfaces(9, "a", "a", "B")},
			want: []string{
				`holders[0].names[1]: Duplicate value: "a"`,
				`holders[0].names[2]: Invalid value: "B": ` + subdomainRule,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) { expect(t, tc.want, ValidateNetworkMembership(&tc.membership)) })
	}
}
