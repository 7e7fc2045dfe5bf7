// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package race is for tests that run programs built with -race: what the race detector reports there fails the run.
package race

import (
	"fmt"
	"os"
	"path/filepath"
)

// Watch calls run, which runs tests and returns their exit code. If the race detector of a program that they started reported
// something, Watch prints it and returns 1. A program that was killed counts as well: each report is a file at once.
func Watch(run func() (code int)) (code int) {
	dir, err := os.MkdirTemp("", "network-apiserver-race-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "race:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	// A program built with -race sleeps for a second before it exits, unless it is told not to.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 log_path="+filepath.Join(dir, "report")); err != nil {
		fmt.Fprintln(os.Stderr, "race:", err)
		return 1
	}
	code = run()
	reports, err := os.ReadDir(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "race:", err)
		return 1
	}
	for _, report := range reports {
		text, err := os.ReadFile(filepath.Join(dir, report.Name()))
		fmt.Fprintf(os.Stderr, "race: the race detector reported (%s):\n%s\n", report.Name(), text)
		if err != nil {
			fmt.Fprintln(os.Stderr, "race:", err)
		}
		code = 1
	}
	return code
}

// Plain returns the path of the program without the race detector: make builds it beside the folder race. It is for tests that
// measure time or memory, which the detector multiplies.
func Plain(program string) string {
	folder, name := filepath.Split(program)
	if filepath.Base(folder) != "race" {
		return program
	}
	return filepath.Join(folder, "..", name)
}
