// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command network-etcd is for the etcd cluster of the manifests: it prepares members, renews certificates and makes backups.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"ironcore.dev/networking/internal/etcdmember"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := etcdmember.NewCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "network-etcd: %v\n", err)
		os.Exit(1)
	}
}
