// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package mirror keeps copies of objects of another API server, for providers that read them.
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
	// firstAnswerTimeout is how long Await waits for a server's first answer.
	firstAnswerTimeout = 10 * time.Second
	// retryPeriod is how often a failed request is tried again.
	retryPeriod = 2 * time.Second
	// requestTimeout bounds a request to a slow server.
	requestTimeout = 30 * time.Second
)

// errSilent tells that the server has not answered yet.
var errSilent = errors.New("no answer yet")

// Mirror is a copy of some objects of an API server, kept by a watch, and what is known of the server's health. Use New.
type Mirror struct {
	// Informer holds the copy.
	Informer cache.SharedIndexInformer
	// Answered is called when the server answers and the copy is complete. It is set before Run.
	Answered func()

	resource schema.GroupVersionResource
	client   dynamic.ResourceInterface

	firstAnswer chan struct{} // closed once the copy is complete, a request failed, or firstAnswerTimeout is over
	closeOnce   sync.Once

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
	err = m.retry(ctx, func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		list, err = m.client.List(ctx, options)
		return err
	})
	return list, err
}

func (m *Mirror) watch(ctx context.Context, options metav1.ListOptions) (events watch.Interface, err error) {
	if options.SendInitialEvents != nil {
		// If the server can't send initial events, the informer sends a list request next.
		if events, err = m.startWatch(ctx, options); err == nil {
			m.recordAnswer(ctx, nil)
		}
		return events, err
	}
	err = m.retry(ctx, func() (err error) {
		events, err = m.startWatch(ctx, options)
		return err
	})
	return events, err
}

// startWatch begins a watch, which ends after the timeout in the options even if the server keeps it open.
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

// retry repeats a request until it succeeds. The informer would repeat it too, but at intervals of up to a minute, and with an
// error in the log each time, even if the API is only not served yet.
func (m *Mirror) retry(ctx context.Context, request func() error) (err error) {
	ended := wait.PollUntilContextCancel(ctx, retryPeriod, true, func(context.Context) (bool, error) {
		err = request()
		m.recordAnswer(ctx, err)
		return err == nil || isVersionUnavailable(err), nil
	})
	if ended != nil {
		return ended
	}
	return err
}

// isVersionUnavailable tells that the server lacks the resourceVersion of the request. The informer requests another.
func isVersionUnavailable(err error) bool {
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

// Await waits for the first answer, and returns why the copy is not complete, nil if it is.
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

// recordAnswer notes the result of a request, and logs each new error once.
func (m *Mirror) recordAnswer(ctx context.Context, err error) {
	m.mu.Lock()
	if err != nil && (m.last == nil || Briefly(err) != Briefly(m.last)) && ctx.Err() == nil {
		klog.FromContext(ctx).Info("Reading failed, will try again every "+retryPeriod.String(), "resource", m.resource, "err", err)
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

func (m *Mirror) announceFirstAnswer() { m.closeOnce.Do(func() { close(m.firstAnswer) }) }

// WithoutManagedFields saves the memory of what nobody reads.
func WithoutManagedFields(obj any) (any, error) {
	if object, ok := obj.(*unstructured.Unstructured); ok {
		object.SetManagedFields(nil)
	}
	return obj, nil
}

// Briefly returns the part of an error that is the same for each try: no ports, for instance.
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
