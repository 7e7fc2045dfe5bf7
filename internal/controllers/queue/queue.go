// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package queue calls the reconcile function of every controller: it has a named queue with backoff and metrics, and workers
// that end with their context.
package queue

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

// Reconcile brings what a key stands for to where it should be. A positive duration asks to be called again after it; an
// error asks the same with growing delay. The context ends after 45 seconds.
type Reconcile[K comparable] func(ctx context.Context, key K) (again time.Duration, err error)

// Loop calls a Reconcile for the keys in its queue: never for the same key at the same time, and once for a key that was
// added several times meanwhile.
type Loop[K comparable] struct {
	name      string
	queue     workqueue.TypedRateLimitingInterface[K]
	reconcile Reconcile[K]

	mu sync.Mutex
	// startTimes is when the work on a key began, for those that are worked on.
	startTimes map[K]time.Time
	// lastTaken is when a key was last taken from the queue.
	lastTaken time.Time
}

// stuckAfter is how long the work on a key, or the wait for a worker, may take before the loop counts as stuck.
const stuckAfter = time.Minute

// callTimeout is how long one call of Reconcile may take: its context ends then. That is before the loop counts as stuck, which it
// does if the call goes on all the same.
const callTimeout = 45 * time.Second

// New returns a loop whose queue has the given name in metrics and logs.
func New[K comparable](name string, reconcile Reconcile[K]) *Loop[K] {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[K](10*time.Millisecond, time.Minute)
	return &Loop[K]{
		name: name,
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[K]{
			Name: name,
			DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[K]{
				Name:  name,
				Queue: workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[K]{Name: name, Queue: &fairQueue[K]{}}),
			}),
		}),
		reconcile:  reconcile,
		startTimes: make(map[K]time.Time),
		lastTaken:  time.Now(),
	}
}

// Healthy returns what keeps the loop from making progress, or nil.
func (l *Loop[K]) Healthy() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for key, begun := range l.startTimes {
		if elapsed := now.Sub(begun); elapsed > stuckAfter {
			return fmt.Errorf("the work on %v takes %s so far", key, elapsed.Round(time.Second))
		}
	}
	if waiting := l.queue.Len(); waiting > 0 && now.Sub(l.lastTaken) > stuckAfter {
		return fmt.Errorf("%d keys wait, and none was taken for %s", waiting, now.Sub(l.lastTaken).Round(time.Second))
	}
	return nil
}

// Add queues a key after a delay; a key that waits already keeps the shorter delay.
func (l *Loop[K]) Add(key K, delay time.Duration) { l.queue.AddAfter(key, delay) }

// Run works on the queue, with what the sources add to it, until the context ends and every call of Reconcile has returned. It
// fails if a source can't be followed.
func (l *Loop[K]) Run(ctx context.Context, workers int, sources ...Source) error {
	logger := klog.FromContext(ctx).WithValues("controller", l.name)
	ctx = klog.NewContext(ctx, logger)
	for _, follow := range sources {
		unfollow, err := follow()
		if err != nil {
			return fmt.Errorf("following an informer: %w", err)
		}
		defer unfollow()
	}
	// Both are there from the start: an alert sees neither the first panic of a series that begins with it, nor a controller that
	// never succeeds.
	panics.WithLabelValues(l.name)
	lastSuccess.WithLabelValues(l.name).SetToCurrentTime()
	logger.V(1).Info("Starting", "workers", workers)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for l.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	l.queue.ShutDown()
	running.Wait()
	logger.V(1).Info("Stopped")
	return nil
}

func (l *Loop[K]) next(ctx context.Context) bool {
	key, stopped := l.queue.Get()
	if stopped {
		return false
	}
	defer l.queue.Done(key)
	if ctx.Err() != nil {
		return true
	}
	l.begin(key)
	again, err := l.call(ctx, key)
	l.end(key)
	switch {
	case ctx.Err() != nil:
	case apierrors.IsConflict(err), apierrors.IsNotFound(err), apierrors.IsAlreadyExists(err):
		// The cache is behind. What changed comes as an event; the queue asks again in case it has come already.
		l.queue.AddRateLimited(key)
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		// The namespace goes, and with it what asked for a new object in it. No fault: the queue asks again until it is gone.
		l.queue.AddRateLimited(key)
	case err != nil:
		klog.FromContext(ctx).Error(err, "Reconciling failed, will try again", "key", key)
		l.queue.AddRateLimited(key)
	case again > 0:
		l.queue.Forget(key)
		l.queue.AddAfter(key, again)
	default:
		l.queue.Forget(key)
	}
	if err == nil {
		lastSuccess.WithLabelValues(l.name).SetToCurrentTime()
	}
	return true
}

func (l *Loop[K]) begin(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastTaken = time.Now()
	l.startTimes[key] = l.lastTaken
}

func (l *Loop[K]) end(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.startTimes, key)
}

// call reconciles a key. A panic is an error of this key alone: the other keys are worked on, and this one is tried again
// with growing delay.
func (l *Loop[K]) call(ctx context.Context, key K) (again time.Duration, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			panics.WithLabelValues(l.name).Inc()
			again, err = 0, fmt.Errorf("a panic, which is a bug of the controller: %v\n%s", cause, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return l.reconcile(ctx, key)
}
