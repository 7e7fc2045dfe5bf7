// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package memory is how tests read the memory of a process.
package memory

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Of is a figure that the kernel has of the memory of a process, in bytes: VmHWM, RssAnon and others of proc_pid_status(5).
func Of(t testing.TB, pid int, figure string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(status), "\n"+figure+":")
	var kilobytes int
	if _, err := fmt.Sscanf(value, "%d kB", &kilobytes); err != nil {
		t.Fatalf("%s of\n%s: %v", figure, status, err)
	}
	return kilobytes << 10
}
