// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package mirror keeps copies of objects of another API server, for providers that read there.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

const (
	// firstAnswerTimeout is how long a server may be silent before its silence is taken for an answer.
	firstAnswerTimeout = 10 * time.Second
	// askPeriod is how often a server that can't be read is asked again.
	askPeriod = 2 * time.Second
	// requestTimeout bounds a request to a slow server.
	requestTimeout = 30 * time.Second
)

// errSilent tells that a server has not answered so far.
var errSilent = errors.New("no answer yet")

// Mirror is a copy of some objects of an API server, kept by a watch, and what is known of the server's health. Use New.
type Mirror struct {
	// Informer holds the copy.
	Informer cache.SharedIndexInformer
	// Answered is called when the server answers and the copy is complete. It is set before Run.
	Answered func()

	resource schema.GroupVersionResource
	client   dynamic.ResourceInterface

	firstAnswer chan struct{} // closed by the first word: the copy is complete, or the server is in trouble
	firstWord   sync.Once

	mu   sync.Mutex
	last error // of the server's last answer
}

// New returns a copy of what the client lists, with the given label selector. It is empty before Run.
func New(
	resource schema.GroupVersionResource, client dynamic.ResourceInterface, selector string, indexers cache.Indexers,
) *Mirror {
	m := &Mirror{resource: resource, client: client, Answered: func() {}, firstAnswer: make(chan struct{}), last: errSilent}
	m.Informer = cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = selector
			return m.list(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = selector
			return m.watch(ctx, options)
		},
	}, &unstructured.Unstructured{}, 0, indexers)
	return m
}

func (m *Mirror) list(ctx context.Context, options metav1.ListOptions) (list *unstructured.UnstructuredList, err error) {
	err = m.ask(ctx, func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		list, err = m.client.List(ctx, options)
		return err
	})
	return list, err
}

func (m *Mirror) watch(ctx context.Context, options metav1.ListOptions) (events watch.Interface, err error) {
	if options.SendInitialEvents != nil {
		// A server may refuse initial events, for whatever reason: it is asked for a list next.
		if events, err = m.startWatch(ctx, options); err == nil {
			m.recordAnswer(ctx, nil)
		}
		return events, err
	}
	err = m.ask(ctx, func() (err error) {
		events, err = m.startWatch(ctx, options)
		return err
	})
	return events, err
}

// startWatch begins a watch. It ends when the options say, whether the server ends it or not.
func (m *Mirror) startWatch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	life := requestTimeout
	if options.TimeoutSeconds != nil {
		life += time.Duration(*options.TimeoutSeconds) * time.Second
	}
	ctx, end := context.WithTimeout(ctx, life)
	begun := time.AfterFunc(requestTimeout, end)
	defer begun.Stop()
	return m.client.Watch(ctx, options)
}

// ask makes a request until the server answers it. The informer would repeat it too, but at intervals of up to a minute, and
// with an error in the log each time, also where an API is simply not served yet.
func (m *Mirror) ask(ctx context.Context, request func() error) (err error) {
	ended := wait.PollUntilContextCancel(ctx, askPeriod, true, func(context.Context) (bool, error) {
		err = request()
		m.recordAnswer(ctx, err)
		return err == nil || isOutOfReach(err), nil
	})
	if ended != nil {
		return ended
	}
	return err
}

// isOutOfReach tells that a server does not have the version that was asked for. The informer knows to ask for another.
func isOutOfReach(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) ||
		apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
}

// Run keeps the copy until the context ends.
func (m *Mirror) Run(ctx context.Context) {
	silence := time.AfterFunc(firstAnswerTimeout, m.announceFirstAnswer)
	defer silence.Stop()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if cache.WaitForCacheSync(ctx.Done(), m.Informer.HasSynced) {
			m.announceFirstAnswer()
			m.Answered()
		}
	})
	m.Informer.RunWithContext(ctx)
	waiting.Wait()
}

// Await waits for the first word, and returns what keeps the copy from being complete.
func (m *Mirror) Await(ctx context.Context) error {
	select {
	case <-m.firstAnswer:
	case <-ctx.Done():
		return ctx.Err()
	}
	if m.Informer.HasSynced() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		return errSilent
	}
	return m.last
}

// recordAnswer takes down how the server answered, and logs an error once.
func (m *Mirror) recordAnswer(ctx context.Context, err error) {
	m.mu.Lock()
	if err != nil && (m.last == nil || Briefly(err) != Briefly(m.last)) && ctx.Err() == nil {
		klog.FromContext(ctx).Info("Reading failed, will try again every "+askPeriod.String(), "resource", m.resource, "err", err)
	}
	m.last = err
	m.mu.Unlock()
	switch {
	case err != nil:
		m.announceFirstAnswer()
	case m.Informer.HasSynced():
		m.Answered()
	}
}

func (m *Mirror) announceFirstAnswer() { m.firstWord.Do(func() { close(m.firstAnswer) }) }

// WithoutManagedFields saves the memory of what nobody reads.
func WithoutManagedFields(obj any) (any, error) {
	if object, ok := obj.(*unstructured.Unstructured); ok {
		object.SetManagedFields(nil)
	}
	return obj, nil
}

// Briefly says of an error what does not differ from one try to the next, as ports do.
func Briefly(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		code := int(status.Status().Code)
		return fmt.Sprintf("%d %s", code, http.StatusText(code))
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		err = cause
	}
	return err.Error()
}
