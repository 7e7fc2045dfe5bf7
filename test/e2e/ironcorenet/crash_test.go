// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// TestACrashBetweenAnyTwoWrites kills the server at one point after the other of the life of Networks that are made,
// peered, unpeered and deleted; after each restart all has to come out as if nothing had happened.
func TestACrashBetweenAnyTwoWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	var last []*v1alpha1.Network
	round := 0
	crash := func(name string, arm func(w *world, kill func())) {
		ok := t.Run(name, func(t *testing.T) {
			w := w.in(t)
			killed := make(chan struct{})
			var once sync.Once
			arm(w, func() { once.Do(func() { w.server.Kill(); close(killed) }) })

			round++
			one, other := fmt.Sprintf("one-%d", round), fmt.Sprintf("other-%d", round)
			w.mayFail(w.networks.Create(t.Context(), network(one, other), metav1.CreateOptions{}))
			w.mayFail(w.networks.Create(t.Context(), network(other, one), metav1.CreateOptions{}))
			for _, n := range last {
				w.mayFail(nil, w.networks.Delete(t.Context(), n.Name, metav1.DeleteOptions{}))
			}
			select {
			case <-killed:
			case <-time.After(settleTime):
				t.Fatal("it did not come to that")
			}
			w.proxy.meddle(nil)
			w.start()
			for _, pair := range [][2]string{{one, other}, {other, one}} {
				// What the crash took back is asked for again.
				_, _ = w.networks.Create(t.Context(), network(pair[0], pair[1]), metav1.CreateOptions{})
			}
			for _, n := range last {
				_ = w.networks.Delete(t.Context(), n.Name, metav1.DeleteOptions{})
			}
			w.eventually(func(ctx context.Context) error { return w.inOrder(ctx, one, other) })
			list, err := w.networks.List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			last = nil
			for i := range list.Items {
				last = append(last, &list.Items[i])
			}
		})
		if !ok {
			t.FailNow()
		}
	}

	for number := 1; number <= 8; number++ {
		crash(fmt.Sprintf("before write %d to ironcore-net", number), func(w *world, kill func()) {
			w.proxy.meddle(atWrite(number, func(_ *http.Request, _ func()) {
				kill()
				panic(http.ErrAbortHandler)
			}))
		})
		crash(fmt.Sprintf("after write %d to ironcore-net, before the answer", number), func(w *world, kill func()) {
			w.proxy.meddle(atWrite(number, func(r *http.Request, pass func()) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					w.t.Error(err)
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				kill()
				pass()
			}))
		})
	}
	for _, point := range []struct {
		name string
		seen func(*v1alpha1.Network) bool
	}{
		{"after the finalizer", func(n *v1alpha1.Network) bool { return len(n.Finalizers) > 0 }},
		{"after the provider ID", func(n *v1alpha1.Network) bool { return n.Spec.ProviderID != "" }},
		{"after the state", func(n *v1alpha1.Network) bool { return available(n) == "" }},
		{"after the binding", func(n *v1alpha1.Network) bool { return len(n.Spec.IncomingPeerings) > 0 }},
	} {
		crash(point.name, func(w *world, kill func()) { w.when(fmt.Sprintf("one-%d", round+1), point.seen, kill) })
	}
}

// atWrite has the function called at a write of a certain number, counted from one, and all other requests let through.
func atWrite(number int, do func(r *http.Request, pass func())) func(r *http.Request, pass func()) {
	var lock sync.Mutex
	return func(r *http.Request, pass func()) {
		if isWrite(r) {
			lock.Lock()
			number--
			now := number == 0
			lock.Unlock()
			if now {
				do(r, pass)
				return
			}
		}
		pass()
	}
}

// when calls the function once a Network looks as asked for.
func (w *world) when(name string, looks func(*v1alpha1.Network) bool, do func()) {
	w.t.Helper()
	events, err := w.networks.Watch(w.t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer events.Stop()
		for event := range events.ResultChan() {
			if n, ok := event.Object.(*v1alpha1.Network); ok && looks(n) {
				do()
				return
			}
		}
	}()
}

// mayFail tells that a request may hit a server that has crashed.
func (w *world) mayFail(_ *v1alpha1.Network, err error) {
	if err != nil {
		w.t.Logf("as may be: %v", err)
	}
}

// inOrder complains unless there are exactly two Networks, peered with each other on both sides.
func (w *world) inOrder(ctx context.Context, one, other string) error {
	list, err := w.networks.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	remotes, err := w.remotes.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(list.Items) != 2 || len(remotes.Items) != 2 {
		return fmt.Errorf("%d Networks, %d in ironcore-net", len(list.Items), len(remotes.Items))
	}
	byName := map[string]*v1alpha1.Network{}
	for i := range list.Items {
		byName[list.Items[i].Name] = &list.Items[i]
	}
	for _, pair := range [][2]string{{one, other}, {other, one}} {
		n, peer := byName[pair[0]], byName[pair[1]]
		if n == nil || peer == nil {
			return fmt.Errorf("there is no %s", pair[0])
		}
		if wrong := available(n) + peering(peer.Name, bound, v1alpha1.NetworkPeeringStatePending)(n); wrong != "" {
			return fmt.Errorf("%s: %s", n.Name, wrong)
		}
		remote, err := w.remote(ctx, n)
		if err != nil {
			return err
		}
		id, _, _ := unstructured.NestedString(remote.Object, "spec", "id")
		want := fmt.Sprintf("ironcore-net://%s/%s/%s/%s", w.remoteNamespace, n.UID, id, remote.GetUID())
		if n.Spec.ProviderID != want {
			return fmt.Errorf("%s has provider ID %s, want %s", n.Name, n.Spec.ProviderID, want)
		}
		got, err := w.remotePeerings(ctx, n)
		if err != nil {
			return err
		}
		if want := []string{peer.Name + " " + w.id(peer)}; !slices.Equal(got, want) {
			return fmt.Errorf("%s has the remote peerings %q, want %q", n.Name, got, want)
		}
	}
	return nil
}

// A leader that is paused, or cut off, may have a write under way that its successor knows nothing of. The proxy holds such
// a write back until the next leader has settled; what it was decided on has changed by then.
func TestAWriteThatArrivesTooLateChangesNothing(t *testing.T) {
	for sentence, tc := range map[string]struct {
		method string
		// provoke has the first leader write; settle waits for all that becomes of both Networks without it.
		provoke, settle func(w *world)
	}{
		"a creation": {
			method:  http.MethodPost,
			provoke: func(w *world) { w.create(network("c")) },
			settle:  func(w *world) { w.settles("c", available) },
		},
		"a change that exposes what was taken back": {
			method: http.MethodPatch,
			provoke: func(w *world) {
				w.patch("a", `{"spec":{"peerings":[{"name":"b","networkRef":{"name":"b"},"prefixes":[{"name":"x","prefix":"10.0.0.0/8"}]}]}}`)
			},
			settle: func(w *world) {
				w.patch("a", `{"spec":{"peerings":null}}`)
				w.wantRemotePeerings(w.settles("a", available))
				w.wantRemotePeerings(w.settles("b", available))
			},
		},
		"a deletion": {
			method:  http.MethodDelete,
			provoke: func(w *world) { w.delete("a") },
			settle: func(w *world) {
				w.isGone("a")
				w.wantRemotePeerings(w.settles("b", available))
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).start()
			w.create(network("a", "b"), network("b", "a"))
			one, other := w.settles("a", available), w.settles("b", available)
			w.wantRemotePeerings(one, "b "+w.id(other))
			w.wantRemotePeerings(other, "a "+w.id(one))

			held, release, arrived := make(chan struct{}), make(chan struct{}), make(chan struct{})
			var first sync.Once
			w.proxy.meddle(func(r *http.Request, pass func()) {
				mine := false
				if r.Method == tc.method {
					first.Do(func() { mine = true })
				}
				if !mine {
					pass()
					return
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					w.t.Error(err)
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				close(held)
				<-release
				pass()
				close(arrived)
			})
			tc.provoke(w)
			select {
			case <-held:
			case <-time.After(settleTime):
				t.Fatalf("no %s came", tc.method)
			}
			w.server.Kill()
			w.start()
			tc.settle(w)

			events := w.watchRemotes()
			close(release)
			<-arrived
			// What comes after it tells that nothing came of it.
			last := w.createRemote("last", nil)
			for event := range events.ResultChan() {
				remote, ok := event.Object.(*unstructured.Unstructured)
				if !ok {
					t.Fatalf("the watch ended: %v", event.Object)
				}
				if remote.GetName() == last {
					return
				}
				t.Errorf("%s: %v", event.Type, remote.Object)
			}
		})
	}
}
