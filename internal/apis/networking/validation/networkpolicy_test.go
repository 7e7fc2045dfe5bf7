// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"ironcore.dev/networking/internal/apis/networking"
)

func policy(changes ...func(*networking.NetworkPolicySpec)) *networking.NetworkPolicy {
	policy := &networking.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "np.a", UID: uidA, ResourceVersion: "7"},
		Spec: networking.NetworkPolicySpec{
			NetworkRef:  networking.LocalObjectReference{Name: "net"},
			PolicyTypes: []networking.PolicyType{networking.PolicyTypeIngress},
		},
	}
	for _, change := range changes {
		change(&policy.Spec)
	}
	return policy
}

func TestValidateNetworkPolicy(t *testing.T) {
	type spec = networking.NetworkPolicySpec
	from := func(peers ...networking.NetworkPolicyPeer) func(*spec) {
		return func(s *spec) { s.Ingress = []networking.NetworkPolicyIngressRule{{From: peers}} }
	}
	block := func(cidr string, except ...string) networking.NetworkPolicyPeer {
		return networking.NetworkPolicyPeer{IPBlock: &networking.IPBlock{CIDR: cidr, Except: except}}
	}
	selector := func(kind string) networking.NetworkPolicyPeer {
		return networking.NetworkPolicyPeer{ObjectSelector: &networking.ObjectSelector{Kind: kind}}
	}
	for sentence, tc := range map[string]struct {
		change func(*spec)
		want   []string
	}{
		"a Network and a direction are enough": {change: func(*spec) {}},
		"both are required": {
			change: func(s *spec) { *s = spec{} },
			want: []string{
				"spec.networkRef.name: Required value: must not be empty",
				"spec.policyTypes: Required value: must have Ingress, Egress or both, where there are no rules",
			},
		},
		"other directions are refused": {
			change: func(s *spec) { s.PolicyTypes = []networking.PolicyType{"Ingress", "Sideways"} },
			want:   []string{`spec.policyTypes[1]: Unsupported value: "Sideways": supported values: "Egress", "Ingress"`},
		},
		"rules, peers and ports may be empty": {
			change: func(s *spec) {
				s.Ingress = []networking.NetworkPolicyIngressRule{{}, {From: []networking.NetworkPolicyPeer{{}}}}
				s.Egress = []networking.NetworkPolicyEgressRule{{Ports: []networking.NetworkPolicyPort{{}}}}
			},
		},
		"interfaces, load balancers and virtual IPs can be selected": {
			change: from(selector("NetworkInterface"), selector("LoadBalancer"), selector("VirtualIP")),
		},
		"other kinds can't, and one is needed": {
			change: from(selector("Machine"), selector("")),
			want: []string{
				`spec.ingress[0].from[0].objectSelector.kind: Unsupported value: "Machine": supported values: "LoadBalancer", ` +
					`"NetworkInterface", "VirtualIP"`,
				"spec.ingress[0].from[1].objectSelector.kind: Required value: must be LoadBalancer, NetworkInterface or VirtualIP",
			},
		},
		"a peer is of one sort": {
			change: from(networking.NetworkPolicyPeer{
				ObjectSelector: &networking.ObjectSelector{Kind: "VirtualIP"}, IPBlock: &networking.IPBlock{CIDR: "10.0.0.0/8"},
			}),
			want: []string{"spec.ingress[0].from[0].ipBlock: Forbidden: must not be given beside objectSelector"},
		},
		"exceptions lie in their range": {
			change: from(block("10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"), block("10.0.0.0/8", "11.0.0.0/16", "2001:db8::/32", "10.0.0.0/7")),
			want: []string{
				"spec.ingress[0].from[1].ipBlock.except[0]: Forbidden: must be a part of 10.0.0.0/8: 11.0.0.0/16 is not",
				"spec.ingress[0].from[1].ipBlock.except[1]: Forbidden: must be a part of 10.0.0.0/8: 2001:db8::/32 is not",
				"spec.ingress[0].from[1].ipBlock.except[2]: Forbidden: must be a part of 10.0.0.0/8: 10.0.0.0/7 is not",
			},
		},
		"ranges are canonical, and exceptions stand once": {
			change: from(block(""), block("10.0.0.1/8"), block("::/0", "::/1", "::/1")),
			want: []string{
				"spec.ingress[0].from[0].ipBlock.cidr: Required value: must be a range in CIDR notation",
				`spec.ingress[0].from[1].ipBlock.cidr: Invalid value: "10.0.0.1/8": must be in canonical form with all host bits zero: "10.0.0.0/8"`,
				`spec.ingress[0].from[2].ipBlock.except[1]: Duplicate value: "::/1"`,
			},
		},
		"a range of ports has a beginning and an end after it": {
			change: func(s *spec) {
				s.Egress = []networking.NetworkPolicyEgressRule{{Ports: []networking.NetworkPolicyPort{
					{EndPort: ptr.To[int32](80)},
					{Port: 90, EndPort: ptr.To[int32](80)},
					{Port: 90, EndPort: ptr.To[int32](70000)},
					{Port: -1, Protocol: ptr.To[networking.Protocol]("icmp")},
				}}}
			},
			want: []string{
				"spec.egress[0].ports[0].endPort: Forbidden: must not be given without port",
				"spec.egress[0].ports[1].endPort: Forbidden: endPort 80 must be >= port 90",
				"spec.egress[0].ports[2].endPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
				`spec.egress[0].ports[3].protocol: Unsupported value: "icmp": supported values: "SCTP", "TCP", "UDP"`,
				"spec.egress[0].ports[3].port: Invalid value: -1: must be between 1 and 65535, inclusive",
			},
		},
		"every list has its maximum": {
			change: func(s *spec) {
				s.Ingress = make([]networking.NetworkPolicyIngressRule, maxRules+1)
				s.Egress = []networking.NetworkPolicyEgressRule{{
					Ports: make([]networking.NetworkPolicyPort, maxPorts+1), To: make([]networking.NetworkPolicyPeer, maxPeers+1),
				}, {To: []networking.NetworkPolicyPeer{block("10.0.0.0/8", make([]string, maxExcept+1)...)}}}
			},
			want: []string{
				"spec.ingress: Too many: 1001: must have at most 1000 items",
				"spec.egress[0].ports: Too many: 1001: must have at most 1000 items",
				"spec.egress[0].to: Too many: 1001: must have at most 1000 items",
				"spec.egress[1].to[0].ipBlock.except: Too many: 1001: must have at most 1000 items",
			},
		},
		"as many peers as a policy may have": {change: manyPeers(maxPolicyPeers)},
		"all its peers count together": {
			change: manyPeers(maxPolicyPeers + 1),
			want:   []string{"spec: Too many: 5001: must have at most 5000 peers in all rules of ingress and egress together"},
		},
	} {
		t.Run(sentence, func(t *testing.T) { expect(t, tc.want, ValidateNetworkPolicy(policy(tc.change))) })
	}
}

// manyPeers spreads peers over the rules of both directions.
func manyPeers(count int) func(*networking.NetworkPolicySpec) {
	return func(s *networking.NetworkPolicySpec) {
		for left := count; left > 0; left -= maxPeers {
			peers := make([]networking.NetworkPolicyPeer, min(left, maxPeers))
			if len(s.Ingress) > len(s.Egress) {
				s.Egress = append(s.Egress, networking.NetworkPolicyEgressRule{To: peers})
			} else {
				s.Ingress = append(s.Ingress, networking.NetworkPolicyIngressRule{From: peers})
			}
		}
	}
}

func TestAPolicyThatWasStoredWithMorePeersMayOnlyLoseSome(t *testing.T) {
	stored := policy(manyPeers(maxPolicyPeers + 2))
	expect(t, nil, ValidateNetworkPolicyUpdate(policy(manyPeers(maxPolicyPeers+2)), stored))
	expect(t, nil, ValidateNetworkPolicyUpdate(policy(manyPeers(maxPolicyPeers+1)), stored))
	expect(t, []string{"spec: Too many: 5003: must have at most 5000 peers in all rules of ingress and egress together"},
		ValidateNetworkPolicyUpdate(policy(manyPeers(maxPolicyPeers+3)), stored))
}

func TestValidateNetworkPolicyUpdate(t *testing.T) {
	expect(t, []string{`spec.networkRef.name: Invalid value: "other": field is immutable`},
		ValidateNetworkPolicyUpdate(policy(func(s *networking.NetworkPolicySpec) { s.NetworkRef.Name = "other" }), policy()))
}

func TestValidateNetworkPolicyStatusUpdate(t *testing.T) {
	changed := policy()
	changed.Status.Conditions = []metav1.Condition{{Type: "Fine", Status: "True", Reason: "Fine", LastTransitionTime: metav1.Now()}}
	expect(t, nil, ValidateNetworkPolicyStatusUpdate(changed, policy()))
	changed.Status.Conditions[0].Status = "Perhaps"
	expect(t, []string{`status.conditions[0].status: Unsupported value: "Perhaps": supported values: "False", "True", "Unknown"`},
		ValidateNetworkPolicyStatusUpdate(changed, policy()))
}
