// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/plugin/ui"
)

func newUICommand(c *connection) *cobra.Command {
	var all bool
	var port int
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Show a live picture of Networks in your browser",
		Long: `Serve a page on this machine that shows Networks, what is in them and who peers with whom, and follows every change. It is
read with your own credentials, and changes nothing. Whoever has its address can open it: keep the address secret.`,
		Example: `  kubectl network ui
  kubectl network ui -A --port 8080`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if port < 0 || port > 65535 {
				return fmt.Errorf("--port %d is not a port: choose one from 1 to 65535, or 0 for any that is free", port)
			}
			s, err := c.open(all)
			if err != nil {
				return err
			}
			if _, err := s.draw(cmd.Context()); err != nil { // An error at the start belongs here, not on the page.
				return s.explain(err)
			}
			requests := func(ctx context.Context, names []types.NamespacedName) ([]*v1alpha1.NetworkPeeringRequests, error) {
				return s.requests(ctx, names, false)
			}
			err = ui.Serve(cmd.Context(), s.config, s.namespace, port, requests, func(url string) {
				fmt.Fprintf(c.streams.Out, "Open %s\nCtrl-C ends it.\n", url)
			})
			if err != nil {
				return s.explain(err)
			}
			fmt.Fprintln(c.streams.Out, "The page has ended.")
			return nil
		},
	}
	addAllNamespacesFlag(cmd.Flags(), &all)
	cmd.Flags().IntVar(&port, "port", 0, "The port of the page on 127.0.0.1; 0 means any that is free.")
	return cmd
}
