// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package workloop is what every controller has around its reconcile function: a named queue with backoff and metrics, and
// workers that end with their context.
package workloop

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

// Reconcile brings what a key stands for to where it should be. A positive duration asks to be called again after it; an
// error asks the same with growing delay.
type Reconcile[K comparable] func(ctx context.Context, key K) (again time.Duration, err error)

// Loop calls a Reconcile for the keys in its queue: never for the same key at the same time, and once for a key that was
// added several times meanwhile.
type Loop[K comparable] struct {
	name      string
	queue     workqueue.TypedRateLimitingInterface[K]
	reconcile Reconcile[K]
}

// New returns a loop whose queue has the given name in metrics and logs.
func New[K comparable](name string, reconcile Reconcile[K]) *Loop[K] {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[K](10*time.Millisecond, time.Minute)
	return &Loop[K]{
		name: name,
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(limiter,
			workqueue.TypedRateLimitingQueueConfig[K]{Name: name}),
		reconcile: reconcile,
	}
}

// Add queues a key after a delay; a key that waits already keeps the shorter delay.
func (l *Loop[K]) Add(key K, delay time.Duration) { l.queue.AddAfter(key, delay) }

// Deleted returns the object of a delete event, whose deletion may have been missed and noticed later.
func Deleted[T any](obj any) T {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	return obj.(T)
}

// Run works on the queue until the context ends and every call of Reconcile has returned.
func (l *Loop[K]) Run(ctx context.Context, workers int) {
	logger := klog.FromContext(ctx).WithValues("controller", l.name)
	ctx = klog.NewContext(ctx, logger)
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
	defer runtime.HandleCrashWithContext(ctx)
	again, err := l.reconcile(ctx, key)
	switch {
	case ctx.Err() != nil:
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		// The cache is behind. What changed comes as an event; the queue asks again in case it has come already.
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
	return true
}
