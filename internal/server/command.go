// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register" // for --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	_ "k8s.io/component-base/metrics/prometheus/workqueue"
	"k8s.io/component-base/term"

	"ironcore.dev/networking/internal/compare"
)

// NewCommand returns the command network-apiserver.
func NewCommand() *cobra.Command {
	o := NewOptions()
	sections := o.Flags()
	cmd := &cobra.Command{
		Use:           "network-apiserver",
		Version:       versionLine(),
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.run(cmd, sections) },
	}
	global := sections.FlagSet("global")
	global.Bool("version", false, "Print the version and exit.")
	globalflag.AddGlobalFlags(global, cmd.Name())
	helpAll := global.Bool("help-all", false, "Print all flags and exit. --help prints the usual ones.")
	for _, flags := range sections.FlagSets {
		cmd.Flags().AddFlagSet(flags)
	}
	cmd.SetVersionTemplate("{{.Version}}\n")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fmt.Errorf("%w; see --help", err)
	})
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		if cmd.HasParent() {
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n\nUsage:\n  %s\n", cmd.Long, cmd.UseLine())
			return
		}
		fmt.Fprint(cmd.OutOrStdout(), help)
	})
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if *helpAll {
			if err := o.Complete(cmd.Flags().Changed); err != nil {
				return err
			}
			defaultsAsCompleted(cmd.Flags())
			columns, _, err := term.TerminalSize(cmd.OutOrStdout())
			if err != nil || columns < 40 {
				columns = 100 // no terminal, or none to be read on
			}
			cliflag.PrintSections(cmd.OutOrStdout(), sections, columns)
			cmd.RunE = func(*cobra.Command, []string) error { return nil }
		}
		return nil
	}
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetHelpCommand(&cobra.Command{Hidden: true}) // --help says it all.
	cmd.AddCommand(compare.NewCommand())
	return cmd
}

// run runs the server with the options, unless they are at fault.
func (o *Options) run(cmd *cobra.Command, sections cliflag.NamedFlagSets) error {
	if err := logsapi.ValidateAndApply(o.Logs, utilfeature.DefaultFeatureGate); err != nil {
		return fmt.Errorf("--logging-format and the other flags for logs: %w", err)
	}
	cliflag.PrintFlags(cmd.Flags())
	if err := o.Complete(cmd.Flags().Changed); err != nil {
		return err
	}
	errs := slices.Concat(o.refuseHostFlags(sections), o.refuseIdleFlags(cmd.Flags()), named(o.Validate(), cmd.Flags()))
	if err := utilerrors.NewAggregate(errs); err != nil {
		return err
	}
	return Run(genericapiserver.SetupSignalContext(), o, cmd.OutOrStdout())
}
