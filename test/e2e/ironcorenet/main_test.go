// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ironcorenet tests the provider ironcore-net end to end: network-apiserver as a process on one side, and on
// the other a real API server that serves core.apinet.ironcore.dev, with a proxy in between that brings the faults
// about.
//
//	test → network-apiserver → proxy → kube-apiserver with the CRD in testdata → allocator of IDs (a webhook)
package ironcorenet

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

// shared is the control plane that all tests use: the host cluster of the servers and the API server of ironcore-net in
// one, in namespaces of each test's own.
var (
	shared *cluster.Cluster
	ids    *allocator
)

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "network-apiserver-e2e-ironcorenet-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
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
	startCtx, cancelStart := context.WithTimeout(ctx, 2*time.Minute)
	defer cancelStart()
	shared, err = cluster.StartControlPlane(startCtx, root, dir)
	defer func() {
		if failure := shared.Stop(); err == nil {
			err = failure
		}
	}()
	if err != nil {
		return 0, err
	}
	if ids, err = startAllocator(startCtx); err != nil {
		return 0, err
	}
	defer ids.stop()
	return m.Run(), nil
}
