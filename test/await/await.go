// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package await is how tests wait: they repeat a check until it finds nothing wrong.
package await

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// period is the pause between two checks.
const period = 20 * time.Millisecond

// Success repeats a check until it returns nil. If that takes too long, it fails the test with the last thing that was wrong.
func Success(t testing.TB, within time.Duration, check func(context.Context) error) {
	t.Helper()
	if err := Nil(t.Context(), within, check); err != nil {
		t.Fatal(err)
	}
}

// Nil is Success for goroutines, which may not end a test.
func Nil(ctx context.Context, within time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		// The error of the request that the deadline cut off says less than the one before it.
		if last == nil || !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", within, last)
		case <-time.After(period):
		}
	}
}
