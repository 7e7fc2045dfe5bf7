// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

func newPeeringsCommand(c *connection) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "peerings [NETWORK...]",
		Short: "List the peerings of your Networks, one line each",
		Example: `  kubectl network peerings
  kubectl network peerings red
  kubectl network peerings -A`,
		ValidArgsFunction: c.completeNetworks(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := c.openNamed(all, args)
			if err != nil {
				return err
			}
			var networks []v1alpha1.Network
			for _, name := range args {
				network, err := s.networks().Get(cmd.Context(), name, metav1.GetOptions{})
				if err != nil {
					return s.explain(err)
				}
				networks = append(networks, *network)
			}
			if len(args) == 0 {
				list, err := s.networks().List(cmd.Context(), metav1.ListOptions{})
				if err != nil {
					return s.explain(err)
				}
				networks = list.Items
			}
			return printPeerings(c.streams.Out, c.streams.ErrOut, networks, all, time.Now())
		},
	}
	addAllNamespacesFlag(cmd.Flags(), &all)
	return cmd
}

// printPeerings prints a line for each peering of the Networks, or writes to notes that there are none.
func printPeerings(out, notes io.Writer, networks []v1alpha1.Network, allNamespaces bool, now time.Time) error {
	t := newTable(allNamespaces, "NAMESPACE", "NETWORK", "PEERING", "PEER", "PHASE", "STATE", "SINCE", "REASON")
	networks = slices.Clone(networks)
	slices.SortFunc(networks, func(a, b v1alpha1.Network) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for i := range networks {
		network := &networks[i]
		items := rules.PeeringItems(network)
		for j := range network.Spec.Peerings {
			peering := &network.Spec.Peerings[j]
			item := items[peering.Name]
			t.add(network.Namespace, network.Name, peering.Name, rules.TargetOf(network, peering).String(),
				string(item.Phase), string(item.State), since(item.LastPhaseTransitionTime, now), item.Reason)
		}
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(notes, "There are no peerings.")
		return err
	}
	return t.print(out)
}
