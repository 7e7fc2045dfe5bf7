// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command network-apiserver serves the API group networking.ironcore.dev.
package main

import (
	"fmt"
	"os"

	"k8s.io/component-base/cli"

	"ironcore.dev/networking/internal/server"
)

func main() {
	if err := cli.RunNoErrOutput(server.NewCommand()); err != nil {
		fmt.Fprintf(os.Stderr, "network-apiserver: %v\n", err)
		os.Exit(1)
	}
}
