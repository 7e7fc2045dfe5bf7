// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/internal/rules"
)

// The priorities of ACLs: what a policy allows comes before the drop of everything else.
const (
	allowPriority = 1001
	dropPriority  = 1000
)

// direction is one that policies restrict.
type direction struct {
	name string
	// acl is the direction of ACLs: that of traffic as the switch sees it.
	acl string
	// here is the field with the guest's port, there the one with the address at the other end.
	here, there string
	allowed     func(rules.Policy) *rules.Allowed
}

var directions = []direction{
	{"ingress", "to-lport", "outport", "src", func(p rules.Policy) *rules.Allowed { return p.Ingress }},
	{"egress", "from-lport", "inport", "dst", func(p rules.Policy) *rules.Allowed { return p.Egress }},
}

// groupName returns the name of a port group or an address set. They may have no hyphens.
func groupName(kind string, uid types.UID) string {
	return kind + "_" + strings.ReplaceAll(string(uid), "-", "_")
}

// decidePolicies returns the rows that enforce the policies of a Network on the ports that are in place: a group of the ports of
// each policy, and for each direction a group of the ports that may receive or send only what a policy allows.
func decidePolicies(o owner, policies []rules.Policy, inPlace map[types.UID]bool) []row {
	if len(policies) == 0 {
		return nil
	}
	var rows []row
	restricted := make(map[string][]string)
	for _, policy := range policies {
		var ports []string
		for _, nic := range policy.Interfaces {
			if inPlace[nic] {
				ports = append(ports, interfacePort(nic))
			}
		}
		if len(ports) == 0 {
			continue
		}
		group := groupName("policy", policy.UID)
		rows = append(rows, o.portGroup(group, ports))
		for _, d := range directions {
			allowed := d.allowed(policy)
			if allowed == nil {
				continue
			}
			restricted[d.name] = append(restricted[d.name], ports...)
			for i, rule := range allowed.Rules {
				set := fmt.Sprintf("%s_%s_%d", group, d.name, i)
				match := fmt.Sprintf("%s == @%s && %s", d.here, group, decideMatch(d, rule, set))
				rows = append(rows, o.acl(d, allowPriority, match, "allow-related"))
				if !rule.Anywhere {
					rows = append(rows, o.addressSets(set, rule)...)
				}
			}
		}
	}
	for _, d := range directions {
		slices.Sort(restricted[d.name])
		rows = append(rows, o.restrict(d, slices.Compact(restricted[d.name]))...)
	}
	return distinctRows(rows)
}

// restrict returns the rows that drop all traffic of ports in a direction, except what a policy allows. The group exists even
// without ports: it shows that the Network has policies.
func (o owner) restrict(d direction, ports []string) []row {
	group := groupName(d.name, o.uid)
	rows := []row{o.portGroup(group, ports)}
	if len(ports) == 0 {
		return rows // Hypervisors complain of ACLs on a group without ports.
	}
	return append(rows,
		o.acl(d, dropPriority, fmt.Sprintf("%s == @%s && ip", d.here, group), "drop"),
		// Guests have to find their gateway. One ACL of this kind also has OVN follow connections, so that replies pass.
		o.acl(d, allowPriority, fmt.Sprintf("%s == @%s && (nd || nd_rs || nd_ra)", d.here, group), "allow-related"))
}

// decideMatch returns the match of a rule, given the name of its address sets.
func decideMatch(d direction, rule rules.PolicyRule, set string) string {
	var conditions []string
	if !rule.Anywhere {
		conditions = append(conditions, fmt.Sprintf("(ip4.%s == $%s_v4 || ip6.%s == $%s_v6)", d.there, set, d.there, set))
	}
	if len(rule.Ports) > 0 {
		ports := make([]string, 0, len(rule.Ports))
		for _, port := range rule.Ports {
			protocol := strings.ToLower(string(port.Protocol))
			switch {
			case port.AllPorts():
				ports = append(ports, protocol)
			case port.First == port.Last:
				ports = append(ports, fmt.Sprintf("%s.dst == %d", protocol, port.First))
			default:
				ports = append(ports, fmt.Sprintf("%d <= %s.dst <= %d", port.First, protocol, port.Last))
			}
		}
		conditions = append(conditions, "("+strings.Join(ports, " || ")+")")
	}
	if len(conditions) == 0 {
		return "ip"
	}
	return strings.Join(conditions, " && ")
}

// decideNewPort returns the rows that a new port needs if there are policies: it may receive and send nothing until they have been
// decided for it.
func decideNewPort(o owner, nic types.UID, there []found) []row {
	port := interfacePort(nic)
	groups := make(map[string][]string)
	for _, f := range there {
		switch {
		case f.table == tableSwitchPort && f.key == port:
			return nil
		case f.table == tablePortGroup:
			groups[f.key], _ = f.columns["ports"].([]string)
		}
	}
	var rows []row
	for _, d := range directions {
		if ports, ok := groups[groupName(d.name, o.uid)]; ok {
			rows = append(rows, o.restrict(d, append(slices.Clone(ports), port))...)
		}
	}
	return rows
}

func (o owner) portGroup(name string, ports []string) row {
	return o.row(tablePortGroup, name, partPolicies, map[string]any{"name": name, "ports": ports})
}

func (o owner) acl(d direction, priority int, match, action string) row {
	return o.row(tableACL, aclKey(d.acl, priority, match), partPolicies, map[string]any{
		"direction": d.acl, "priority": priority, "match": match, "action": action,
	})
}

// addressSets returns those of a rule, one for each family.
func (o owner) addressSets(name string, rule rules.PolicyRule) []row {
	families := make(map[string][]string)
	for _, prefix := range rule.Ranges {
		family := "_v6"
		if prefix.Addr().Is4() {
			family = "_v4"
		}
		families[family] = append(families[family], prefix.String())
	}
	var rows []row
	for _, family := range []string{"_v4", "_v6"} {
		rows = append(rows, o.row(tableAddressSet, name+family, partPolicies, map[string]any{
			"name": name + family, "addresses": families[family],
		}))
	}
	return rows
}

// distinctRows drops the rows of a rule that equals an earlier one of its policy.
func distinctRows(rows []row) []row {
	seen := make(map[place]bool, len(rows))
	return slices.DeleteFunc(rows, func(r row) bool {
		again := seen[r.place()]
		seen[r.place()] = true
		return again
	})
}
