// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"net/netip"
	"slices"

	"go4.org/netipx"
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
}

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
	decided := make([]Policy, 0, len(policies))
	for _, policy := range policies {
		if policy.DeletionTimestamp == nil {
			decided = append(decided, decidePolicy(policy, selectable))
		}
	}
	slices.SortFunc(decided, func(a, b Policy) int { return cmp.Compare(a.UID, b.UID) })
	return decided
}

func decidePolicy(policy *v1alpha1.NetworkPolicy, selectable Selectable) Policy {
	decided := Policy{UID: policy.UID}
	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.NetworkInterfaceSelector)
	if err != nil {
		selector = labels.Everything() // One that can't be read opens nothing.
	}
	for _, nic := range selectable.Interfaces {
		if selector.Matches(labels.Set(nic.Labels)) {
			decided.Interfaces = append(decided.Interfaces, nic.UID)
		}
	}
	slices.Sort(decided.Interfaces)
	if slices.Contains(policy.Spec.PolicyTypes, v1alpha1.PolicyTypeIngress) {
		decided.Ingress = &Allowed{}
		for _, rule := range policy.Spec.Ingress {
			decided.Ingress.Rules = append(decided.Ingress.Rules, decideRule(rule.From, rule.Ports, selectable))
		}
	}
	if slices.Contains(policy.Spec.PolicyTypes, v1alpha1.PolicyTypeEgress) {
		decided.Egress = &Allowed{}
		for _, rule := range policy.Spec.Egress {
			decided.Egress.Rules = append(decided.Egress.Rules, decideRule(rule.To, rule.Ports, selectable))
		}
	}
	return decided
}

func decideRule(peers []v1alpha1.NetworkPolicyPeer, ports []v1alpha1.NetworkPolicyPort, selectable Selectable) PolicyRule {
	rule := PolicyRule{Anywhere: len(peers) == 0}
	var ranges netipx.IPSetBuilder
	for i := range peers {
		if block := peers[i].IPBlock; block != nil {
			ranges.AddSet(addressesOfBlock(block))
		}
		if selector := peers[i].ObjectSelector; selector != nil {
			for _, prefix := range selectable.addresses(selector) {
				ranges.AddPrefix(prefix)
			}
		}
	}
	if set, err := ranges.IPSet(); err == nil {
		rule.Ranges = set.Prefixes()
	}
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

// addressesOfBlock returns the addresses of a range without its exceptions. A range that can't be read has none, nor has one
// with an exception that can't be.
func addressesOfBlock(block *v1alpha1.IPBlock) *netipx.IPSet {
	var addresses netipx.IPSetBuilder
	whole, err := netip.ParsePrefix(block.CIDR)
	if err != nil {
		return &netipx.IPSet{}
	}
	addresses.AddPrefix(whole.Masked())
	for _, text := range block.Except {
		except, err := netip.ParsePrefix(text)
		if err != nil {
			return &netipx.IPSet{}
		}
		addresses.RemovePrefix(except.Masked())
	}
	set, err := addresses.IPSet()
	if err != nil {
		return &netipx.IPSet{}
	}
	return set
}

// addresses returns those of the selected objects.
func (s Selectable) addresses(selector *v1alpha1.ObjectSelector) []netip.Prefix {
	matching, err := metav1.LabelSelectorAsSelector(&selector.LabelSelector)
	if err != nil {
		return nil
	}
	var texts []string
	switch selector.Kind {
	case KindNetworkInterface:
		var selected []*v1alpha1.NetworkInterface
		for _, nic := range s.Interfaces {
			if matching.Matches(labels.Set(nic.Labels)) {
				selected = append(selected, nic)
			}
		}
		return InForce(selected)
	case KindLoadBalancer:
		for _, balancer := range s.LoadBalancers {
			if matching.Matches(labels.Set(balancer.Labels)) {
				texts = append(texts, balancer.Status.IPs...)
			}
		}
	case KindVirtualIP:
		for _, vip := range s.VirtualIPs {
			if matching.Matches(labels.Set(vip.Labels)) {
				texts = append(texts, vip.Status.IP)
			}
		}
	}
	var prefixes []netip.Prefix
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil {
			prefixes = append(prefixes, netip.PrefixFrom(address, address.BitLen()))
		}
	}
	return prefixes
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
