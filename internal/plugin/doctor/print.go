// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Print writes a line for each finding, and below it the command. It returns how many are problems.
func Print(out io.Writer, findings []Finding) (problems int, err error) {
	for _, finding := range findings {
		if finding.Level == Problem {
			problems++
		}
		if _, err := fmt.Fprintf(out, "%-8s %-13s %s\n", finding.Level, finding.Subject,
			strings.Join(strings.Fields(finding.Text), " ")); err != nil {
			return problems, err
		}
		if finding.Command != "" {
			if _, err := fmt.Fprintf(out, "%-22s → %s\n", "", finding.Command); err != nil {
				return problems, err
			}
		}
	}
	return problems, nil
}
