// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The bench measures network-apiserver, behind a kube-apiserver and standalone, beside two others, in one run and in turns:
// etcd alone, which is the most that any server on top of it can reach, and the same Network as a custom resource of a
// kube-apiserver with a controller of its own. It writes each figure as a line of JSON, and tables of all in the end.
// test/e2e/cluster starts the programs; run.sh builds what it needs and starts the bench.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	var (
		b               bench
		dir, from, docs string
	)
	flag.StringVar(&b.root, "root", ".", "The folder of the repository, with the programs in bin.")
	flag.StringVar(&dir, "dir", "", "Directory for figures, data and logs, on a real disk; earlier data is removed.")
	flag.BoolVar(&b.quick, "quick", false, "Measure once, and at the smallest size only.")
	flag.StringVar(&b.only, "only", "", "Measure one part alone: "+strings.Join(parts, ", ")+".")
	flag.IntVar(&b.largest, "largest", 100_000, "How many Networks to end with.")
	flag.StringVar(&from, "from", "", "Measure nothing: show the figures that an earlier run wrote to this file.")
	flag.StringVar(&docs, "docs", "", "Write the tables into the README and docs/performance.md below this directory.")
	flag.Parse()

	// The bench shares the processors with the servers: it trades memory for less collection of garbage.
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &b, dir, from, docs)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, b *bench, dir, from, docs string) error {
	if b.only != "" && !slices.Contains(parts, b.only) {
		return fmt.Errorf("--only=%s: choose of %s", b.only, strings.Join(parts, ", "))
	}
	pages := pagesBelow(docs)
	if err := pages.check(); err != nil {
		return err
	}
	if from != "" {
		if err := b.report.read(from); err != nil {
			return err
		}
	} else if err := b.runIn(ctx, dir); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(b.report.ratios()); err != nil {
		return err
	}
	if err := b.report.table(os.Stdout); err != nil {
		return err
	}
	return pages.fill(&b.report)
}

// runIn measures, with everything in dir.
func (b *bench) runIn(ctx context.Context, dir string) (err error) {
	data, err := filepath.Abs(filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(data), os.MkdirAll(data, 0o700)); err != nil {
		return err
	}
	// Unix sockets have short names alone, while this directory may lie deep: the servers reach it over a short link.
	short, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(short)
	if b.root, err = filepath.Abs(b.root); err != nil {
		return err
	}
	b.dir = filepath.Join(short, "data")
	if err := os.Symlink(data, b.dir); err != nil {
		return err
	}
	b.report.file, err = os.Create(filepath.Join(dir, "figures.jsonl"))
	if err != nil {
		return err
	}
	defer b.report.file.Close()

	limit := fullLimit
	if b.quick {
		limit = quickLimit
	}
	start := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the run is not done after %s", limit))
	defer cancel()
	if err := b.measure(limited); err != nil {
		if cause := context.Cause(limited); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
		return fmt.Errorf("%s: %w (the servers' logs are below %s)", b.step, err, data)
	}
	b.say("done in %s; the figures are in %s", time.Since(start).Round(time.Second), b.report.file.Name())
	return nil
}

// The limits of a run are far beyond what it takes: they end one that makes no progress.
const (
	quickLimit = 30 * time.Minute
	fullLimit  = 3 * time.Hour
)

// say tells what is measured from now on.
func (b *bench) say(format string, args ...any) {
	b.step = fmt.Sprintf(format, args...)
	fmt.Fprintln(os.Stderr, "bench:", b.step)
}
