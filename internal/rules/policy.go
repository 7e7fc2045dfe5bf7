// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"math/big"
	"net/netip"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Kinds that an objectSelector of a NetworkPolicy can select.
const (
	KindNetworkInterface = "NetworkInterface"
	KindLoadBalancer     = "LoadBalancer"
	KindVirtualIP        = "VirtualIP"
)

// maxPort is the last port.
const maxPort = 65535

// Policy is a NetworkPolicy with addresses in place of its selectors.
type Policy struct {
	UID types.UID
	// Interfaces are the NetworkInterfaces that it is for.
	Interfaces []types.UID
	// Ingress and Egress are what it allows to and from them, nil where it does not restrict the direction. Where any policy
	// restricts a direction, what none allows is dropped.
	Ingress, Egress *Allowed
	// TooLarge tells that with its rules, MaxSelected is exceeded: it allows nothing.
	TooLarge bool
}

// MaxSelected is how many addresses and ranges the rules of a Network's policies may select, so that no tenant can fill the memory.
// Rules that select the same objects count once.
const MaxSelected = 500_000

// Allowed is the traffic that one of the rules allows.
type Allowed struct{ Rules []PolicyRule }

// PolicyRule allows traffic that matches both its ranges and its ports.
type PolicyRule struct {
	// Anywhere tells that the other end may have any address; else it has one of Ranges, or none will do.
	Anywhere bool
	Ranges   []netip.Prefix
	// Ports are those of the receiving end. Without any, all traffic matches, whatever its protocol.
	Ports []PortRange
}

// PortRange is the ports from First to Last of a protocol.
type PortRange struct {
	Protocol    v1alpha1.Protocol
	First, Last int32
}

// AllPorts tells whether every port of the protocol is in the range.
func (r PortRange) AllPorts() bool { return r.First <= 1 && r.Last >= maxPort }

// Selectable are what the policies of a Network can select: its NetworkInterfaces and LoadBalancers, and the VirtualIPs of its
// namespace. The addresses of other Networks mean something else here.
type Selectable struct {
	Interfaces    []*v1alpha1.NetworkInterface
	LoadBalancers []*v1alpha1.LoadBalancer
	VirtualIPs    []*v1alpha1.VirtualIP
}

// DecidePolicies looks up what the policies of a Network select, in the order of their UIDs.
func DecidePolicies(policies []*v1alpha1.NetworkPolicy, selectable Selectable) []Policy {
	ordered := slices.SortedFunc(slices.Values(policies), func(a, b *v1alpha1.NetworkPolicy) int { return cmp.Compare(a.UID, b.UID) })
	decided := make([]Policy, 0, len(ordered))
	looking := lookUp{Selectable: selectable, ranges: make(map[string][]netip.Prefix), left: MaxSelected}
	for _, policy := range ordered {
		if policy.DeletionTimestamp == nil {
			decided = append(decided, looking.decidePolicy(policy))
		}
	}
	return decided
}

func (l *lookUp) decidePolicy(policy *v1alpha1.NetworkPolicy) Policy {
	decided := Policy{UID: policy.UID}
	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.NetworkInterfaceSelector)
	if err != nil {
		selector = labels.Everything() // One that can't be read opens nothing.
	}
	for _, nic := range l.Interfaces {
		if selector.Matches(labels.Set(nic.Labels)) {
			decided.Interfaces = append(decided.Interfaces, nic.UID)
		}
	}
	slices.Sort(decided.Interfaces)
	l.selected = make(map[string]*big.Int)
	if slices.Contains(policy.Spec.PolicyTypes, v1alpha1.PolicyTypeIngress) {
		decided.Ingress = &Allowed{}
		for i := 0; i < len(policy.Spec.Ingress) && l.left >= 0; i++ {
			rule := &policy.Spec.Ingress[i]
			decided.Ingress.Rules = append(decided.Ingress.Rules, l.decideRule(rule.From, rule.Ports))
		}
	}
	if slices.Contains(policy.Spec.PolicyTypes, v1alpha1.PolicyTypeEgress) {
		decided.Egress = &Allowed{}
		for i := 0; i < len(policy.Spec.Egress) && l.left >= 0; i++ {
			rule := &policy.Spec.Egress[i]
			decided.Egress.Rules = append(decided.Egress.Rules, l.decideRule(rule.To, rule.Ports))
		}
	}
	if l.left < 0 {
		decided.allowNothing()
	}
	return decided
}

// allowNothing is what becomes of a policy that selects too much: a part of its rules would be none that its owner has written.
func (p *Policy) allowNothing() {
	p.TooLarge = true
	for _, direction := range []*Allowed{p.Ingress, p.Egress} {
		if direction != nil {
			direction.Rules = nil
		}
	}
}

func (l *lookUp) decideRule(peers []v1alpha1.NetworkPolicyPeer, ports []v1alpha1.NetworkPolicyPort) PolicyRule {
	rule := PolicyRule{Anywhere: len(peers) == 0, Ranges: l.rangesOf(peers)}
	for _, port := range ports {
		all := PortRange{Protocol: v1alpha1.ProtocolTCP, First: port.Port, Last: port.Port}
		if port.Protocol != nil {
			all.Protocol = *port.Protocol
		}
		switch {
		case port.Port == 0:
			all.Last = maxPort
		case port.EndPort != nil:
			all.Last = min(*port.EndPort, maxPort)
		}
		rule.Ports = append(rule.Ports, all)
	}
	return rule
}

// Selects tells whether a rule of a policy selects objects of a kind.
func Selects(policy *v1alpha1.NetworkPolicy, kind string) bool {
	of := func(peers []v1alpha1.NetworkPolicyPeer) bool {
		return slices.ContainsFunc(peers, func(peer v1alpha1.NetworkPolicyPeer) bool {
			return peer.ObjectSelector != nil && peer.ObjectSelector.Kind == kind
		})
	}
	return slices.ContainsFunc(policy.Spec.Ingress, func(rule v1alpha1.NetworkPolicyIngressRule) bool { return of(rule.From) }) ||
		slices.ContainsFunc(policy.Spec.Egress, func(rule v1alpha1.NetworkPolicyEgressRule) bool { return of(rule.To) })
}
