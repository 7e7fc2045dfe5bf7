// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestDecidePolicies(t *testing.T) {
	meta := func(name, role string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{"role": role}}
	}
	nic := func(name, role string, state v1alpha1.NetworkInterfaceState, ips ...string) *v1alpha1.NetworkInterface {
		return &v1alpha1.NetworkInterface{ObjectMeta: meta(name, role), Status: v1alpha1.NetworkInterfaceStatus{State: state, IPs: ips}}
	}
	selectable := Selectable{
		Interfaces: []*v1alpha1.NetworkInterface{
			nic("web", "web", v1alpha1.NetworkInterfaceStateAvailable, "10.0.0.1", "2001:db8::1"),
			nic("db", "db", v1alpha1.NetworkInterfaceStateAvailable, "10.0.0.2"),
			nic("waiting", "web", v1alpha1.NetworkInterfaceStatePending, "10.0.0.3"),
		},
		LoadBalancers: []*v1alpha1.LoadBalancer{
			{ObjectMeta: meta("lb", "web"), Status: v1alpha1.LoadBalancerStatus{IPs: []string{"192.0.2.1"}}},
		},
		VirtualIPs: []*v1alpha1.VirtualIP{{ObjectMeta: meta("vip", "web"), Status: v1alpha1.VirtualIPStatus{IP: "198.51.100.1"}}},
	}
	role := func(role string) metav1.LabelSelector {
		return metav1.LabelSelector{MatchLabels: map[string]string{"role": role}}
	}
	unreadable := metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "role", Operator: "Maybe"}}}
	object := func(kind string, selector metav1.LabelSelector) v1alpha1.NetworkPolicyPeer {
		return v1alpha1.NetworkPolicyPeer{ObjectSelector: &v1alpha1.ObjectSelector{Kind: kind, LabelSelector: selector}}
	}
	block := func(cidr string, except ...string) v1alpha1.NetworkPolicyPeer {
		return v1alpha1.NetworkPolicyPeer{IPBlock: &v1alpha1.IPBlock{CIDR: cidr, Except: except}}
	}
	from := func(peers ...v1alpha1.NetworkPolicyPeer) v1alpha1.NetworkPolicySpec {
		return v1alpha1.NetworkPolicySpec{
			PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeIngress},
			Ingress:     []v1alpha1.NetworkPolicyIngressRule{{From: peers}},
		}
	}
	ports := func(ports ...v1alpha1.NetworkPolicyPort) v1alpha1.NetworkPolicySpec {
		return v1alpha1.NetworkPolicySpec{
			PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeEgress},
			Egress:      []v1alpha1.NetworkPolicyEgressRule{{Ports: ports}},
		}
	}
	ranges := func(texts ...string) *Allowed {
		rule := PolicyRule{}
		for _, text := range texts {
			rule.Ranges = append(rule.Ranges, netip.MustParsePrefix(text))
		}
		return &Allowed{Rules: []PolicyRule{rule}}
	}
	all := []types.UID{"db", "waiting", "web"}
	for sentence, tc := range map[string]struct {
		spec v1alpha1.NetworkPolicySpec
		want Policy
	}{
		"an empty selector is for all NetworkInterfaces, and a type without rules allows nothing": {
			spec: v1alpha1.NetworkPolicySpec{PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeEgress}},
			want: Policy{Interfaces: all, Egress: &Allowed{}},
		},
		"a selector is for those with the labels, Available or not": {
			spec: v1alpha1.NetworkPolicySpec{NetworkInterfaceSelector: role("web")},
			want: Policy{Interfaces: []types.UID{"waiting", "web"}},
		},
		"a selector that can't be read is for all": {
			spec: v1alpha1.NetworkPolicySpec{NetworkInterfaceSelector: unreadable}, want: Policy{Interfaces: all},
		},
		"a rule without peers allows all":  {spec: from(), want: Policy{Interfaces: all, Ingress: &Allowed{[]PolicyRule{{Anywhere: true}}}}},
		"a peer that is nothing is nobody": {spec: from(v1alpha1.NetworkPolicyPeer{}), want: Policy{Interfaces: all, Ingress: ranges()}},
		"selected NetworkInterfaces are their addresses in force": {
			spec: from(object(KindNetworkInterface, role("web"))),
			want: Policy{Interfaces: all, Ingress: ranges("10.0.0.1/32", "2001:db8::1/128")},
		},
		"a LoadBalancer and a VirtualIP are their addresses": {
			spec: from(object(KindLoadBalancer, role("web")), object(KindVirtualIP, role("web"))),
			want: Policy{Interfaces: all, Ingress: ranges("192.0.2.1/32", "198.51.100.1/32")},
		},
		"who is selected by what can't be read, or is of another kind, is nobody": {
			spec: from(object(KindNetworkInterface, unreadable), object("Machine", role("web"))),
			want: Policy{Interfaces: all, Ingress: ranges()},
		},
		"a range has no exceptions in it, whatever the bits of the host": {
			spec: from(block("10.0.0.7/30", "10.0.0.5/32")),
			want: Policy{Interfaces: all, Ingress: ranges("10.0.0.4/32", "10.0.0.6/31")},
		},
		"a range that is all exception is empty": {
			spec: from(block("10.0.0.0/24", "10.0.0.0/24")), want: Policy{Interfaces: all, Ingress: ranges()},
		},
		"a range in an exception of another is in": {
			spec: from(block("10.0.0.0/30", "10.0.0.2/31"), block("10.0.0.3/32")),
			want: Policy{Interfaces: all, Ingress: ranges("10.0.0.0/31", "10.0.0.3/32")},
		},
		"a range with an exception that can't be read is empty": {
			spec: from(block("10.0.0.0/24", "all")), want: Policy{Interfaces: all, Ingress: ranges()},
		},
		"a port is of TCP if nothing is said, and no port is all of them": {
			spec: ports(v1alpha1.NetworkPolicyPort{Port: 80}, v1alpha1.NetworkPolicyPort{Protocol: ptr.To(v1alpha1.ProtocolUDP)}),
			want: Policy{Interfaces: all, Egress: &Allowed{[]PolicyRule{{
				Anywhere: true, Ports: []PortRange{{v1alpha1.ProtocolTCP, 80, 80}, {v1alpha1.ProtocolUDP, 0, 65535}},
			}}}},
		},
		"a range of ports ends with the last that there is": {
			spec: ports(v1alpha1.NetworkPolicyPort{Port: 8000, EndPort: ptr.To[int32](70000)}),
			want: Policy{Interfaces: all, Egress: &Allowed{[]PolicyRule{{
				Anywhere: true, Ports: []PortRange{{v1alpha1.ProtocolTCP, 8000, 65535}},
			}}}},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := DecidePolicies([]*v1alpha1.NetworkPolicy{{Spec: tc.spec}}, selectable)
			if diff := cmp.Diff([]Policy{tc.want}, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPolicyThatIsBeingDeletedIsNone(t *testing.T) {
	policy := &v1alpha1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{}}}
	if got := DecidePolicies([]*v1alpha1.NetworkPolicy{policy}, Selectable{}); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

// A rule of a few bytes selects all that a Network has, and there may be many such rules.
func TestWhatPoliciesSelectIsLookedUpOnce(t *testing.T) {
	selectable := Selectable{}
	for i := range 300 {
		nic := &v1alpha1.NetworkInterface{ObjectMeta: metav1.ObjectMeta{UID: types.UID(fmt.Sprint(i)), Labels: map[string]string{"n": fmt.Sprint(i)}}}
		nic.Status.State = v1alpha1.NetworkInterfaceStateAvailable
		for j := range 64 {
			nic.Status.Prefixes = append(nic.Status.Prefixes, fmt.Sprintf("10.%d.%d.%d/32", i/200, i%200, 2*j))
		}
		selectable.Interfaces = append(selectable.Interfaces, nic)
	}
	others := func(than ...string) v1alpha1.NetworkPolicyPeer { // all others
		selector := metav1.LabelSelector{}
		if len(than) > 0 {
			selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "n", Operator: "NotIn", Values: than}}
		}
		return v1alpha1.NetworkPolicyPeer{ObjectSelector: &v1alpha1.ObjectSelector{Kind: KindNetworkInterface, LabelSelector: selector}}
	}
	block := v1alpha1.NetworkPolicyPeer{IPBlock: &v1alpha1.IPBlock{CIDR: "192.0.2.0/24"}}
	ruleOf := func(peers ...v1alpha1.NetworkPolicyPeer) v1alpha1.NetworkPolicyIngressRule {
		return v1alpha1.NetworkPolicyIngressRule{From: peers}
	}
	for sentence, tc := range map[string]struct {
		rule     func(i int) v1alpha1.NetworkPolicyIngressRule
		tooLarge bool
	}{
		"equal selectors in one rule": {func(int) v1alpha1.NetworkPolicyIngressRule {
			return ruleOf(slices.Repeat([]v1alpha1.NetworkPolicyPeer{others()}, 5)...)
		}, false},
		"different ones that select the same": {func(i int) v1alpha1.NetworkPolicyIngressRule { return ruleOf(others(fmt.Sprint("x", i))) }, false},
		"different ones that select others":   {func(i int) v1alpha1.NetworkPolicyIngressRule { return ruleOf(others(fmt.Sprint(i))) }, true},
		"a range beside each":                 {func(int) v1alpha1.NetworkPolicyIngressRule { return ruleOf(others(), block) }, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			large := &v1alpha1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{UID: "a"}, Spec: v1alpha1.NetworkPolicySpec{
				PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeIngress}}}
			for i := range 1000 {
				large.Spec.Ingress = append(large.Spec.Ingress, tc.rule(i))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			decided := DecidePolicies([]*v1alpha1.NetworkPolicy{large}, selectable)
			runtime.ReadMemStats(&after)
			if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 400 {
				t.Errorf("the decision took %d MB of memory", allocated)
			}
			if decided[0].TooLarge != tc.tooLarge || tc.tooLarge != (len(decided[0].Ingress.Rules) == 0) {
				t.Errorf("too large: %t, with %d rules, want %t", decided[0].TooLarge, len(decided[0].Ingress.Rules), tc.tooLarge)
			}
		})
	}
}
