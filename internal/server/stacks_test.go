// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

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
	size := []metrics.Sample{{Name: "/gc/stack/starting-size:bytes"}}
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
		runtime.GC()
		metrics.Read(size)
		return want(size[0].Value.Uint64()), nil
	})
	if err != nil {
		t.Fatalf("goroutines start with a stack of %d bytes: %v", size[0].Value.Uint64(), err)
	}
}
