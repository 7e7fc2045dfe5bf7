// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"fmt"
	"io"
	"strings"
)

// Tree writes the namespaces, below them their Networks, and below these their peerings and interfaces.
func (p Picture) Tree(out io.Writer) error {
	peerings := make(map[string][]string)
	for _, peering := range p.Peerings {
		peerings[peering.From] = append(peerings[peering.From], line(peering, "↔ "+peering.To, "→ "+peering.To))
		peerings[peering.To] = append(peerings[peering.To], line(peering, "↔ "+peering.From, "← "+peering.From))
	}
	var text strings.Builder
	namespace := ""
	for i, network := range p.Networks {
		if network.Unknown {
			continue
		}
		if network.Namespace != namespace {
			namespace = network.Namespace
			fmt.Fprintln(&text, namespace)
		}
		branch, trunk := "├── ", "│   "
		if p.lastOfNamespace(i) {
			branch, trunk = "└── ", "    "
		}
		fmt.Fprintln(&text, branch+strings.Join(nonEmpty(network.Name, network.State, network.Reason, network.ProviderID), "  "))
		leaves := peerings[network.ID]
		for _, nic := range network.Interfaces {
			leaves = append(leaves, strings.Join(nonEmpty("nic "+nic.Name, strings.Join(nic.IPs, ","), nic.State, nic.Machine), "  "))
		}
		for j, leaf := range leaves {
			branch := "├── "
			if j == len(leaves)-1 {
				branch = "└── "
			}
			fmt.Fprintln(&text, trunk+branch+leaf)
		}
	}
	if text.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// line is a peering as one of its Networks sees it; an arrow shows who asks.
func line(peering Peering, mutual, oneSided string) string {
	if peering.Kind == Bound {
		return mutual + "  Bound"
	}
	if peering.Kind == Request {
		mutual = oneSided
	}
	return strings.Join(nonEmpty(mutual, string(peering.Kind), peering.Reason), "  ")
}

func (p Picture) lastOfNamespace(i int) bool {
	for _, next := range p.Networks[i+1:] {
		if next.Namespace == p.Networks[i].Namespace && !next.Unknown {
			return false
		}
	}
	return true
}

// nonEmpty returns the words that are not empty.
func nonEmpty(words ...string) (some []string) {
	for _, word := range words {
		if word != "" {
			some = append(some, word)
		}
	}
	return some
}
