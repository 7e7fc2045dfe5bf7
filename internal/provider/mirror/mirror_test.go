// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

var resource = schema.GroupVersionResource{Group: "example.org", Version: "v1", Resource: "things"}

// api answers lists and watches as it is told to.
type api struct {
	dynamic.ResourceInterface
	list  func(ctx context.Context) error
	watch func(ctx context.Context) error
}

func (a api) List(ctx context.Context, _ metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	if err := a.list(ctx); err != nil {
		return nil, err
	}
	list := &unstructured.UnstructuredList{}
	list.SetResourceVersion("1")
	return list, nil
}

func (a api) Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	if options.SendInitialEvents != nil {
		return nil, apierrors.NewNotFound(resource.GroupResource(), "")
	}
	if err := a.watch(ctx); err != nil {
		return nil, err
	}
	events := watch.NewFake()
	context.AfterFunc(ctx, events.Stop)
	return events, nil
}

func fine(context.Context) error { return nil }

// silent is a server that takes requests and answers none.
func silent(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAServerThatCannotBeReadIsAskedEveryTwoSeconds(t *testing.T) {
	down := errors.New("connection refused")
	for sentence, tc := range map[string]struct {
		answer func(ctx context.Context) error
		after  time.Duration // of its coming, at the latest
	}{
		"one that does not serve the API": {
			func(context.Context) error { return apierrors.NewNotFound(resource.GroupResource(), "") }, retryPeriod,
		},
		"one that is down":            {func(context.Context) error { return down }, retryPeriod},
		"one that never answers":      {silent, requestTimeout + retryPeriod},
		"one that is not ready":       {func(context.Context) error { return apierrors.NewServiceUnavailable("later") }, retryPeriod},
		"one that asks for patience":  {func(context.Context) error { return apierrors.NewTooManyRequestsError("later") }, retryPeriod},
		"one that forbids it for now": {func(context.Context) error { return apierrors.NewForbidden(resource.GroupResource(), "", down) }, retryPeriod},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const away = time.Hour
				begin := time.Now()
				unless := func(ctx context.Context) error {
					if time.Since(begin) < away {
						return tc.answer(ctx)
					}
					return nil
				}
				var answered []time.Duration
				m := New(resource, api{list: unless, watch: fine}, "", cache.Indexers{})
				m.Answered = func() { answered = append(answered, time.Since(begin)) }
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { defer close(ended); m.Run(ctx) }()
				time.Sleep(away - time.Minute)
				synctest.Wait()
				if err := m.Await(ctx); err == nil {
					t.Error("nothing is said to be wrong")
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if err := m.Await(ctx); err != nil {
					t.Errorf("a minute later it says %v", err)
				}
				if len(answered) == 0 || answered[0] > away+tc.after+time.Second {
					t.Errorf("it was noticed after %v, want within %s", answered, tc.after)
				}
				cancel()
				<-ended
			})
		})
	}
}

func TestAWatchHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(resource, api{list: fine, watch: silent}, "", cache.Indexers{})
		begin, seconds := time.Now(), int64(300)
		if _, err := m.startWatch(t.Context(), metav1.ListOptions{TimeoutSeconds: &seconds}); err == nil {
			t.Error("a watch that nobody answers has begun")
		}
		if took := time.Since(begin); took != requestTimeout {
			t.Errorf("that took %s, want %s", took, requestTimeout)
		}

		m.client = api{watch: fine}
		begin = time.Now()
		events, err := m.startWatch(t.Context(), metav1.ListOptions{TimeoutSeconds: &seconds})
		if err != nil {
			t.Fatal(err)
		}
		<-events.ResultChan()
		if took := time.Since(begin); took != 300*time.Second+requestTimeout {
			t.Errorf("a watch that the server does not end took %s", took)
		}
	})
}
