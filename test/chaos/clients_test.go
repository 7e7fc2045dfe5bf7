// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

const (
	namespace = "default"
	// valueLabel holds what the clients write and read. Nothing but them changes it.
	valueLabel = "chaos"
	// requestTimeout is when a client stops waiting for an answer.
	requestTimeout = 10 * time.Second
)

// once sees to it that the client library does not send a request again: what was sent twice is two operations.
type once struct{ next http.RoundTripper }

func (o once) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := o.next.RoundTrip(request)
	if response != nil {
		response.Header.Del("Retry-After")
	}
	return response, err
}

func newClient(config *rest.Config) (dynamic.Interface, error) {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return once{next} })
	return dynamic.NewForConfig(config)
}

// history is what all clients did.
type history struct {
	began time.Time

	mu  sync.Mutex
	all []operation
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

func (h *history) add(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, o)
}

// client does random operations until the context ends.
type client struct {
	number  int
	api     dynamic.Interface
	random  *rand.Rand
	history *history
	count   int
}

func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		k := kinds[c.random.IntN(len(kinds))]
		number := c.random.IntN(keysPerKind)
		c.step(k, number)
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(c.random.IntN(40)) * time.Millisecond):
		}
	}
}

// step does one operation, or a read and the update of what was read.
func (c *client) step(k kind, number int) {
	name := keyName(k.resource, number)
	api := c.api.Resource(v1alpha1.SchemeGroupVersion.WithResource(k.resource)).Namespace(namespace)
	c.count++
	value := fmt.Sprintf("c%d-%d", c.number, c.count)
	switch choice := c.random.IntN(100); {
	case choice < 25:
		object := &unstructured.Unstructured{Object: k.content(c.random, number)}
		object.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(k.name))
		object.SetName(name)
		object.SetLabels(map[string]string{valueLabel: value})
		c.do(operation{key: name, verb: create, value: value}, func(ctx context.Context) (*unstructured.Unstructured, error) {
			return api.Create(ctx, object, metav1.CreateOptions{})
		})
	case choice < 50:
		c.do(operation{key: name, verb: read}, func(ctx context.Context) (*unstructured.Unstructured, error) {
			return api.Get(ctx, name, metav1.GetOptions{})
		})
	case choice < 70:
		patch := map[string]any{}
		if k.changes {
			patch = k.content(c.random, number)
		}
		patch["metadata"] = map[string]any{"labels": map[string]any{valueLabel: value}}
		body, err := json.Marshal(patch)
		if err != nil {
			panic(err) // Maps of strings can be written as JSON.
		}
		c.do(operation{key: name, verb: set, value: value}, func(ctx context.Context) (*unstructured.Unstructured, error) {
			return api.Patch(ctx, name, types.MergePatchType, body, metav1.PatchOptions{})
		})
	case choice < 88:
		object := c.do(operation{key: name, verb: read}, func(ctx context.Context) (*unstructured.Unstructured, error) {
			return api.Get(ctx, name, metav1.GetOptions{})
		})
		if object == nil {
			return
		}
		before := object.GetLabels()[valueLabel]
		object.SetLabels(map[string]string{valueLabel: value})
		c.do(operation{key: name, verb: swap, value: value, before: before},
			func(ctx context.Context) (*unstructured.Unstructured, error) {
				return api.Update(ctx, object, metav1.UpdateOptions{})
			})
	default:
		c.do(operation{key: name, verb: remove}, func(ctx context.Context) (*unstructured.Unstructured, error) {
			return nil, api.Delete(ctx, name, metav1.DeleteOptions{})
		})
	}
}

// do sends a request and keeps what came of it.
func (c *client) do(o operation, send func(context.Context) (*unstructured.Unstructured, error)) *unstructured.Unstructured {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	o.call = c.history.now()
	object, err := send(ctx)
	o.end = c.history.now()
	o.outcome = judge(o.verb, err)
	if err == nil && object != nil {
		o.version = object.GetResourceVersion()
		if o.verb == read {
			o.value = object.GetLabels()[valueLabel]
		}
	}
	c.history.add(o)
	if err != nil {
		return nil
	}
	return object
}

// judge says what an answer means.
func judge(v verb, err error) outcome {
	switch {
	case err == nil:
		return done
	case apierrors.IsAlreadyExists(err):
		return exists
	case apierrors.IsNotFound(err) && v != create:
		return missing
	case apierrors.IsForbidden(err) && v == create:
		return takenBack
	case apierrors.IsConflict(err), apierrors.IsInvalid(err), apierrors.IsForbidden(err), apierrors.IsTooManyRequests(err):
		return refused
	}
	return unknown
}

// event is what a watch said.
type event struct {
	version uint64
	kind    watch.EventType
	uid     types.UID
	key     string
	value   string
}

// watcher watches one kind at one replica, again and again.
type watcher struct {
	name   string
	api    dynamic.ResourceInterface
	events []event
	// gaps are ranges of versions, without their ends, that this watch could not read any more: a server that has just
	// started keeps no older events.
	gaps  [][2]uint64
	wrong []string
	seen  func(*unstructured.Unstructured) string

	mu   sync.Mutex
	last uint64
}

func version(text string) uint64 {
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("the resourceVersion %q is not a number", text))
	}
	return v
}

func (w *watcher) run(ctx context.Context, from uint64) {
	w.last = from
	for ctx.Err() == nil {
		watching, err := w.api.Watch(ctx, metav1.ListOptions{ResourceVersion: strconv.FormatUint(w.last, 10)})
		if err == nil {
			err = w.follow(watching)
			watching.Stop()
		}
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			if list, err := w.api.List(ctx, metav1.ListOptions{Limit: 1}); err == nil {
				to := version(list.GetResourceVersion())
				w.gaps = append(w.gaps, [2]uint64{w.last, to})
				w.reached(to)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (w *watcher) reached(to uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = to
}

func (w *watcher) at() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *watcher) follow(watching watch.Interface) error {
	for e := range watching.ResultChan() {
		if e.Type == watch.Error {
			return apierrors.FromObject(e.Object)
		}
		object := e.Object.(*unstructured.Unstructured)
		v := version(object.GetResourceVersion())
		if v <= w.last {
			w.wrong = append(w.wrong, fmt.Sprintf("%s: an event of version %d after %d", w.name, v, w.last))
		}
		if w.seen != nil && e.Type != watch.Deleted {
			if text := w.seen(object); text != "" {
				w.wrong = append(w.wrong, w.name+": "+text)
			}
		}
		w.events = append(w.events, event{v, e.Type, object.GetUID(), object.GetName(), object.GetLabels()[valueLabel]})
		w.reached(v)
	}
	return nil
}
