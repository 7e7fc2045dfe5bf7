// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/plugin/picture"
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
			svg := func(drawn picture.Picture) ([]byte, error) { return drawApart(cmd.Context(), drawn) }
			err = ui.Serve(cmd.Context(), s.config, s.namespace, port, requests, svg, func(url string) {
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

// drawCommand is the command that drawApart runs.
const drawCommand = "draw"

// drawApart returns the SVG of a picture, drawn by a process of its own: Graphviz never gives back the memory of a drawing.
func drawApart(ctx context.Context, drawn picture.Picture) ([]byte, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(drawn)
	if err != nil {
		return nil, err
	}
	var svg, trouble bytes.Buffer
	process := exec.CommandContext(ctx, program, drawCommand)
	process.Stdin, process.Stdout, process.Stderr = bytes.NewReader(data), &svg, &trouble
	if err := process.Run(); err != nil {
		return nil, fmt.Errorf("drawing %d Networks: %w: %s", len(drawn.Networks), err, oneLine(trouble.String()))
	}
	return svg.Bytes(), nil
}

func newDrawCommand(c *connection) *cobra.Command {
	return &cobra.Command{
		Use:     drawCommand,
		Short:   "Draw the output of topology -o json as SVG",
		Example: "  kubectl network topology -o json | kubectl network draw",
		Hidden:  true,
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var drawn picture.Picture
			if err := json.NewDecoder(c.streams.In).Decode(&drawn); err != nil {
				return err
			}
			return show(cmd.Context(), drawn, "svg", c.streams.Out)
		},
	}
}
