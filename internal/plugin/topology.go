// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/term"

	"ironcore.dev/networking/internal/plugin/picture"
	"ironcore.dev/networking/internal/rules"
)

var topologyFormats = []string{"tree", "dot", "svg", "png", "json"}

func newTopologyCommand(c *connection) *cobra.Command {
	var all bool
	format := topologyFormats[0]
	cmd := &cobra.Command{
		Use:   "topology",
		Short: "Show Networks, what is in them and who peers with whom",
		Long: `Show Networks, what is in them and who peers with whom. In the tree, ↔ leads to a Network that names this one too, → to
one that is asked, and ← from one that asks.`,
		Example: `  kubectl network topology
  kubectl network topology -A -o svg > networks.svg`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(topologyFormats, format) {
				return fmt.Errorf("--output %q is not a format: choose one of %s", format, strings.Join(topologyFormats, ", "))
			}
			if _, _, err := term.TerminalSize(c.streams.Out); err == nil && format == "png" {
				return fmt.Errorf("a terminal can't show PNG: add > networks.png")
			}
			s, err := c.open(all)
			if err != nil {
				return err
			}
			drawn, err := s.draw(cmd.Context())
			if err != nil {
				return s.explain(err)
			}
			if len(drawn.Networks) == 0 {
				fmt.Fprintf(c.streams.ErrOut, "There are no Networks%s.\n", inNamespace(s.namespace))
			}
			return show(cmd.Context(), drawn, format, c.streams.Out)
		},
	}
	addAllNamespacesFlag(cmd.Flags(), &all)
	cmd.Flags().StringVarP(&format, "output", "o", format, "One of "+strings.Join(topologyFormats, ", ")+".")
	completeFlag(cmd, "output", topologyFormats...)
	return cmd
}

// draw reads what there is to show.
func (s *server) draw(ctx context.Context) (picture.Picture, error) {
	networks, err := s.networks().List(ctx, metav1.ListOptions{})
	if err != nil {
		return picture.Picture{}, err
	}
	interfaces, err := s.NetworkInterfaces(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return picture.Picture{}, err
	}
	drawn := picture.Draw(networks.Items, interfaces.Items)
	if s.namespace == metav1.NamespaceAll { // everybody who asks was read
		return drawn, nil
	}
	names := make([]types.NamespacedName, 0, len(networks.Items))
	for i := range networks.Items {
		names = append(names, rules.NameOf(&networks.Items[i]))
	}
	answers, err := s.requests(ctx, names, false)
	if apierrors.IsForbidden(err) {
		return drawn, nil
	}
	return drawn.WithRequests(answers), err
}

func show(ctx context.Context, drawn picture.Picture, format string, out io.Writer) (err error) {
	var image []byte
	switch format {
	case "tree":
		return drawn.Tree(out)
	case "dot":
		_, err = io.WriteString(out, drawn.Dot())
		return err
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(drawn)
	case "svg":
		image, err = drawn.SVG(ctx)
	case "png":
		image, err = drawn.PNG(ctx)
	}
	if err != nil {
		return err
	}
	_, err = out.Write(image)
	return err
}
