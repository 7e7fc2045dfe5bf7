// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package chaos tests what network-apiserver promises while machines, disks and networks fail: three replicas on a
// three-member etcd behind a real kube-apiserver, clients that do random operations on a few keys of every kind, and a
// driver that brings about one random fault after the other. docs/reliability.md says what is checked.
package chaos

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/e2e/cluster"
	"ironcore.dev/networking/test/e2e/rule"
)

var (
	duration = flag.Duration("chaos.duration", 3*time.Minute, "how long faults go on")
	older    = flag.String("chaos.older", "", "another version of the program, between which and this one replicas are rolled")
	seed     = flag.Uint64("chaos.seed", uint64(time.Now().UnixNano()), "what all that is random follows from")
)

const clients = 8

// world is the cluster that all tests use.
type world struct{ *cluster.Cluster }

var shared world

// start starts a process again. Two minutes are enough for one that has to catch up on a busy machine.
func (c *world) start(p *cluster.Process) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return p.Start(ctx)
}

func (c *world) restart(p *cluster.Process) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return c.start(p)
}

func TestMain(m *testing.M) {
	flag.Parse()
	cluster.Main(func(ctx context.Context, dir string) (*cluster.Cluster, error) {
		root, err := filepath.Abs("../..")
		if err != nil {
			return nil, err
		}
		shared.Cluster, err = cluster.Start(ctx, cluster.Config{
			Root: root, Dir: dir, Replicas: 3, Links: true, SmallDisks: cluster.CanMountDisks(),
			Clocks: filepath.Join(root, "bin", "clocks"),
			Flags:  []string{"--network-provider=local"},
		})
		return shared.Cluster, err
	}, func(context.Context) (int, error) { return m.Run(), nil })
}

func eventually(t *testing.T, within time.Duration, check func(context.Context) error) {
	t.Helper()
	await.Success(t, within, check)
}

func TestHistoriesAreLinearizableUnderFaults(t *testing.T) {
	t.Logf("seed %d: to run it again: -chaos.seed=%d -chaos.duration=%s", *seed, *seed, *duration)
	if !shared.Etcd.HasDisks() {
		t.Log("no disk is filled or slowed: that needs root, mkfs.ext4 and loop devices")
	} else if !cluster.CanSlowDisks() {
		t.Log("no disk is slowed: that needs control groups of version 1 for block devices")
	}
	began := time.Now()
	h := &history{began: began}
	watchers, stopWatchers := startWatchers(t)
	before := usage(t)

	// Clients outlive no fault: they stop once the last one has ended.
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range clients {
		api, err := newClient(shared.Admin.Config)
		if err != nil {
			t.Fatal(err)
		}
		c := &client{number: i, api: api, history: h, random: rand.New(rand.NewPCG(*seed, uint64(i+1)))}
		running.Go(func() { c.run(ctx) })
	}
	counts := drive(t, began.Add(*duration))
	stop()
	running.Wait()

	tally := map[outcome]int{}
	for _, o := range h.all {
		tally[o.outcome]++
	}
	t.Logf("%d operations of %d clients on %d keys: %v", len(h.all), clients, keysPerKind*len(kinds), tally)
	rounds := 0
	for name, count := range counts {
		rounds += count
		t.Logf("%3d times: %s", count, name)
	}
	t.Logf("%d rounds in %s", rounds, time.Since(began).Round(time.Second))
	if tally[done] < 100 {
		t.Errorf("only %d operations were done: that is no test", tally[done])
	}

	checkRules(t)
	watched := checkWatches(t, h, watchers, stopWatchers)
	checkHistories(t, h, watched)
	checkUsage(t, before)
}

// drive brings about faults until the deadline, and after each waits until all replicas are ready and a write works. If they are
// not, the test has failed, and what was acknowledged until then is checked all the same.
func drive(t *testing.T, deadline time.Time) map[string]int {
	t.Helper()
	random := rand.New(rand.NewPCG(*seed, 0))
	all := slices.Clone(faults)
	if shared.Etcd.HasDisks() {
		all = append(all, fullDisk)
		if cluster.CanSlowDisks() {
			all = append(all, slowDisk)
		}
	}
	if os.Getenv("NETWORK_APISERVER_BIN") == "" {
		all = append(all, wrongReplicaClock)
	}
	if *older != "" {
		all = append(all, otherVersion)
	}
	counts := map[string]int{}
	var order []int
	for time.Now().Before(deadline) {
		if len(order) == 0 {
			order = random.Perm(len(all)) // Each fault once, then each once more.
		}
		f := all[order[0]]
		order = order[1:]
		end, err := f.begin(&shared, random)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			return counts
		}
		// The fault goes on for a while: that is the point of it.
		time.Sleep(time.Duration(2000+random.IntN(6000)) * time.Millisecond)
		if err := end(); err != nil {
			t.Errorf("%s, in the end: %v", f.name, err)
			return counts
		}
		healed := time.Now()
		if err := recovers(t, f.name); err != nil {
			t.Error(err)
			return counts
		}
		counts[f.name]++
		t.Logf("%s: recovered %.1f s after its end", f.name, time.Since(healed).Seconds())
	}
	return counts
}

// recovers waits until everything works, through the kube-apiserver and at each replica.
func recovers(t *testing.T, after string) error {
	t.Helper()
	client, err := versioned.NewForConfig(shared.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	return await.Nil(t.Context(), time.Minute, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		for _, member := range shared.Etcd.Members {
			if !member.Running() {
				return fmt.Errorf("after %q: %s ended", after, member.Name)
			}
		}
		for _, replica := range shared.Replicas {
			if !replica.Running() {
				return fmt.Errorf("after %q: %s ended", after, replica.Name)
			}
			if _, err := shared.Ask(ctx, replica, "/readyz"); err != nil {
				return fmt.Errorf("after %q: %w", after, err)
			}
		}
		_, err := client.NetworkingV1alpha1().Networks(namespace).Create(ctx,
			&v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: "probe"}}, metav1.CreateOptions{DryRun: []string{"All"}})
		return err
	})
}

// startWatchers watches every kind at every replica, from now on.
func startWatchers(t *testing.T) (watchers map[string][]*watcher, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	watchers = map[string][]*watcher{}
	for _, k := range kinds {
		from := uint64(0)
		for _, replica := range shared.Replicas {
			client, err := dynamic.NewForConfig(shared.Direct(replica))
			if err != nil {
				t.Fatal(err)
			}
			api := client.Resource(v1alpha1.SchemeGroupVersion.WithResource(k.resource)).Namespace(namespace)
			if from == 0 {
				list, err := api.List(ctx, metav1.ListOptions{})
				if err != nil {
					t.Fatal(err)
				}
				from = version(list.GetResourceVersion())
			}
			w := &watcher{name: k.resource + " at " + replica.Name, api: api}
			if k.resource == "networks" {
				w.seen = torn
			}
			watchers[k.resource] = append(watchers[k.resource], w)
			running.Go(func() { w.run(ctx, from) })
		}
	}
	return watchers, func() { cancel(); running.Wait() }
}

// torn tells what no reader should see in a single version of a Network.
func torn(object *unstructured.Unstructured) string {
	n := &v1alpha1.Network{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, n); err != nil {
		return err.Error()
	}
	return rule.Torn(n)
}

// checkRules waits until the binding rule, the identifiers of Networks and the addresses of interfaces are as promised.
func checkRules(t *testing.T) {
	t.Helper()
	client, err := versioned.NewForConfig(shared.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func(ctx context.Context) error {
		networks, err := client.NetworkingV1alpha1().Networks(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		wrong := rule.Violations(networks.Items)
		held := map[string]string{}
		take := func(what, who string) {
			if other, ok := held[what]; ok {
				wrong = append(wrong, fmt.Sprintf("%s is of %s and of %s", what, other, who))
			}
			held[what] = who
		}
		for _, n := range networks.Items {
			if n.Spec.ProviderID == "" {
				wrong = append(wrong, n.Name+" has no providerID")
			}
			take("providerID "+n.Spec.ProviderID, n.Name)
		}
		nics, err := client.NetworkingV1alpha1().NetworkInterfaces(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, nic := range nics.Items {
			for _, ip := range nic.Status.IPs {
				take(fmt.Sprintf("address %s of Network %s", ip, nic.Spec.NetworkRef.Name), nic.Name)
			}
		}
		if len(wrong) > 0 {
			return errors.New(strings.Join(wrong, "\n"))
		}
		return nil
	})
}

// checkWatches holds the watches against each other and against the answers to writes, and returns all values that they
// showed.
func checkWatches(t *testing.T, h *history, all map[string][]*watcher, stop func()) map[string]bool {
	t.Helper()
	admin, err := dynamic.NewForConfig(shared.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	// Each watch is complete once it has shown a last write of its kind.
	for _, k := range kinds {
		object := &unstructured.Unstructured{Object: k.content(rand.New(rand.NewPCG(0, 0)), lastKey)}
		object.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(k.name))
		object.SetName(keyName(k.resource, lastKey))
		created, err := admin.Resource(v1alpha1.SchemeGroupVersion.WithResource(k.resource)).Namespace(namespace).
			Create(t.Context(), object, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range all[k.resource] {
			eventually(t, 30*time.Second, func(context.Context) error {
				if at := w.at(); at < version(created.GetResourceVersion()) {
					return fmt.Errorf("%s is at %d, not at %s", w.name, at, created.GetResourceVersion())
				}
				return nil
			})
		}
	}
	stop()
	values := map[string]bool{}
	for _, k := range kinds {
		union := map[uint64]event{}
		count, gaps := 0, 0
		for _, w := range all[k.resource] {
			for _, wrong := range w.wrong {
				t.Error(wrong)
			}
			gaps += len(w.gaps)
			for _, e := range w.events {
				count++
				values[e.value] = true
				if other, ok := union[e.version]; ok && other != e {
					t.Errorf("%s shows %+v, another replica shows %+v", w.name, e, other)
				}
				union[e.version] = e
			}
		}
		end := ^uint64(0)
		for _, w := range all[k.resource] {
			end = min(end, w.at())
		}
		for _, w := range all[k.resource] {
			shown := map[uint64]bool{}
			for _, e := range w.events {
				shown[e.version] = true
			}
			for v, e := range union {
				inGap := slices.ContainsFunc(w.gaps, func(gap [2]uint64) bool { return v > gap[0] && v <= gap[1] })
				if !shown[v] && !inGap && v <= end {
					t.Errorf("%s lacks %+v", w.name, e)
				}
			}
		}
		for _, o := range h.all {
			if o.version == "" || !strings.HasPrefix(o.key, k.resource+"-") {
				continue
			}
			e, ok := union[version(o.version)]
			lacking := slices.ContainsFunc(all[k.resource], func(w *watcher) bool { return len(w.gaps) == 0 })
			if ok && (e.key != o.key || e.value != o.value && e.kind != watch.Deleted) || !ok && lacking {
				t.Errorf("a client was told %+v, the watches show %+v", o, e)
			}
		}
		t.Logf("%s: %d events at %d replicas, %d versions, %d gaps", k.resource, count, len(all[k.resource]), len(union), gaps)
	}
	return values
}

func checkHistories(t *testing.T, h *history, watched map[string]bool) {
	t.Helper()
	for key, operations := range histories(h.all, watched) {
		result, info := porcupine.CheckOperationsVerbose(model, operations, time.Minute)
		switch result {
		case porcupine.Ok:
			continue
		case porcupine.Unknown:
			t.Errorf("%s: the history of %d operations could not be checked within a minute", key, len(operations))
		default:
			path := filepath.Join(os.TempDir(), "chaos-"+key+".html")
			if err := porcupine.VisualizePath(model, info, path); err != nil {
				t.Log(err)
			}
			t.Errorf("%s: the history of %d operations is not linearizable, see %s", key, len(operations), path)
		}
	}
}

// use is what a replica takes.
type use struct{ goroutines, bytes float64 }

var gauge = regexp.MustCompile(`(?m)^(go_goroutines|process_resident_memory_bytes) (\S+)$`)

func usage(t *testing.T) map[string]use {
	t.Helper()
	all := map[string]use{}
	for _, replica := range shared.Replicas {
		text, err := shared.Ask(t.Context(), replica, "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		u := use{}
		for _, match := range gauge.FindAllStringSubmatch(text, -1) {
			value, err := strconv.ParseFloat(match[2], 64)
			if err != nil {
				t.Fatal(err)
			}
			if match[1] == "go_goroutines" {
				u.goroutines = value
			} else {
				u.bytes = value
			}
		}
		all[replica.Name] = u
	}
	return all
}

// checkUsage waits until each replica is down to what it had before, and some more: it holds caches by now.
func checkUsage(t *testing.T, before map[string]use) {
	t.Helper()
	eventually(t, time.Minute, func(context.Context) error {
		for name, now := range usage(t) {
			if now.goroutines > before[name].goroutines*1.5+100 {
				return fmt.Errorf("%s: %.0f goroutines, before %.0f", name, now.goroutines, before[name].goroutines)
			}
			if now.bytes > before[name].bytes*2+200<<20 {
				return fmt.Errorf("%s: %.0f MB, before %.0f", name, now.bytes/1e6, before[name].bytes/1e6)
			}
		}
		return nil
	})
	for name, now := range usage(t) {
		t.Logf("%s: goroutines %.0f, before %.0f; memory %.0f MB, before %.0f", name,
			now.goroutines, before[name].goroutines, now.bytes/1e6, before[name].bytes/1e6)
	}
}
