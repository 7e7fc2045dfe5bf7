// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// What is printed, as functions of what was read.

package plugin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// changeText says what a command changed in a Network.
func changeText(network string, change networkChange, dry dryRun) string {
	verb := "patched"
	if change.isEmpty() {
		verb = "unchanged"
	}
	text := fmt.Sprintf("network.%s/%s %s%s\n", v1alpha1.GroupName, network, verb, dry.note())
	for _, line := range change.lines {
		text += "  " + line + "\n"
	}
	return text
}

// requestState tells whether the other Network asks for the peering.
type requestState int

const (
	requestUnknown requestState = iota // The user may not read the requests, or not all are listed.
	requestAbsent
	requestPresent
)

// nextSteps says what is left to do until the peering with a target is Bound, and who does it.
func nextSteps(network *v1alpha1.Network, target types.NamespacedName, request requestState) string {
	var item v1alpha1.NetworkPeeringStatus
	if peering := peeringWith(network, target); peering != nil {
		item = rules.PeeringItems(network)[peering.Name]
	}
	switch item.Reason {
	case "", v1alpha1.PeeringReasonEvaluating, v1alpha1.PeeringReasonPeerNotFound, v1alpha1.PeeringReasonPeeringNotAccepted,
		v1alpha1.PeeringReasonNetworkNotAvailable:
	default:
		return item.Message + "\n"
	}
	if request == requestPresent {
		return fmt.Sprintf("%s asks for it too: nothing is left to do, the peering becomes Bound by itself.\n", target)
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"peerings": []v1alpha1.NetworkPeering{{
		Name:       network.Name,
		NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: network.Namespace, Name: network.Name},
	}}}})
	if err != nil {
		return err.Error() // of plain strings it never fails
	}
	who := "To accept, the owner of"
	if request == requestUnknown {
		who = "To accept, unless it asks already, the owner of"
	}
	return fmt.Sprintf("%s %s runs\n", who, target) +
		fmt.Sprintf("  kubectl network accept %s %s -n %s\n", target.Name, rules.NameOf(network), target.Namespace) +
		"or, without this plugin,\n" +
		fmt.Sprintf("  kubectl patch network %s -n %s --patch '%s'\n", target.Name, target.Namespace, patch)
}

// table is printed like a table of kubectl.
type table struct {
	header []string
	rows   [][]string
	skip   int // columns to leave out at the front
}

// newTable returns a table whose first column, the namespace, is printed only with allNamespaces.
func newTable(allNamespaces bool, header ...string) *table {
	t := &table{header: header}
	if !allNamespaces {
		t.skip = 1
	}
	return t
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(out io.Writer) error {
	writer := printers.GetNewTabWriter(out)
	for _, cells := range append([][]string{t.header}, t.rows...) {
		for i := range cells {
			cells[i] = cmp.Or(cells[i], "<none>")
		}
		fmt.Fprintln(writer, strings.Join(cells[t.skip:], "\t"))
	}
	return writer.Flush()
}

func since(t *metav1.Time, now time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return duration.HumanDuration(now.Sub(t.Time))
}
