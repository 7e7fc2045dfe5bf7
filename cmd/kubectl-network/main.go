// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-network is a plugin of kubectl for the owners of Networks.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"ironcore.dev/networking/internal/plugin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	command := plugin.NewCommand(os.Stdin, os.Stdout, os.Stderr)
	// For completion, kubectl runs a program of this name: a link to this one.
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl_complete-") {
		command.SetArgs(append([]string{"__complete"}, os.Args[1:]...))
	}
	err := command.ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}
