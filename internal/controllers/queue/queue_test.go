// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The tests run in bubbles of testing/synctest: their clock is moved on by sleeping, and only once nothing else is left
// to do.
package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
)

// inBubble runs a loop with two workers around the reconcile function, calls the body, and stops the loop.
func inBubble(t *testing.T, reconcile Reconcile[string], body func(loop *Loop[string])) {
	inBubbleOf(context.Background(), t, reconcile, body)
}

// inBubbleOf does the same below a context, which has the logger.
func inBubbleOf(parent context.Context, t *testing.T, reconcile Reconcile[string], body func(loop *Loop[string])) {
	synctest.Test(t, func(t *testing.T) {
		loop := New(t.Name(), reconcile)
		ctx, cancel := context.WithCancel(parent)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := loop.Run(ctx, 2); err != nil {
				t.Error(err)
			}
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

func TestOnlyAFaultIsLogged(t *testing.T) {
	networks := schema.GroupResource{Resource: "networks"}
	terminating := apierrors.NewForbidden(networks, "a", errors.New("the namespace is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for sentence, tc := range map[string]struct {
		err  error
		want bool
	}{
		"a refusal is a fault":                             {apierrors.NewForbidden(networks, "a", errors.New("no")), true},
		"a conflict mends itself":                          {apierrors.NewConflict(networks, "a", errors.New("it changed")), false},
		"an object that is gone mends itself":              {apierrors.NewNotFound(networks, "a"), false},
		"an object that somebody else made mends itself":   {apierrors.NewAlreadyExists(networks, "a"), false},
		"a namespace that is being deleted takes it along": {terminating, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			var log ktesting.BufferTL
			ctx := klog.NewContext(context.Background(), ktesting.NewLogger(&log, ktesting.NewConfig()))
			first := true
			inBubbleOf(ctx, t, func(context.Context, string) (time.Duration, error) {
				if first {
					first = false
					return 0, tc.err
				}
				return 0, nil
			}, func(loop *Loop[string]) {
				loop.Add("key", 0)
				time.Sleep(time.Minute)
			})
			if first {
				t.Fatal("it was not called")
			}
			if logged := strings.Contains(log.String(), "Reconciling failed"); logged != tc.want {
				t.Errorf("logged: %v, want %v: %s", logged, tc.want, log.String())
			}
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

func TestALoopThatIsStuckSaysSo(t *testing.T) {
	reconcile := func(context.Context, string) (time.Duration, error) {
		time.Sleep(2 * time.Minute)
		return 0, nil
	}
	inBubble(t, reconcile, func(loop *Loop[string]) {
		healthy := func(want string) {
			t.Helper()
			synctest.Wait()
			got := ""
			if err := loop.Healthy(); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		time.Sleep(time.Hour)
		healthy("") // It has nothing to do.
		loop.Add("slow", 0)
		time.Sleep(time.Minute)
		healthy("")
		time.Sleep(time.Second)
		healthy("the work on slow takes 1m1s so far")
		time.Sleep(time.Minute)
		healthy("")
	})
}

func TestACallThatNobodyAnswersEndsAndIsTriedAgain(t *testing.T) {
	var called calls
	inBubble(t, func(ctx context.Context, _ string) (time.Duration, error) {
		called.note()
		<-ctx.Done()
		return 0, ctx.Err()
	}, func(loop *Loop[string]) {
		called.begin = time.Now()
		loop.Add("a", 0)
		for range 100 { // seconds
			time.Sleep(time.Second)
			synctest.Wait()
			if err := loop.Healthy(); err != nil {
				t.Fatal(err)
			}
		}
		again := callTimeout + 10*time.Millisecond
		called.want(t, 0, again, again+callTimeout+20*time.Millisecond)
	})
}

func TestAPanicIsOfItsKeyAlone(t *testing.T) {
	bad, good := &calls{}, &calls{}
	reconcile := func(_ context.Context, key string) (time.Duration, error) {
		if key == "bad" {
			bad.note()
			panic("index out of range")
		}
		good.note()
		return 0, nil
	}
	metrics.NewKubeRegistry().MustRegister(Metrics()...)
	panics.DeleteLabelValues(t.Name()) // those of a run before
	inBubble(t, reconcile, func(loop *Loop[string]) {
		bad.begin = time.Now()
		loop.Add("bad", 0)
		time.Sleep(80 * time.Millisecond)
		synctest.Wait()
		bad.want(t, 0, 10*time.Millisecond, 30*time.Millisecond, 70*time.Millisecond)

		good.begin = time.Now()
		loop.Add("good", 0)
		synctest.Wait()
		good.want(t, 0)
	})
	count, err := testutil.GetCounterMetricValue(panics.WithLabelValues(t.Name()))
	if err != nil || count != 4 {
		t.Errorf("%v panics are counted (%v), want 4", count, err)
	}
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
			if err := loop.Run(ctx, 2); err != nil {
				t.Error(err)
			}
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
		if err := loop.Run(ctx, 2); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
	})
	seen.want(t)
}
