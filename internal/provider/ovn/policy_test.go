// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// inWords tells what rows of policies say, sorted.
func inWords(rows []row) []string {
	var words []string
	for _, r := range rows {
		switch r.table {
		case tableACL:
			words = append(words, fmt.Sprintf("%v: %v", r.columns["action"], r.key))
		case tablePortGroup:
			words = append(words, fmt.Sprintf("%s = %v", r.key, r.columns["ports"]))
		case tableAddressSet:
			words = append(words, fmt.Sprintf("$%s = %v", r.key, r.columns["addresses"]))
		}
	}
	slices.Sort(words)
	return words
}

func TestDecidePolicies(t *testing.T) {
	const nd = "allow-related: %s 1001 %s == @%s_u && (nd || nd_rs || nd_ra)"
	ingress := []string{
		"drop: to-lport 1000 outport == @ingress_u && ip", fmt.Sprintf(nd, "to-lport", "outport", "ingress"), "ingress_u = [nic-a]",
	}
	for sentence, tc := range map[string]struct {
		policies []rules.Policy
		want     []string
	}{
		"without policies there are no rows": {},
		"a policy that is for no port in place leaves the mark that the Network has policies": {
			policies: []rules.Policy{{UID: "p", Interfaces: []types.UID{"elsewhere"}, Ingress: &rules.Allowed{}}},
			want:     []string{"egress_u = []", "ingress_u = []"},
		},
		"what comes in is dropped where no rule allows it": {
			policies: []rules.Policy{{UID: "p-1", Interfaces: []types.UID{"a"}, Ingress: &rules.Allowed{}}},
			want:     append(ingress, "egress_u = []", "policy_p_1 = [nic-a]"),
		},
		"a rule allows traffic from its ranges to its ports": {
			policies: []rules.Policy{{UID: "p", Interfaces: []types.UID{"a"}, Ingress: &rules.Allowed{Rules: []rules.PolicyRule{{
				Ranges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
				Ports: []rules.PortRange{
					{Protocol: v1alpha1.ProtocolTCP, First: 80, Last: 80}, {Protocol: v1alpha1.ProtocolUDP, First: 81, Last: 90},
					{Protocol: v1alpha1.ProtocolSCTP, Last: 65535},
				},
			}}}}},
			want: append(ingress, "egress_u = []", "policy_p = [nic-a]",
				"$policy_p_ingress_0_v4 = [10.0.0.0/8]", "$policy_p_ingress_0_v6 = [2001:db8::/32]",
				"allow-related: to-lport 1001 outport == @policy_p && (ip4.src == $policy_p_ingress_0_v4 || "+
					"ip6.src == $policy_p_ingress_0_v6) && (tcp.dst == 80 || 81 <= udp.dst <= 90 || sctp)"),
		},
		"what goes out is matched by where it goes, and two rules that say the same are one": {
			policies: []rules.Policy{{UID: "p", Interfaces: []types.UID{"a"}, Egress: &rules.Allowed{
				Rules: []rules.PolicyRule{{Anywhere: true}, {Anywhere: true}, {}},
			}}},
			want: []string{
				"egress_u = [nic-a]", "ingress_u = []", "policy_p = [nic-a]",
				"drop: from-lport 1000 inport == @egress_u && ip", fmt.Sprintf(nd, "from-lport", "inport", "egress"),
				"$policy_p_egress_2_v4 = []", "$policy_p_egress_2_v6 = []",
				"allow-related: from-lport 1001 inport == @policy_p && ip",
				"allow-related: from-lport 1001 inport == @policy_p && (ip4.dst == $policy_p_egress_2_v4 || " +
					"ip6.dst == $policy_p_egress_2_v6)",
			},
		},
		"a port that several policies are for is restricted once": {
			policies: []rules.Policy{
				{UID: "p", Interfaces: []types.UID{"a"}, Ingress: &rules.Allowed{}},
				{UID: "q", Interfaces: []types.UID{"a"}, Ingress: &rules.Allowed{}},
			},
			want: append(ingress, "egress_u = []", "policy_p = [nic-a]", "policy_q = [nic-a]"),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := inWords(decidePolicies(owner{uid: "u"}, tc.policies, map[types.UID]bool{"a": true}))
			want := slices.Sorted(slices.Values(tc.want))
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestANewPortIsRestrictedUntilThePoliciesAreDecided(t *testing.T) {
	o := owner{uid: "u"}
	asFound := func(rows []row) (there []found) {
		for _, r := range rows {
			there = append(there, found{row: r})
		}
		return there
	}
	policies := []rules.Policy{{UID: "p", Interfaces: []types.UID{"a"}, Ingress: &rules.Allowed{}}}
	there := asFound(decidePolicies(o, policies, map[types.UID]bool{"a": true}))
	got := inWords(decideNewPort(o, "b", there))
	want := []string{
		"allow-related: from-lport 1001 inport == @egress_u && (nd || nd_rs || nd_ra)",
		"allow-related: to-lport 1001 outport == @ingress_u && (nd || nd_rs || nd_ra)",
		"drop: from-lport 1000 inport == @egress_u && ip",
		"drop: to-lport 1000 outport == @ingress_u && ip",
		"egress_u = [nic-b]", "ingress_u = [nic-a nic-b]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := decideNewPort(o, "b", nil); len(got) > 0 {
		t.Errorf("without policies there are the rows %v", inWords(got))
	}
	there = append(there, found{row: row{table: tableSwitchPort, key: interfacePort("b")}})
	if got := decideNewPort(o, "b", there); len(got) > 0 {
		t.Errorf("of a port that is there, the rows are %v", inWords(got))
	}
}
