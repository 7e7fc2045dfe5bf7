// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package pods

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/await"
)

// stream is clients that create, read, patch, list and delete Networks through the aggregator, and watch them. They repeat nothing:
// every request that fails is counted. They remember every write that was acknowledged.
type stream struct {
	client *http.Client
	url    string // of the Networks of one namespace

	lock     sync.Mutex
	requests []request
	objects  map[string]object // by name
	seen     map[string]string // by name: the label that the watch saw last; "" for a deletion
	watches  int               // how many have ended
}

// request is one that has ended.
type request struct {
	what  string
	begun time.Time
	took  time.Duration
	fault string // empty if it succeeded
	retry bool   // whether the answer says that it may be repeated
}

// object is what the stream knows of a Network.
type object struct {
	label     string // as last acknowledged
	deleted   bool   // acknowledged
	uncertain bool   // a write was not acknowledged, and may have taken effect or not
}

const workers = 4

// startStream starts the clients. They end with the test.
func startStream(t *testing.T, kubeconfig, namespace string) *stream {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{
		client:  &http.Client{Transport: transport},
		url:     config.Host + "/apis/" + v1alpha1.SchemeGroupVersion.String() + "/namespaces/" + namespace + "/networks",
		objects: map[string]object{}, seen: map[string]string{},
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.watch(ctx) })
	for worker := range workers {
		running.Go(func() { s.work(ctx, worker) })
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	return s
}

// work is what one client does: each round creates a Network that the one before it is peered with, and deletes one of earlier.
func (s *stream) work(ctx context.Context, worker int) {
	name := func(round int) string { return fmt.Sprintf("stream-%d-%d", worker, round) }
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for round := 0; ; round++ {
		network := v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: name(round), Labels: map[string]string{"at": "created"}}}
		network.APIVersion, network.Kind = v1alpha1.SchemeGroupVersion.String(), "Network"
		network.Spec.Peerings = []v1alpha1.NetworkPeering{{
			Name: "next", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: name(round + 1)},
		}}
		body, _ := json.Marshal(network) // It holds nothing that JSON can't.
		steps := []func(){
			func() { s.write(ctx, http.MethodPost, name(round), "created", body) },
			func() { s.read(ctx, "/"+name(round)) },
			func() {
				s.write(ctx, http.MethodPatch, name(round), "patched", []byte(`{"metadata":{"labels":{"at":"patched"}}}`))
			},
			func() { s.read(ctx, "?limit=50") },
		}
		if round >= 20 {
			steps = append(steps, func() { s.write(ctx, http.MethodDelete, name(round-20), "", nil) })
		}
		for _, step := range steps {
			step()
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}

// write does a write of one Network, and remembers what is known after it.
func (s *stream) write(ctx context.Context, method, name, label string, body []byte) {
	s.lock.Lock()
	before := s.objects[name]
	s.lock.Unlock()
	path := "/" + name
	if method == http.MethodPost {
		path = ""
	}
	err := s.do(ctx, method, path, body)
	s.lock.Lock()
	defer s.lock.Unlock()
	switch {
	case err != nil:
		before.uncertain = true
		s.objects[name] = before
	case !before.uncertain:
		s.objects[name] = object{label: label, deleted: method == http.MethodDelete}
	}
}

// read reads one Network or some. How that ended is recorded, and nothing follows from it.
func (s *stream) read(ctx context.Context, path string) { _ = s.do(ctx, http.MethodGet, path, nil) }

// do sends one request and records how it ended. What is missing only because its create failed is no fault.
func (s *stream) do(ctx context.Context, method, path string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	r := request{what: method, begun: time.Now()}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := s.client.Do(req)
	if err == nil {
		var content []byte
		content, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && response.StatusCode >= 300 {
			status := metav1.Status{Message: strings.TrimSpace(string(content))}
			_ = json.Unmarshal(content, &status) // Not every answer is a Status.
			err = fmt.Errorf("%d %s", response.StatusCode, status.Message)
			r.retry = response.Header.Get("Retry-After") != ""
			s.lock.Lock()
			if s.objects[strings.TrimPrefix(path, "/")].uncertain && response.StatusCode == http.StatusNotFound {
				s.lock.Unlock()
				return err
			}
			s.lock.Unlock()
		}
	}
	if ctx.Err() == context.Canceled {
		return ctx.Err()
	}
	r.took = time.Since(r.begun)
	if err != nil {
		r.fault = err.Error()
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.requests = append(s.requests, r)
	return err
}

// watch follows the Networks, and goes on after an end where it was.
func (s *stream) watch(ctx context.Context) {
	version := ""
	for ctx.Err() == nil {
		version = s.watchOnce(ctx, version)
		s.lock.Lock()
		s.watches++
		s.lock.Unlock()
		select { // As clients do, not at once.
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *stream) watchOnce(ctx context.Context, version string) string {
	url := s.url + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + version
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return version
	}
	response, err := s.client.Do(req)
	if err != nil {
		return version
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return version
		}
		var event struct {
			Type   string
			Object struct {
				metav1.ObjectMeta `json:"metadata"`
				Code              int
			}
		}
		if json.Unmarshal(line, &event) != nil {
			return version
		}
		if event.Type == "ERROR" {
			return "" // Too old: from the beginning.
		}
		version = event.Object.ResourceVersion
		if event.Type == "BOOKMARK" {
			continue
		}
		s.lock.Lock()
		s.seen[event.Object.Name] = event.Object.Labels["at"]
		if event.Type == "DELETED" {
			s.seen[event.Object.Name] = ""
		}
		s.lock.Unlock()
	}
}

// report is what happened from one moment to another.
type report struct {
	requests, failed, unrepeatable int
	faults                         map[string]int
	slowest                        time.Duration // the slowest request
	outage                         time.Duration // from the first fault to the last
	silence                        time.Duration // the longest time without a success
	watches                        int
}

func (r report) String() string {
	out := fmt.Sprintf("%d requests, %d failed, slowest %.1f s, longest without a success %.1f s, watches ended %d",
		r.requests, r.failed, r.slowest.Seconds(), r.silence.Seconds(), r.watches)
	if r.failed > 0 {
		out += fmt.Sprintf(", from the first fault to the last %.1f s", r.outage.Seconds())
	}
	for _, fault := range slices.Sorted(maps.Keys(r.faults)) {
		out += fmt.Sprintf("\n    %d × %s", r.faults[fault], fault)
	}
	return out
}

// during runs a step, waits until every client has done some more, and reports on the time.
func (s *stream) during(t *testing.T, step func()) report {
	t.Helper()
	s.lock.Lock()
	from, watches, begun := len(s.requests), s.watches, time.Now()
	s.lock.Unlock()
	step()
	s.settle(t)
	s.lock.Lock()
	defer s.lock.Unlock()
	r := report{faults: map[string]int{}, watches: s.watches - watches}
	last := begun
	var first, end time.Time
	done := slices.SortedFunc(slices.Values(s.requests[from:]), func(a, b request) int {
		return a.begun.Add(a.took).Compare(b.begun.Add(b.took))
	})
	for _, request := range done {
		ended := request.begun.Add(request.took)
		r.requests++
		r.slowest = max(r.slowest, request.took)
		if request.fault == "" {
			r.silence = max(r.silence, ended.Sub(last))
			last = ended
			continue
		}
		r.failed++
		if !request.retry {
			r.unrepeatable++
		}
		r.faults[request.what+" "+request.fault+map[bool]string{true: " (Retry-After)"}[request.retry]]++
		if first.IsZero() {
			first = request.begun
		}
		end = ended
	}
	r.outage = end.Sub(first)
	return r
}

// settle waits until the clients have made a hundred more requests in a row that succeed.
func (s *stream) settle(t *testing.T) {
	t.Helper()
	s.lock.Lock()
	from := len(s.requests)
	s.lock.Unlock()
	await.Success(t, 3*time.Minute, func(context.Context) error {
		s.lock.Lock()
		defer s.lock.Unlock()
		if len(s.requests)-from < 100 {
			return fmt.Errorf("%d requests", len(s.requests)-from)
		}
		for _, request := range s.requests[len(s.requests)-100:] {
			if request.fault != "" {
				return fmt.Errorf("%s: %s", request.what, request.fault)
			}
		}
		return nil
	})
}

// verify compares everything that was acknowledged with what is stored, and with what the watch has seen.
func (s *stream) verify(t *testing.T) {
	t.Helper()
	await.Success(t, time.Minute, func(context.Context) error {
		stored := map[string]string{}
		s.lock.Lock()
		want := maps.Clone(s.objects)
		s.lock.Unlock()
		response, err := s.client.Get(s.url)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		var list v1alpha1.NetworkList
		if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
			return err
		}
		for _, network := range list.Items {
			stored[network.Name] = network.Labels["at"]
		}
		s.lock.Lock()
		defer s.lock.Unlock()
		for name, object := range want {
			if object.uncertain || s.objects[name] != object {
				continue // Not known, or changed meanwhile.
			}
			label, there := stored[name]
			if there == object.deleted || label != object.label {
				return fmt.Errorf("%s: acknowledged %+v, stored %q (%v)", name, object, label, there)
			}
			if s.seen[name] != object.label {
				return fmt.Errorf("%s: acknowledged %+v, the watch saw %q", name, object, s.seen[name])
			}
		}
		return nil
	})
}

// forget is for a restore: of what was written before, nothing is known any more.
func (s *stream) forget() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for name := range s.objects {
		s.objects[name] = object{uncertain: true}
	}
}
