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
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/e2e/cluster"
	"ironcore.dev/networking/test/memory"
)

// What the manifests give a member of etcd.
const (
	memberSettings   = "../../deploy/kustomize/components/etcd-cluster/etcd-config.yaml"
	memberMemory     = 2 << 30
	memberGoMemLimit = "1843MiB"
)

// A tenant with one object of the largest size, who changes it over and over, neither ends a member of etcd nor keeps it from
// starting again. The member reads its log into memory at its start.
func TestAMembersLogFullOfTheLargestObjectsFitsIntoItsMemory(t *testing.T) {
	t.Setenv("GOMEMLIMIT", memberGoMemLimit)
	content, err := os.ReadFile(memberSettings)
	if err != nil {
		t.Fatal(err)
	}
	var settings struct {
		Count   int `json:"snapshot-count"`
		CatchUp int `json:"snapshot-catchup-entries"`
	}
	if err := yaml.Unmarshal(content, &settings); err != nil || settings.Count == 0 || settings.CatchUp == 0 {
		t.Fatalf("the settings of a member are %+v, %v", settings, err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	etcd, err := cluster.StartEtcd(t.Context(), cluster.Config{Root: root, Dir: t.TempDir()}, "full-log",
		fmt.Sprintf("--snapshot-count=%d", settings.Count), fmt.Sprintf("--snapshot-catchup-entries=%d", settings.CatchUp))
	if err != nil {
		t.Fatal(err)
	}
	member := etcd.Members[0]
	t.Cleanup(member.Kill)
	client, err := etcd.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	// Random bytes, and the largest request that etcd takes.
	value := make([]byte, 1_500_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(value)
	// All that it keeps after a snapshot, and all but one until the next.
	writing := 0
	for i := range 2*settings.Count - 2 {
		value[0] = byte(i)
		if _, err := client.Put(t.Context(), "large", string(value)); err != nil {
			t.Fatal(err)
		}
		writing = max(writing, memory.Of(t, member.PID(), "RssAnon")) // The kernel takes back what is mapped of files.
	}
	member.Kill()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := member.Start(ctx); err != nil {
		t.Fatal(err)
	}
	starting := memory.Of(t, member.PID(), "RssAnon")
	t.Logf("%d MiB at most while it was written, %d MiB for a start of %s", writing>>20, starting>>20, time.Since(began).Round(time.Millisecond))
	if limit := memberMemory * 3 / 4; writing > limit || starting > limit {
		t.Errorf("too near to the limit of %d MiB", memberMemory>>20)
	}
	got, err := client.Get(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) != 1 || !bytes.Equal(got.Kvs[0].Value, value) {
		t.Error("after the start it has not what was acknowledged last")
	}
}

// While etcd is away, whether it ended or is frozen, each request is answered within seconds, and told that it may be repeated.
func TestNoRequestWaitsForAnEtcdThatIsAway(t *testing.T) {
	etcd, err := shared.StartEtcd(t.Context(), "away")
	if err != nil {
		t.Fatal(err)
	}
	member := etcd.Members[0]
	t.Cleanup(member.Kill)
	server, err := shared.NewServer("away-server", slices.Concat(etcd.Flags(), []string{"--network-provider=external",
		"--authentication-kubeconfig=" + shared.Admin.Kubeconfig, "--authorization-kubeconfig=" + shared.Admin.Kubeconfig})...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	transport, err := rest.TransportFor(shared.Direct(server)) // The clients of client-go repeat requests.
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport}
	url := server.URL + "/apis/" + v1alpha1.SchemeGroupVersion.String() + "/namespaces/default/networks"
	ask := func(method, path, body string) (code int, repeat bool, took time.Duration, err error) {
		request, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			return 0, false, 0, err
		}
		request.Header.Set("Content-Type", "application/json")
		if method == http.MethodPatch {
			request.Header.Set("Content-Type", "application/merge-patch+json")
		}
		begun := time.Now()
		response, err := client.Do(request)
		if err != nil {
			return 0, false, time.Since(begun), err
		}
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		return response.StatusCode, response.Header.Get("Retry-After") != "", time.Since(begun), err
	}
	const network = `{"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "Network", "metadata": {"name": "NAME"}}`
	create := func(name string) string { return strings.Replace(network, "NAME", name, 1) }
	answered := func(want int, method, path, body string) {
		t.Helper()
		eventually(t, time.Minute, func(context.Context) error { // Until it knows whose certificates to trust.
			code, _, _, err := ask(method, path, body)
			if err == nil && code != want {
				err = fmt.Errorf("%s %s was answered %d", method, path, code)
			}
			return err
		})
	}
	answered(http.StatusCreated, http.MethodPost, "", create("there"))
	// The watch cache answers a list of a version that it has seen. After a start it knows none of the older ones.
	if err := errors.Join(server.Stop(), server.Start(ctx)); err != nil {
		t.Fatal(err)
	}
	answered(http.StatusOK, http.MethodGet, "/there", "")
	const limit = 10 * time.Second
	all := func(t *testing.T) {
		var asking sync.WaitGroup
		for sentence, request := range map[string]struct{ method, path, body string }{
			"a get":                            {method: http.MethodGet, path: "/there"},
			"a list":                           {method: http.MethodGet},
			"the first page of a list":         {method: http.MethodGet, path: "?limit=50"},
			"a list of a version":              {method: http.MethodGet, path: "?limit=1&resourceVersion=1&resourceVersionMatch=Exact"},
			"a create":                         {method: http.MethodPost, body: create("new")},
			"a patch":                          {method: http.MethodPatch, path: "/there", body: `{"metadata": {"labels": {"a": "b"}}}`},
			"a deletion":                       {method: http.MethodDelete, path: "/there"},
			"a deletion of a whole collection": {method: http.MethodDelete},
			"the requests of peers":            {method: http.MethodGet, path: "/there/peeringrequests"},
		} {
			asking.Go(func() {
				code, repeat, took, err := ask(request.method, request.path, request.body)
				t.Logf("%s: %d after %.1f s", sentence, code, took.Seconds())
				if err != nil || code < http.StatusMultipleChoices || !repeat || took > limit {
					t.Errorf("%s ended after %s with %d, Retry-After %t (%v)", sentence, took, code, repeat, err)
				}
			})
		}
		asking.Wait()
	}
	if err := member.Freeze(); err != nil {
		t.Fatal(err)
	}
	t.Run("frozen", all)
	member.Kill()
	t.Run("ended", all)
	// A server that is told to stop waits for its requests.
	begun := time.Now()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > limit {
		t.Errorf("the server stopped after %s", took)
	}
}
