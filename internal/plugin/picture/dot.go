// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"fmt"
	"strconv"
	"strings"
)

// Dot returns the picture in the language of Graphviz: a box for each Network, in a frame for each namespace. Classes and
// IDs let a style sheet and a script find the parts in the SVG. The layouts dot and osage both draw it: sortv keeps osage's boxes
// sorted by name.
func (p Picture) Dot() string {
	var text strings.Builder
	text.WriteString(`digraph networks {
  graph [rankdir=LR, fontname="Helvetica", nodesep=0.25, ranksep=0.8, pack=12, packmode="array_u", outputorder=edgesfirst, bgcolor="transparent"]
  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=12, margin="0.15,0.08"]
  edge [fontname="Helvetica", fontsize=10, dir=none]
`)
	namespace := ""
	for i, network := range p.Networks {
		if network.Namespace != namespace {
			if namespace != "" {
				text.WriteString("  }\n")
			}
			namespace = network.Namespace
			fmt.Fprintf(&text, "  subgraph %s {\n    graph [label=%s, class=namespace, style=rounded, color=\"#8a94a6\", sortv=%d]\n",
				strconv.Quote("cluster_"+namespace), strconv.Quote(namespace), i+1)
		}
		colour, border := nodeColours(network.State)
		fmt.Fprintf(&text, "    %s [id=%[1]s, label=%s, tooltip=%s, class=%s, fillcolor=%q, color=%q, sortv=%d]\n",
			strconv.Quote(network.ID), strconv.Quote(label(network)), strconv.Quote(tooltip(network)),
			strconv.Quote("network "+strings.ToLower(network.State)), colour, border, i+1)
	}
	if namespace != "" {
		text.WriteString("  }\n")
	}
	for _, peering := range p.Peerings {
		style, colour, tip := "solid", "#2e7d32", string(peering.Kind)
		direction := "none"
		switch peering.Kind {
		case Pending:
			style, colour = "dashed", "#b26a00"
		case Request:
			style, colour, direction = "dashed", "#5c6bc0", "forward"
		}
		if peering.Reason != string(Bound) {
			tip = strings.Join(nonEmpty(tip, peering.Reason, peering.Message), ": ")
		}
		fmt.Fprintf(&text, "  %s -> %s [id=%s, class=%s, style=%s, color=%q, dir=%s, edgetooltip=%s]\n",
			strconv.Quote(peering.From), strconv.Quote(peering.To), strconv.Quote(peering.From+"--"+peering.To),
			strconv.Quote("peering "+strings.ToLower(string(peering.Kind))), style, colour, direction, strconv.Quote(tip))
	}
	text.WriteString("}\n")
	return text.String()
}

// nodeColours returns a fill that lets lines behind the box show through.
func nodeColours(state string) (fill, border string) {
	switch state {
	case "Available":
		return "#e3f2e6d8", "#2e7d32"
	case "Error":
		return "#fde3e1d8", "#c62828"
	case "Unknown":
		return "#f2f3f5d8", "#8a94a6"
	}
	return "#fff3dcd8", "#b26a00"
}

// A box shows so many interfaces, and so many letters of a line.
const maxInterfaces, maxLineLength = 3, 36

// label is the name, the state unless it is Available, and the interfaces with their addresses.
func label(network Network) string {
	lines := []string{network.Name}
	if network.State != "Available" && !network.Unknown {
		lines = append(lines, network.State)
	}
	shown := min(len(network.Interfaces), maxInterfaces)
	for _, nic := range network.Interfaces[:shown] {
		lines = append(lines, strings.Join(nonEmpty(nic.Name, strings.Join(nic.IPs, " ")), " "))
	}
	if left := len(network.Interfaces) - shown; left > 0 {
		lines = append(lines, fmt.Sprintf("and %d more interfaces", left))
	}
	for i := range lines {
		lines[i] = shorten(lines[i])
	}
	return strings.Join(lines, "\n")
}

// shorten cuts the middle out of a line that is too long: names often differ at the end.
func shorten(line string) string {
	letters := []rune(line)
	if len(letters) <= maxLineLength {
		return line
	}
	return string(letters[:maxLineLength/2]) + "…" + string(letters[len(letters)-maxLineLength/2+1:])
}

func tooltip(network Network) string {
	if network.Unknown {
		return network.ID + ": it was not read, or does not exist"
	}
	return network.ID + ": " + strings.Join(nonEmpty(network.State, network.Reason, network.Message), ": ")
}
