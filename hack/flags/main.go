// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command flags prints docs/flags.md: every flag of the programs that run in Pods.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"ironcore.dev/networking/internal/etcdmember"
	"ironcore.dev/networking/internal/server"
)

const head = `<!--
SPDX-FileCopyrightText: The network-apiserver authors
SPDX-License-Identifier: Apache-2.0
-->

# Flags

Made from the code by "make generate". "network-apiserver --help-all" prints the same for your version.

## network-apiserver
`

func main() {
	fmt.Print(head)
	sections := server.NewOptions().Flags()
	for _, name := range sections.Order {
		section(os.Stdout, "### "+strings.ToUpper(name[:1])+name[1:], sections.FlagSets[name])
	}
	fmt.Print("\n## network-etcd\n")
	for _, command := range etcdmember.NewCommand().Commands() {
		section(os.Stdout, "### network-etcd "+command.Name(), command.Flags())
	}
}

// section prints the flags of a set, sorted by name.
func section(out io.Writer, heading string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(out, "\n%s\n\n| flag | default | meaning |\n|---|---|---|\n", heading)
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(flag)
		name := "--" + flag.Name
		if kind != "" {
			name += "=" + kind
		}
		value := ""
		if flag.DefValue != "" && flag.DefValue != "[]" {
			value = "`" + flag.DefValue + "`"
		}
		if flag.Deprecated != "" {
			usage += " Deprecated: " + flag.Deprecated
		}
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", name, value, cell(usage))
	})
}

// cell escapes text for a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "\n", " ").Replace(strings.Join(strings.Fields(text), " "))
}
