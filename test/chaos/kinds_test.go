// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"math/rand/v2"
)

// keysPerKind is how many names of each kind the clients write, in one namespace.
const keysPerKind = 8

// lastKey is the number of one more name, which is written when all is over.
const lastKey = keysPerKind

// kind is a kind of the group: its resource, and what the key with the given number can have beside its metadata.
type kind struct {
	resource string
	name     string
	changes  bool // A patch changes the content too.
	content  func(random *rand.Rand, number int) map[string]any
}

// kinds are all that the clients write. A further kind is one row.
var kinds = []kind{
	{"networks", "Network", true, func(random *rand.Rand, number int) map[string]any {
		peerings := []any{}
		for i, peer := range random.Perm(keysPerKind)[:4] {
			if peer != number {
				peerings = append(peerings, map[string]any{
					"name":       fmt.Sprintf("p%d", i),
					"networkRef": map[string]any{"name": keyName("networks", peer)},
				})
			}
		}
		return map[string]any{"spec": map[string]any{"peerings": peerings}}
	}},
	// Two interfaces share a Network, and often want the same address. Some want a VirtualIP.
	{"networkinterfaces", "NetworkInterface", false, func(random *rand.Rand, number int) map[string]any {
		spec := map[string]any{
			"networkRef": networkOf(number),
			"ipFamilies": []any{"IPv4"},
			"ips":        []any{map[string]any{"value": fmt.Sprintf("10.0.0.%d", 1+random.IntN(4))}},
		}
		if random.IntN(2) == 0 {
			spec["virtualIP"] = map[string]any{"virtualIPRef": map[string]any{"name": keyName("virtualips", number)}}
		}
		return map[string]any{"spec": spec}
	}},
	{"virtualips", "VirtualIP", false, func(*rand.Rand, int) map[string]any {
		return map[string]any{"spec": map[string]any{"type": "Public", "ipFamily": "IPv4"}}
	}},
	{"loadbalancers", "LoadBalancer", true, func(random *rand.Rand, number int) map[string]any {
		return map[string]any{"spec": map[string]any{
			"type": "Internal", "networkRef": networkOf(number), "ipFamilies": []any{"IPv4"},
			"ips":                      []any{map[string]any{"value": "10.0.1.1"}},
			"ports":                    []any{map[string]any{"port": 1 + random.IntN(1000)}},
			"networkInterfaceSelector": map[string]any{},
		}}
	}},
	{"natgateways", "NATGateway", true, func(random *rand.Rand, number int) map[string]any {
		return map[string]any{"spec": map[string]any{
			"type": "Public", "ipFamily": "IPv4", "networkRef": networkOf(number),
			"portsPerNetworkInterface": 1 << (6 + random.IntN(4)),
		}}
	}},
	{"networkpolicies", "NetworkPolicy", true, func(random *rand.Rand, number int) map[string]any {
		return map[string]any{"spec": map[string]any{
			"networkRef": networkOf(number), "networkInterfaceSelector": map[string]any{}, "policyTypes": []any{"Ingress"},
			"ingress": []any{map[string]any{"ports": []any{map[string]any{"port": 1 + random.IntN(1000)}}}},
		}}
	}},
	{"loadbalancerroutings", "LoadBalancerRouting", true, func(random *rand.Rand, number int) map[string]any {
		return map[string]any{
			"networkRef":   map[string]any{"name": keyName("networks", number/2), "uid": ""},
			"destinations": []any{map[string]any{"ip": fmt.Sprintf("10.0.0.%d", 1+random.IntN(200))}},
		}
	}},
}

// members are the kinds whose objects are stored first, and taken back if their Network does not take them.
var members = []string{"networkinterfaces", "loadbalancers", "natgateways"}

// networkOf refers to the Network of a key.
func networkOf(number int) map[string]any {
	network := number / 2
	if number == lastKey {
		network = lastKey
	}
	return map[string]any{"name": keyName("networks", network)}
}

func keyName(resource string, number int) string { return fmt.Sprintf("%s-%d", resource, number) }
