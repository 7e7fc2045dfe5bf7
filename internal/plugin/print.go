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

// Changed tells what a command changed in a Network.
func Changed(network string, change Change, dry dryRun) string {
	verb := "patched"
	if change.IsEmpty() {
		verb = "unchanged"
	}
	text := fmt.Sprintf("network.%s/%s %s%s\n", v1alpha1.GroupName, network, verb, dry.note())
	for _, line := range change.Lines {
		text += "  " + line + "\n"
	}
	return text
}

// Asks tells what is known of the other side.
type Asks int

const (
	// AsksUnknown: nobody could say.
	AsksUnknown Asks = iota
	// AsksNot: it does not name the Network.
	AsksNot
	// AsksToo: it names the Network.
	AsksToo
)

// Next tells what is left to do for the peering of a Network with a target, and who does it.
func Next(network *v1alpha1.Network, target types.NamespacedName, asks Asks) string {
	var item v1alpha1.NetworkPeeringStatus
	if peering := naming(network, target); peering != nil {
		item = rules.PeeringItems(network)[peering.Name]
	}
	switch item.Reason {
	case "", v1alpha1.PeeringReasonEvaluating, v1alpha1.PeeringReasonPeerNotFound, v1alpha1.PeeringReasonPeeringNotAccepted,
		v1alpha1.PeeringReasonNetworkNotAvailable:
	default:
		return item.Message + "\n"
	}
	if asks == AsksToo {
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
	if asks == AsksUnknown {
		who = "To accept, unless it asks already, the owner of"
	}
	return fmt.Sprintf(`%[7]s %[1]s runs
  kubectl network accept %[2]s %[3]s/%[4]s -n %[5]s
or, without this plugin,
  kubectl patch network %[2]s -n %[5]s --patch '%[6]s'
`, target, target.Name, network.Namespace, network.Name, target.Namespace, patch, who)
}

// A table has a column of namespaces where all of them are shown.
type table struct {
	header []string
	rows   [][]string
	// skip is how many columns are left out at the front.
	skip int
}

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
