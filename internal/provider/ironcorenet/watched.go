// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// firstWordTimeout is how long a server may be silent before its silence is taken for an answer.
const firstWordTimeout = 10 * time.Second

// errSilent tells that a server has not answered so far.
var errSilent = errors.New("no answer yet")

// watched is a copy of some objects of an API server, kept by a watch, and what is known of the server's health.
type watched struct {
	informer cache.SharedIndexInformer
	// answered is called when the server answers and the copy is complete.
	answered func()

	spoken    chan struct{} // closed by the first word: the copy is complete, or the server is in trouble
	firstWord sync.Once

	mu   sync.Mutex
	last error // of the server's last answer
}

// newWatched returns a copy of what the client lists, with the given label selector. It is empty before run.
func newWatched(client dynamic.ResourceInterface, selector string, indexers cache.Indexers) *watched {
	w := &watched{answered: func() {}, spoken: make(chan struct{}), last: errSilent}
	w.informer = cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = selector
			list, err := client.List(ctx, options)
			w.note(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = selector
			watch, err := client.Watch(ctx, options)
			if options.SendInitialEvents == nil || !apierrors.IsInvalid(err) {
				w.note(err) // An older server refuses initial events, and is asked for a list next.
			}
			return watch, err
		},
	}, &unstructured.Unstructured{}, 0, indexers)
	return w
}

// run keeps the copy until the context ends.
func (w *watched) run(ctx context.Context) {
	silence := time.AfterFunc(firstWordTimeout, w.speak)
	defer silence.Stop()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if cache.WaitForCacheSync(ctx.Done(), w.informer.HasSynced) {
			w.speak()
			w.answered()
		}
	})
	w.informer.RunWithContext(ctx)
	waiting.Wait()
}

// await waits for the first word, and returns what keeps the copy from being complete.
func (w *watched) await(ctx context.Context) error {
	select {
	case <-w.spoken:
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.informer.HasSynced() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return errSilent
	}
	return w.last
}

// note takes down how the server answered.
func (w *watched) note(err error) {
	w.mu.Lock()
	w.last = err
	w.mu.Unlock()
	switch {
	case err != nil:
		w.speak()
	case w.informer.HasSynced():
		w.answered()
	}
}

func (w *watched) speak() { w.firstWord.Do(func() { close(w.spoken) }) }

// withoutManagedFields saves the memory of what nobody reads.
func withoutManagedFields(obj any) (any, error) {
	if object, ok := obj.(*unstructured.Unstructured); ok {
		object.SetManagedFields(nil)
	}
	return obj, nil
}
