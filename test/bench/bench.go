// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/pkg/client/clientset/versioned"
)

// bench is a run: what is measured, and in which order.
type bench struct {
	programs programs
	dir      string
	quick    bool
	only     string
	largest  int
	report   report
	etcd     *server
	// value is what network-apiserver stores of a Network: the bytes that etcd alone is measured with.
	value string
	// perPut is what a put took etcd alone when it was last measured.
	perPut time.Duration
}

const (
	small  = 1000
	spokes = 200
	// putsPerRound is enough for a second or so of etcd alone.
	putsPerRound = 5000
)

func (b *bench) measure(ctx context.Context) (err error) {
	dir, err := b.folder("etcd-alone")
	if err != nil {
		return err
	}
	b.etcd, err = startEtcd(ctx, dir, b.programs)
	if b.etcd != nil {
		defer b.etcd.stop()
	}
	if err != nil {
		return err
	}
	rounds := 3
	if b.quick {
		rounds, b.largest = 1, small
	}
	if b.only != "scale" {
		if err := b.inTurns(ctx, rounds); err != nil {
			return err
		}
	}
	if b.only == "" || b.only == "scale" {
		for n := 10 * small; n <= b.largest; n *= 10 {
			if err := b.scale(ctx, n); err != nil {
				return fmt.Errorf("at %d Networks: %w", n, err)
			}
		}
	}
	return nil
}

// inTurns compares the servers at the small size.
func (b *bench) inTurns(ctx context.Context, rounds int) error {
	crdDir, err := b.folder("crd")
	if err != nil {
		return err
	}
	b.say("starting the servers")
	crd, err := startCRD(ctx, crdDir, b.programs)
	if crd != nil {
		defer crd.stop()
	}
	if err != nil {
		return err
	}
	servers := make(map[string]*server)
	for _, provider := range []string{"external", "local"} {
		dir, err := b.folder("network-apiserver-" + provider)
		if err != nil {
			return err
		}
		server, err := startNetworkAPIServer(ctx, dir, b.programs, provider)
		if server != nil {
			defer server.stop()
		}
		if err != nil {
			return err
		}
		servers[provider] = server
	}
	// The first requests of a program fill its caches; they are not what users wait for.
	for _, s := range []*server{servers["external"], servers["local"], crd} {
		if err := b.warmUp(ctx, s); err != nil {
			return err
		}
	}
	for round := range rounds {
		b.say("round %d of %d", round+1, rounds)
		if b.only == "" || b.only == "throughput" {
			if err := b.throughput(ctx, servers["external"], crd); err != nil {
				return err
			}
		}
		if b.only == "" || b.only == "binding" {
			if err := b.binding(ctx, servers, crd, crdDir); err != nil {
				return err
			}
		}
	}
	for _, server := range []*server{b.etcd, servers["local"], crd} {
		if err := b.memory("memory, peak", server, small); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) warmUp(ctx context.Context, s *server) error {
	ring, err := ring(small)
	if err != nil {
		return err
	}
	users, err := s.clients(ctx)
	if err != nil {
		return err
	}
	if _, err := s.create(ctx, users, ring); err != nil {
		return err
	}
	if b.value == "" {
		if b.value, err = s.value(ctx, ring); err != nil {
			return err
		}
	}
	if _, err := s.patchStatus(ctx, users, ring, "warm-up"); err != nil {
		return err
	}
	_, err = s.delete(ctx, users, ring)
	return err
}

// throughput measures the requests of clients on Networks that no provider has realized: what binds peerings has
// nothing to do, and the controller of the custom resource is not even running.
func (b *bench) throughput(ctx context.Context, servers ...*server) error {
	ring, err := ring(small)
	if err != nil {
		return err
	}
	for _, s := range servers {
		users, err := s.clients(ctx)
		if err != nil {
			return err
		}
		if err := b.puts(ctx); err != nil {
			return err
		}
		created, err := s.create(ctx, users, ring)
		if err != nil {
			return err
		}
		if err := b.rate("create", s, small, small, created); err != nil {
			return err
		}
		patched, err := s.patchStatus(ctx, users, ring, time.Now().String())
		if err != nil {
			return err
		}
		if err := b.rate("status patch", s, small, small, patched); err != nil {
			return err
		}
		if err := b.lists(ctx, s, users[0]); err != nil {
			return err
		}
		fanned, err := s.fanOut(ctx, users, ring)
		if err != nil {
			return err
		}
		if err := b.rate("events to 50 watchers", s, small, small*watchers, fanned); err != nil {
			return err
		}
		if _, err := s.delete(ctx, users, ring); err != nil {
			return err
		}
	}
	return nil
}

// puts measures etcd alone.
func (b *bench) puts(ctx context.Context) error {
	took, err := b.etcd.put(ctx, putsPerRound, b.value)
	if err != nil {
		return err
	}
	b.perPut = took.wall / putsPerRound
	return b.rate("put", b.etcd, small, putsPerRound, took)
}

func (b *bench) lists(ctx context.Context, s *server, c *client) error {
	etcdMedian, etcdTook, err := b.etcd.rangeAll(ctx, small)
	if err != nil {
		return err
	}
	median, took, err := s.list(ctx, c)
	if err != nil {
		return err
	}
	f := figure{Measure: "list, consistent, JSON, p50", N: small, Unit: "ms"}
	for _, of := range []struct {
		server *server
		median time.Duration
		cpu    time.Duration
	}{{b.etcd, etcdMedian, etcdTook.cpu}, {s, median, took.cpu}} {
		f.Server, f.Value = of.server.name, of.median.Seconds()*1000
		f.Ratio, f.CPUSeconds = of.median.Seconds()/etcdMedian.Seconds(), of.cpu.Seconds()
		if err := b.report.add(f); err != nil {
			return err
		}
	}
	return nil
}

// binding measures from the first create until everything is Bound, and back until everything is gone.
func (b *bench) binding(ctx context.Context, servers map[string]*server, crd *server, crdDir string) error {
	ring, err := ring(small)
	if err != nil {
		return err
	}
	hub, err := hub(spokes)
	if err != nil {
		return err
	}
	for _, provider := range []string{"local", "external"} {
		outside := provider == "external"
		if err := crd.startController(crdDir, b.programs, !outside); err != nil {
			return err
		}
		for _, s := range []*server{servers[provider], crd} {
			if err := b.puts(ctx); err != nil {
				return err
			}
			if err := b.bindAndDelete(ctx, s, "ring", ring, provider); err != nil {
				return err
			}
			if err := b.bindAndDelete(ctx, s, "hub", hub, provider); err != nil {
				return err
			}
		}
		crd.stopController()
	}
	return nil
}

func (b *bench) bindAndDelete(ctx context.Context, s *server, shape string, w workload, provider string) error {
	users, err := s.clients(ctx)
	if err != nil {
		return err
	}
	requestsBefore, err := s.writeRequests(ctx)
	if err != nil {
		return err
	}
	n, outside := len(w.networks), provider == "external"
	label := func(measure string) string { return fmt.Sprintf("%s: %s, provider %s", shape, measure, provider) }
	took, err := s.bind(ctx, users, w, outside)
	if err != nil {
		return err
	}
	if err := b.seconds(label("create until Bound"), s, n, took); err != nil {
		return err
	}
	writes, err := s.settled(ctx)
	if err != nil {
		return err
	}
	requests, err := s.writeRequests(ctx)
	if err != nil {
		return err
	}
	own := int64(n)
	if outside {
		own *= 2
	}
	if err := b.count(label("writes beyond the clients' own"), s, n, writes-own); err != nil {
		return err
	}
	if err := b.count(label("requests without change"), s, n, requests-requestsBefore-writes); err != nil {
		return err
	}
	if shape == "ring" && provider == "local" {
		if err := b.rest(ctx, s, n); err != nil {
			return err
		}
	}
	if took, err = s.delete(ctx, users, w); err != nil {
		return err
	}
	return b.seconds(label("delete until gone"), s, n, took)
}

// rest measures the CPU that the server, and its controller where that is apart, take while nothing happens.
func (b *bench) rest(ctx context.Context, s *server, n int) error {
	var controller time.Duration
	took, err := s.timed(func() (err error) {
		var before time.Duration
		if s.controller != nil {
			if before, err = s.controller.cpu(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(restFor):
		}
		if s.controller != nil {
			controller, err = s.controller.cpu()
			controller -= before
		}
		return err
	})
	if err != nil {
		return err
	}
	f := figure{Measure: "CPU at rest, all", Server: s.name, N: n, Unit: "cores"}
	f.Value = took.cpu.Seconds() / took.wall.Seconds()
	if err := b.report.add(f); err != nil || s.controller == nil {
		return err
	}
	f.Measure, f.Value = "CPU at rest, controller", controller.Seconds()/took.wall.Seconds()
	return b.report.add(f)
}

// scale measures network-apiserver alone with many Networks.
func (b *bench) scale(ctx context.Context, n int) error {
	b.say("%d Networks", n)
	dir, err := b.folder(fmt.Sprintf("network-apiserver-%d", n))
	if err != nil {
		return err
	}
	s, err := startNetworkAPIServer(ctx, dir, b.programs, "local")
	defer func() {
		if s != nil {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	ring, err := ring(n)
	if err != nil {
		return err
	}
	users, err := s.clients(ctx)
	if err != nil {
		return err
	}
	took, err := s.bind(ctx, users, ring, false)
	if err != nil {
		return err
	}
	if err := b.seconds("ring: create until Bound, provider local", s, n, took); err != nil {
		return err
	}
	writes, err := s.settled(ctx)
	if err != nil {
		return err
	}
	if err := b.count("ring: writes beyond the clients' own, provider local", s, n, writes-int64(n)); err != nil {
		return err
	}
	if err := b.memory("memory, peak", s, n); err != nil {
		return err
	}

	s.stop()
	start := time.Now()
	if s, err = startNetworkAPIServer(ctx, dir, b.programs, "local"); err != nil {
		return err
	}
	ready := time.Since(start)
	cpu, err := s.cpu()
	if err != nil {
		return err
	}
	if err := b.seconds("restart to ready", s, n, struct{ wall, cpu time.Duration }{ready, cpu}); err != nil {
		return err
	}
	if _, err := s.settled(ctx); err != nil {
		return err
	}
	if err := b.rest(ctx, s, n); err != nil {
		return err
	}
	requests, err := s.writeRequests(ctx)
	if err != nil {
		return err
	}
	if err := b.count("requests after a restart", s, n, requests); err != nil {
		return err
	}
	if err := b.memory("memory, peak after restart", s, n); err != nil {
		return err
	}
	now, _, err := s.memory()
	if err != nil {
		return err
	}
	return b.mebibytes("memory, at rest after restart", s, n, now)
}

// resourceVersion returns the one that the server is at.
func (s *server) resourceVersion(ctx context.Context) (string, error) {
	client, err := versioned.NewForConfig(s.config)
	if err != nil {
		return "", err
	}
	list, err := client.NetworkingV1alpha1().Networks("").List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return "", err
	}
	return list.ResourceVersion, nil
}

// rate reports how many of something a server did in a second.
func (b *bench) rate(measure string, s *server, n, count int, took took) error {
	perSecond := float64(count) / took.wall.Seconds()
	return b.report.add(figure{Measure: measure, Server: s.name, N: n, Value: perSecond, Unit: "1/s",
		Ratio: perSecond * b.perPut.Seconds(), WallSeconds: took.wall.Seconds(), CPUSeconds: took.cpu.Seconds()})
}

// seconds reports how long something took for n Networks.
func (b *bench) seconds(measure string, s *server, n int, took took) error {
	f := figure{Measure: measure, Server: s.name, N: n, Value: took.wall.Seconds(), Unit: "s",
		WallSeconds: took.wall.Seconds(), CPUSeconds: took.cpu.Seconds()}
	if b.perPut > 0 {
		f.Ratio = took.wall.Seconds() / (float64(n) * b.perPut.Seconds())
	}
	return b.report.add(f)
}

// count reports how often something happened, for each of n Networks.
func (b *bench) count(measure string, s *server, n int, count int64) error {
	return b.report.add(figure{Measure: measure, Server: s.name, N: n, Unit: "per Network",
		Value: float64(count) / float64(n)})
}

func (b *bench) memory(measure string, s *server, n int) error {
	_, peak, err := s.memory()
	if err != nil {
		return err
	}
	return b.mebibytes(measure, s, n, peak)
}

func (b *bench) mebibytes(measure string, s *server, n int, bytes int64) error {
	return b.report.add(figure{Measure: measure, Server: s.name, N: n, Value: float64(bytes) / (1 << 20), Unit: "MiB"})
}
