// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

// A Network leaves room for more than others, because its status grows with its peerings. Bytes, in the longest of the
// encodings that are stored.
const (
	// longestReason is room for the words of one decision, without the names in it.
	longestReason = 300
	// perItem is room for the rest of an item: phase, reason, times, state, its claim, and the managed fields of a report.
	perItem = 400
	// perClaim is room for a claim, without the names in it.
	perClaim = 100
	// perPrefix is room for a reported range with its managed field, without its name.
	perPrefix = 130
)

// largest is how large a Network may become without another write of its users.
func largest(network *networking.Network, size func(*networking.Network) int) int {
	room := registry.Reserve
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		target := target(network, peering)
		room += perItem + 3*len(peering.Name) + 2*(len(target.Namespace)+len(target.Name)) + wordsOf(network, peering)
		for j := range peering.Prefixes {
			room += perPrefix + 2*len(peering.Prefixes[j].Name)
		}
	}
	bare := *network
	bare.Status.Peerings, bare.Spec.IncomingPeerings = nil, nil
	// A provider may have reported more than was counted on.
	return max(size(&bare)+room, size(network)+unsaid(network))
}

// unsaid is how much longer the decisions on a Network may get: their words and claims.
func unsaid(network *networking.Network) int {
	more := 0
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		target := target(network, peering)
		more += wordsOf(network, peering) + perClaim + len(target.Namespace) + len(target.Name)
	}
	for i := range network.Status.Peerings {
		more -= len(network.Status.Peerings[i].Message)
	}
	for i := range network.Spec.IncomingPeerings {
		claim := &network.Spec.IncomingPeerings[i]
		more -= perClaim + len(claim.Namespace) + len(claim.Name)
	}
	return max(more, 0)
}

// wordsOf is how long the message of a decision on a peering may be.
func wordsOf(network *networking.Network, peering *networking.NetworkPeering) int {
	target := target(network, peering)
	longest := 0
	for i := range peering.Prefixes {
		longest = max(longest, len(peering.Prefixes[i].Name))
	}
	return longestReason + len(network.Namespace) + len(network.Name) + len(target.Namespace) + len(target.Name) + 3*longest
}
