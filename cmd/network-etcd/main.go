// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command network-etcd looks after the etcd cluster of the manifests: it lets a member start, and backs the cluster up.
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
