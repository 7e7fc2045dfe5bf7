// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The tests run in bubbles of testing/synctest: their clock is moved on by sleeping, and only once nothing else is left
// to do.
package workloop

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// inBubble runs a loop with two workers around the reconcile function, calls the body, and stops the loop.
func inBubble(t *testing.T, reconcile Reconcile[string], body func(loop *Loop[string])) {
	synctest.Test(t, func(t *testing.T) {
		loop := New(t.Name(), reconcile)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			loop.Run(ctx, 2)
		}()
		body(loop)
		cancel()
		<-ended
		time.Sleep(time.Minute) // The queue's own goroutines notice its end a while later.
	})
}

// calls notes when a reconcile function was called, counted from the first Add.
type calls struct {
	mu    sync.Mutex
	begin time.Time
	at    []time.Duration
}

func (c *calls) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = append(c.at, time.Since(c.begin))
}

func (c *calls) want(t *testing.T, want ...time.Duration) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.at, want) {
		t.Errorf("called after %v, want %v", c.at, want)
	}
}

func TestWhenAKeyIsWorkedOn(t *testing.T) {
	const hour = time.Hour
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "networks"}, "a", errors.New("it changed"))
	for sentence, tc := range map[string]struct {
		add []time.Duration // the delays of the key, added one after the other
		// results are what the calls return; later ones succeed.
		again  []time.Duration
		errs   []error
		within time.Duration
		want   []time.Duration
	}{
		"once, at once": {
			add: []time.Duration{0}, within: hour, want: []time.Duration{0},
		},
		"once for several additions, after the shortest delay": {
			add: []time.Duration{3 * time.Second, time.Second, 2 * time.Second}, within: hour,
			want: []time.Duration{time.Second},
		},
		"again after the time it asks for": {
			add: []time.Duration{0}, again: []time.Duration{time.Minute, time.Second}, within: hour,
			want: []time.Duration{0, time.Minute, time.Minute + time.Second},
		},
		"again after an error, ever later": {
			add: []time.Duration{0}, errs: []error{errors.New("1"), errors.New("2"), errors.New("3")}, within: hour,
			want: []time.Duration{0, 10 * time.Millisecond, 30 * time.Millisecond, 70 * time.Millisecond},
		},
		"again soon after a conflict": {
			add: []time.Duration{0}, errs: []error{conflict}, within: hour,
			want: []time.Duration{0, 10 * time.Millisecond},
		},
		"with a short delay again after it succeeded in between": {
			add: []time.Duration{0}, within: hour,
			errs:  []error{errors.New("1"), nil, errors.New("3")},
			again: []time.Duration{0, time.Second, 0},
			want: []time.Duration{
				0, 10 * time.Millisecond, 1010 * time.Millisecond, 1020 * time.Millisecond,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			seen := &calls{}
			reconcile := func(context.Context, string) (again time.Duration, err error) {
				n := len(seen.at) // Calls for one key never overlap.
				seen.note()
				if n < len(tc.again) {
					again = tc.again[n]
				}
				if n < len(tc.errs) {
					err = tc.errs[n]
				}
				return again, err
			}
			inBubble(t, reconcile, func(loop *Loop[string]) {
				seen.begin = time.Now()
				for _, delay := range tc.add {
					loop.Add("key", delay)
				}
				time.Sleep(tc.within)
				synctest.Wait()
				seen.want(t, tc.want...)
			})
		})
	}
}

func TestAnErrorThatStaysIsTriedEveryMinuteInTheEnd(t *testing.T) {
	seen := &calls{}
	reconcile := func(context.Context, string) (time.Duration, error) {
		seen.note()
		return 0, errors.New("as ever")
	}
	inBubble(t, reconcile, func(loop *Loop[string]) {
		seen.begin = time.Now()
		loop.Add("key", 0)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		last := len(seen.at) - 1
		if gap := seen.at[last] - seen.at[last-1]; gap != time.Minute {
			t.Errorf("the last two calls are %v apart, want a minute", gap)
		}
	})
}

func TestKeysDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, finish := make(chan string, 10), make(chan struct{})
		loop := New(t.Name(), func(_ context.Context, key string) (time.Duration, error) {
			begun <- key
			if key == "slow" {
				<-finish
			}
			return 0, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			loop.Run(ctx, 2)
		}()
		for _, key := range []string{"slow", "quick"} {
			loop.Add(key, 0)
			if got := <-begun; got != key {
				t.Errorf("got %s, want %s", got, key)
			}
		}
		loop.Add("slow", 0) // waits for the first call
		cancel()
		synctest.Wait()
		select {
		case <-ended:
			t.Error("Run returned while a key was worked on")
		default:
		}
		close(finish)
		<-ended
		if len(begun) > 0 {
			t.Errorf("%s was begun in the meantime", <-begun)
		}
		time.Sleep(time.Minute)
	})
}

func TestNothingIsBegunAfterTheEnd(t *testing.T) {
	seen := &calls{}
	synctest.Test(t, func(t *testing.T) {
		loop := New(t.Name(), func(context.Context, string) (time.Duration, error) {
			seen.note()
			return 0, nil
		})
		loop.Add("key", 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		loop.Run(ctx, 2)
		time.Sleep(time.Minute)
	})
	seen.want(t)
}
