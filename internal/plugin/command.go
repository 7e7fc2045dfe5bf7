// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package plugin holds the commands of kubectl network. Each command reads what it needs with the user's own credentials and
// passes it to pure functions, which decide what to write (decide.go) and what to print.
package plugin

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // every kubeconfig that kubectl can use
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
)

// NewCommand returns the command kubectl network.
func NewCommand(in io.Reader, out, errOut io.Writer) *cobra.Command {
	streams := genericiooptions.IOStreams{In: in, Out: out, ErrOut: errOut}
	c := &connection{flags: genericclioptions.NewConfigFlags(true), streams: streams}
	root := &cobra.Command{
		Use:   "kubectl-network",
		Short: "Show Networks and their peerings; ask, accept and decline",
		Long: `kubectl network shows Networks (group networking.ironcore.dev) and their peerings, and changes who peers with whom.

A peering takes effect when both Networks name each other:

  kubectl network peer red team-b/blue             # the owner of red asks
  kubectl network requests -n team-b               # the owner of blue sees it
  kubectl network accept blue team-a/red -n team-b # and accepts`,
		Version:       version.Get().GitVersion,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl network"},
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("there is no command %q: see %s --help", args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	c.flags.AddFlags(root.PersistentFlags())
	klogFlags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(klogFlags)
	root.PersistentFlags().AddGoFlag(klogFlags.Lookup("v"))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		newPeerCommand(c), newUnpeerCommand(c),
		newRequestsCommand(c), newAcceptCommand(c), newDeclineCommand(c),
		newPeeringsCommand(c), newTopologyCommand(c), newWhoHasCommand(c), newDoctorCommand(c), newUICommand(c), newDrawCommand(c),
	)
	c.completeContexts(root)
	return root
}

// exactArgs is cobra.ExactArgs with an error that names the arguments.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return fmt.Errorf("%s takes %s, and was given %q; see %[1]s --help", cmd.CommandPath(),
				cmp.Or(strings.Join(names, " and "), "no arguments"), strings.Join(args, " "))
		}
		return nil
	}
}
