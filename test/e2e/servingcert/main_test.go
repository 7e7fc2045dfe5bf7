// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package servingcert tests how the server keeps its own serving certificate, with a real kube-apiserver that verifies
// it on a new connection for every request. The clock of the replicas is the test's, so that years pass in seconds.
package servingcert

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"ironcore.dev/networking/test/e2e/cluster"
)

var shared *cluster.Cluster

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "network-apiserver-e2e-servingcert-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code, err := run(ctx, m, dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	if code == 0 {
		os.RemoveAll(dir)
	} else {
		fmt.Fprintln(os.Stderr, "e2e: logs and data are in", dir)
	}
	os.Exit(code)
}

func run(ctx context.Context, m *testing.M, dir string) (code int, err error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return 0, err
	}
	startCtx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	shared, err = cluster.StartControlPlane(startCtx, root, dir)
	defer func() {
		if failure := shared.Stop(); err == nil {
			err = failure
		}
	}()
	if err != nil {
		return 0, err
	}
	return m.Run(), nil
}
