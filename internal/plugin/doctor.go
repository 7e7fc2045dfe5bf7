// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"

	"github.com/spf13/cobra"

	"ironcore.dev/networking/internal/plugin/doctor"
)

func newDoctorCommand(c *connection) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what is wrong with the server and your Networks, with the command that fixes it",
		Long: `Find what is wrong: the APIService, certificates, the leader of the controllers, the provider, Networks and peerings that are
Pending and why, address ranges that overlap. Each finding comes with the command that fixes it or shows more. It changes
nothing, and fails if there is a problem.`,
		Example: `  kubectl network doctor
  kubectl network doctor -A`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(all)
			if err != nil {
				return err
			}
			snapshot, err := doctor.Read(cmd.Context(), s.config, s, s.namespace)
			if err != nil {
				return s.explain(err)
			}
			problems, err := doctor.Print(c.streams.Out, doctor.Diagnose(snapshot))
			if err != nil {
				return err
			}
			if problems > 0 {
				return fmt.Errorf("problems: %d", problems)
			}
			return nil
		},
	}
	addAllNamespacesFlag(cmd.Flags(), &all)
	return cmd
}
