// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/e2e/rule"
)

// load is what clients do to the API while a test disturbs it. Every failure is kept with its time.
type load struct {
	stop    func()
	started time.Time

	mu       sync.Mutex
	failures []string
	defects  []string                           // failures upon which a client can't just repeat its request
	acked    map[types.NamespacedName]types.UID // created, and not asked to be deleted
	writes   int
}

func newLoad() *load { return &load{started: time.Now(), acked: map[types.NamespacedName]types.UID{}} }

// run runs workers until the load is stopped or the test ends.
func (l *load) run(t *testing.T, workers ...func(context.Context)) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, worker := range workers {
		running.Go(func() { worker(ctx) })
	}
	l.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(l.stop)
}

func (l *load) failed(format string, args ...any) { l.keep(&l.failures, format, args...) }

func (l *load) defective(format string, args ...any) { l.keep(&l.defects, format, args...) }

func (l *load) keep(in *[]string, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*in = append(*in, fmt.Sprintf("%.1f s: ", time.Since(l.started).Seconds())+fmt.Sprintf(format, args...))
}

func (l *load) wrote(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	f()
}

// written is the number of acknowledged writes so far.
func (l *load) written() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes
}

// want stops the load and checks that nothing failed.
func (l *load) want(t *testing.T) {
	t.Helper()
	l.stop()
	t.Logf("%d writes in %.0f s, %d failures", l.writes, time.Since(l.started).Seconds(), len(l.failures))
	for _, failure := range l.failures[:min(10, len(l.failures))] {
		t.Error(failure)
	}
}

// wantRepeatable stops the load and checks that every answer came in time, and that a client could repeat what failed.
func (l *load) wantRepeatable(t *testing.T) {
	t.Helper()
	l.stop()
	t.Logf("%d writes in %.0f s, %d failures, %d that can't be repeated", l.writes, time.Since(l.started).Seconds(),
		len(l.failures), len(l.defects))
	for _, defect := range l.defects[:min(10, len(l.defects))] {
		t.Error(defect)
	}
}

// untilRunning waits until the load has made some more writes.
func (l *load) untilRunning(t *testing.T, within time.Duration) {
	t.Helper()
	begin := l.written()
	eventually(t, within, func(context.Context) error {
		if made := l.written() - begin; made < 20 {
			return fmt.Errorf("%d writes since", made)
		}
		return nil
	})
}

// writer creates, patches, reads and deletes Networks in turn; each fourth stays.
func (l *load) writer(networks clientset.NetworksGetter, namespace, prefix string) func(context.Context) {
	return func(ctx context.Context) {
		client := networks.Networks(namespace)
		for i := 0; ctx.Err() == nil; i++ {
			name := fmt.Sprintf("%s-%d", prefix, i)
			n, err := client.Create(ctx, network(name), metav1.CreateOptions{})
			if err != nil {
				if ctx.Err() == nil {
					l.failed("creating %s: %v", name, err)
				}
				continue
			}
			l.wrote(func() { l.acked[types.NamespacedName{Namespace: namespace, Name: name}] = n.UID })
			patch := fmt.Appendf(nil, `{"metadata":{"labels":{"written":"%d"}}}`, i)
			if _, err := client.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err == nil {
				l.wrote(func() {})
			} else if ctx.Err() == nil {
				l.failed("patching %s: %v", name, err)
			}
			if read, err := client.Get(ctx, name, metav1.GetOptions{}); err != nil && ctx.Err() == nil {
				l.failed("reading %s: %v", name, err)
			} else if err == nil && read.UID != n.UID {
				l.failed("reading %s: its uid was %s and is %s", name, n.UID, read.UID)
			}
			if i%4 == 0 {
				continue
			}
			l.wrote(func() { delete(l.acked, types.NamespacedName{Namespace: namespace, Name: name}) })
			if err := client.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && ctx.Err() == nil {
				l.failed("deleting %s: %v", name, err)
			}
		}
	}
}

// everyAnswer has report called for each answer of the server that is a failure by itself, even if the client library
// would repeat the request and get by.
func everyAnswer(config *rest.Config, report func(format string, args ...any)) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(request)
			switch {
			case request.Context().Err() != nil:
			case err != nil:
				report("%s %s: %v", request.Method, request.URL.Path, err)
			case response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests:
				body, _ := io.ReadAll(response.Body)
				response.Body = io.NopCloser(bytes.NewReader(body))
				report("%s %s: %s: %s", request.Method, request.URL.Path, response.Status, body)
			}
			return response, err
		})
	})
	return config
}

// promptly is how long an answer may take on a busy machine while etcd has a majority. It is a few seconds by itself.
const promptly = 10 * time.Second

// repeatable has report called for each answer that took too long, or upon which a client can't repeat its request: it is not
// told when.
func repeatable(config *rest.Config, report func(format string, args ...any)) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			begin := time.Now()
			response, err := next.RoundTrip(request)
			if request.Context().Err() != nil {
				return response, err
			}
			if took := time.Since(begin); took > promptly {
				report("%s %s: answered after %s", request.Method, request.URL.Path, took.Round(time.Millisecond))
			}
			switch {
			case err != nil:
				report("%s %s: %v", request.Method, request.URL.Path, err)
			case response.StatusCode < 500:
			case response.StatusCode == http.StatusInternalServerError || response.Header.Get("Retry-After") == "":
				body, _ := io.ReadAll(response.Body)
				response.Body = io.NopCloser(bytes.NewReader(body))
				report("%s %s: %s without Retry-After: %s", request.Method, request.URL.Path, response.Status, body)
			}
			return response, err
		})
	})
	return config
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// watcher keeps an informer's copy of a namespace. A watch that ends is renewed; it is a failure if that fails, or if
// the copy ends up different from what a list says.
func (l *load) watcher(client versioned.Interface, namespace string) func(context.Context) {
	return func(ctx context.Context) {
		factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithNamespace(namespace))
		networks := factory.Networking().V1alpha1().Networks()
		if err := networks.Informer().SetWatchErrorHandlerWithContext(
			func(ctx context.Context, _ *cache.Reflector, err error) {
				// A server that restarted forgot old versions: the informer reads anew, which is no failure.
				if ctx.Err() == nil && !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
					l.failed("watching: %v", err)
				}
			}); err != nil {
			l.failed("watching: %v", err)
			return
		}
		watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
		factory.Start(watching.Done())
		defer func() {
			cancel()
			factory.Shutdown()
		}()
		<-ctx.Done()

		err := await.Nil(watching, 10*time.Second, func(ctx context.Context) error {
			list, err := client.NetworkingV1alpha1().Networks(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			var stored []string
			for _, n := range list.Items {
				stored = append(stored, n.Name+" "+n.ResourceVersion)
			}
			var copied []string
			for _, obj := range networks.Informer().GetStore().List() {
				n := obj.(*v1alpha1.Network)
				copied = append(copied, n.Name+" "+n.ResourceVersion)
			}
			slices.Sort(stored)
			slices.Sort(copied)
			if !slices.Equal(stored, copied) {
				return fmt.Errorf("the informer's copy differs: it has %d Networks, the server %d", len(copied), len(stored))
			}
			return nil
		})
		if err != nil {
			l.failed("watching: %v", err)
		}
	}
}

// startLoad has three writers and two watchers work in a namespace, as a tenant; their clients repeat nothing.
func startLoad(t *testing.T) *load {
	t.Helper()
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")
	l := newLoad()
	config := repeatable(everyAnswer(user.Config, l.failed), l.defective)
	var workers []func(context.Context)
	for i := range 3 {
		client, err := versioned.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		workers = append(workers, l.writer(client.NetworkingV1alpha1(), namespace, fmt.Sprintf("w%d", i)))
	}
	for range 2 {
		client, err := versioned.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		workers = append(workers, l.watcher(client, namespace))
	}
	l.run(t, workers...)
	l.untilRunning(t, 30*time.Second)
	return l
}

// wantAcknowledged checks that each Network whose creation was acknowledged, and whose deletion was not asked for, is
// there.
func (l *load) wantAcknowledged(t *testing.T) {
	t.Helper()
	l.stop()
	missing := 0
	for name, uid := range l.acked {
		n, err := admin(t).networks.Networks(name.Namespace).Get(t.Context(), name.Name, metav1.GetOptions{})
		if err != nil || n.UID != uid {
			missing++
			t.Errorf("Network %s with uid %s was acknowledged and is lost (%v)", name, uid, err)
		}
	}
	t.Logf("%d of %d acknowledged Networks are there", len(l.acked)-missing, len(l.acked))
}

// churner does random things to a few Networks in the given namespaces, some of them forbidden. Only the outcome
// counts: requests may fail while the server is disturbed.
func (l *load) churner(networks clientset.NetworksGetter, namespaces []string) func(context.Context) {
	const perNamespace = 6
	pick := func() (namespace, name string) {
		return namespaces[rand.IntN(len(namespaces))], fmt.Sprintf("n%d", rand.IntN(perNamespace))
	}
	peerings := func(namespace, name string) []v1alpha1.NetworkPeering {
		n := &v1alpha1.Network{}
		for range rand.IntN(4) {
			peerNamespace, peer := pick()
			p := network("", peerNamespace+"/"+peer).Spec.Peerings[0]
			if peerNamespace == namespace && peer == name ||
				slices.ContainsFunc(n.Spec.Peerings, func(o v1alpha1.NetworkPeering) bool { return o.Name == p.Name }) {
				continue
			}
			n.Spec.Peerings = append(n.Spec.Peerings, p)
		}
		return n.Spec.Peerings
	}
	return func(ctx context.Context) {
		for ctx.Err() == nil {
			namespace, name := pick()
			client := networks.Networks(namespace)
			var err error
			switch rand.IntN(5) {
			case 0:
				err = client.Delete(ctx, name, metav1.DeleteOptions{})
			case 1, 2:
				n := network(name)
				n.Spec.Peerings = peerings(namespace, name)
				_, err = client.Create(ctx, n, metav1.CreateOptions{})
			case 3:
				var n *v1alpha1.Network
				if n, err = client.Get(ctx, name, metav1.GetOptions{}); err == nil {
					n.Spec.Peerings = peerings(namespace, name)
					_, err = client.Update(ctx, n, metav1.UpdateOptions{})
				}
			case 4:
				forged := []byte(`{"spec":{"incomingPeerings":[{"namespace":"x","name":"y","uid":"z"}]}}`)
				_, err = client.Patch(ctx, name, types.MergePatchType, forged, metav1.PatchOptions{})
			}
			if err == nil {
				l.wrote(func() {})
			}
		}
	}
}

// tornReader watches Networks and reports each that no reader should ever see.
func (l *load) tornReader(networks clientset.NetworksGetter) func(context.Context) {
	return func(ctx context.Context) {
		for ctx.Err() == nil {
			events, err := networks.Networks("").Watch(ctx, metav1.ListOptions{})
			if err != nil {
				continue // The server is disturbed; what counts is what it says when it speaks.
			}
			for event := range events.ResultChan() {
				if n, ok := event.Object.(*v1alpha1.Network); ok {
					if wrong := rule.Torn(n); wrong != "" {
						l.failed("seen: %s", wrong)
					}
				}
			}
		}
	}
}

// wantBindingRule waits until every Network there is follows the binding rule.
func wantBindingRule(t *testing.T, within time.Duration) {
	t.Helper()
	eventually(t, within, func(ctx context.Context) error {
		list, err := admin(t).networks.Networks("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var wrong []error
		for _, violation := range rule.Violations(list.Items) {
			wrong = append(wrong, errors.New(violation))
		}
		return errors.Join(wrong...)
	})
}
