// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"ironcore.dev/networking/test/race"
)

// startTimeout bounds how long a cluster takes to be ready.
const startTimeout = 2 * time.Minute

// Main is the TestMain of a package: start starts a cluster with its data and logs in a directory, and run runs the tests
// on it. The logs stay if a test fails.
func Main(start func(ctx context.Context, dir string) (*Cluster, error), run func(ctx context.Context) (code int, err error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "network-apiserver-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1) //nolint:gocritic // The signals end with the process.
	}
	code := race.Watch(func() int {
		code, err := startAndRun(ctx, dir, start, run)
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			code = 1
		}
		return code
	})
	if code == 0 {
		os.RemoveAll(dir)
	} else {
		fmt.Fprintln(os.Stderr, "e2e: logs and data are in", dir)
	}
	os.Exit(code)
}

func startAndRun(ctx context.Context, dir string, start func(context.Context, string) (*Cluster, error),
	run func(context.Context) (int, error)) (code int, err error) {
	begin := time.Now()
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cluster, err := start(starting, dir)
	if cluster == nil {
		return 0, err
	}
	defer func() {
		if failure := cluster.Stop(); err == nil {
			err = failure
		}
	}()
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(os.Stderr, "e2e: the cluster was ready after %.1f s\n", time.Since(begin).Seconds())
	return run(ctx)
}
