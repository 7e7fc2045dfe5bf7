// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The bench measures network-apiserver beside two others, in one run and in turns: etcd alone, which is the most that
// any server on top of it can reach, and the same Network as a custom resource of a kube-apiserver with a controller of
// its own. It writes each figure as a line of JSON, and a table of all in the end. run.sh builds what it needs and
// starts it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	var b bench
	flag.StringVar(&b.programs.networkAPIServer, "network-apiserver", "", "The program network-apiserver.")
	flag.StringVar(&b.programs.crdController, "crd-controller", "", "The program crd-controller.")
	flag.StringVar(&b.programs.etcd, "etcd", "", "The program etcd.")
	flag.StringVar(&b.programs.kubeAPIServer, "kube-apiserver", "", "The program kube-apiserver.")
	flag.StringVar(&b.dir, "dir", "", "Directory for data and logs, on a real disk; what is in it is removed.")
	flag.BoolVar(&b.quick, "quick", false, "Measure once, and at the smallest size only.")
	flag.StringVar(&b.only, "only", "", "Measure one part alone: throughput, binding or scale.")
	flag.IntVar(&b.largest, "largest", 100_000, "How many Networks to end with.")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, b.programs.failed = context.WithCancelCause(ctx)
	if err := b.run(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) error {
	if err := os.RemoveAll(b.dir); err != nil {
		return err
	}
	b.report.out = os.Stdout
	start := time.Now()
	if err := b.measure(ctx); err != nil {
		return err
	}
	b.say("done in %s", time.Since(start).Round(time.Second))
	return b.report.table(os.Stdout)
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// folder makes a folder of its own for a server.
func (b *bench) folder(name string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(b.dir, name))
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}
