// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import "testing"

func TestGoroutinesStartWithLargeStacksWhileTheyAreFew(t *testing.T) {
	stop := make(chan struct{})
	startWithLargeStacks(stop)
	expectStartingStack(t, func(size uint64) bool { return size >= 16<<10 })

	many, release := 20_000, make(chan struct{})
	for range many {
		go func() { <-release }()
	}
	expectStartingStack(t, func(size uint64) bool { return size <= 4<<10 })
	close(release)
	expectStartingStack(t, func(size uint64) bool { return size >= 16<<10 })

	close(stop)
	expectStartingStack(t, func(size uint64) bool { return size <= 4<<10 })
}

// expectStartingStack collects garbage until goroutines start with a stack as wanted.
func expectStartingStack(t *testing.T, want func(size uint64) bool) {
	t.Helper()
	expectMetric(t, "/gc/stack/starting-size:bytes", want)
}
