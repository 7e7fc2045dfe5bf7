// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// bench is a run: what is measured, and in which order.
type bench struct {
	root    string // of the repository
	dir     string
	quick   bool
	only    string
	largest int
	report  report
	step    string // what is being done, for errors
	etcd    *server
	// value is what network-apiserver stores of a Network: the bytes that etcd alone is measured with.
	value string
	// perPut is how many seconds etcd alone needed for a put when it was last measured, and put what each of them took.
	perPut float64
	put    took
}

const (
	small  = 1000
	middle = 5000 // Networks that servers are at rest with
	spokes = 200
	warmth = 250 // Networks that warm a server up, and that a quick run leaves at rest
	rounds = 3
	// putsPerRound is enough for a second or so of etcd alone.
	putsPerRound = 5000
)

// The providers: what realizes the Networks.
const (
	external = "external" // The clients report each Network Available once they have created it.
	local    = "local"    // The server, or the controller of the custom resource, does it.
)

// parts of a run that can be measured alone.
var parts = []string{"throughput", "binding", "rest", "scale"}

func (b *bench) measures(part string) bool { return b.only == "" || b.only == part }

func (b *bench) measure(ctx context.Context) error {
	if err := b.report.begin(b.root, b.quick); err != nil {
		return err
	}
	b.say("starting the servers")
	var err error
	if b.etcd, err = b.server("etcd-alone", etcdName, ""); err != nil {
		return err
	}
	defer b.etcd.stop()
	if err := b.etcd.startEtcd(ctx); err != nil {
		return err
	}
	if err := b.inTurns(ctx); err != nil {
		return err
	}
	if b.quick || !b.measures("scale") {
		return nil
	}
	for n := 10 * small; n <= b.largest; n *= 10 {
		for _, name := range []string{aggregatedName, standaloneName} {
			if err := b.scale(ctx, name, external, n); err != nil {
				return err
			}
		}
	}
	return b.scale(ctx, standaloneName, local, 10*small)
}

// server returns a server with a folder of its own, to be started.
func (b *bench) server(folder, name, provider string) (*server, error) {
	dir := filepath.Join(b.dir, folder)
	return &server{name: name, root: b.root, dir: dir, provider: provider}, os.MkdirAll(dir, 0o700)
}

// inTurns compares the servers at the small sizes.
func (b *bench) inTurns(ctx context.Context) (err error) {
	ours, alone := make(map[string]*server), make(map[string]*server) // by provider
	var crd *server
	var all []*server
	defer func() {
		for _, s := range all {
			s.stop()
		}
	}()
	begin := func(name, provider string, start func(*server) error) (*server, error) {
		s, err := b.server(name+"-"+provider, name, provider)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		return s, start(s)
	}
	for _, provider := range []string{external, local} {
		alone[provider], err = begin(standaloneName, provider, func(s *server) error { return s.startStandalone(ctx) })
		if err != nil {
			return err
		}
		ours[provider], err = begin(aggregatedName, provider, func(s *server) error { return s.startAggregated(ctx) })
		if err != nil {
			return err
		}
		if err := ours[provider].runReplicas(ctx, 1); err != nil {
			return err
		}
	}
	if crd, err = begin(crdName, external, func(s *server) error { return s.startCRD(ctx) }); err != nil {
		return err
	}
	for _, s := range all {
		if err := b.cold(ctx, s); err != nil {
			return err
		}
	}
	turns := rounds
	if b.quick {
		turns = 1
	}
	for round := range turns {
		if b.measures("throughput") {
			b.say("round %d of %d: throughput", round+1, turns)
			if err := b.throughput(ctx, ours[external], alone[external], crd); err != nil {
				return err
			}
		}
		if b.measures("binding") {
			b.say("round %d of %d: binding", round+1, turns)
			if err := b.binding(ctx, external, round == 0, ours[external], alone[external], crd); err != nil {
				return err
			}
			// With the provider inside, the custom resource takes half a minute: it is measured once, in a full run.
			servers := []*server{ours[local], alone[local]}
			if round == 0 && !b.quick {
				servers = append(servers, crd)
			}
			if err := b.binding(ctx, local, round == 0, servers...); err != nil {
				return err
			}
		}
	}
	if b.measures("rest") {
		if err := b.atRest(ctx, ours[external], alone[external], crd); err != nil {
			return err
		}
	}
	b.say("three replicas")
	return b.severalReplicas(ctx, turns, ours[external])
}

// severalReplicas measures an aggregated server with several replicas, of the provider external.
func (b *bench) severalReplicas(ctx context.Context, turns int, s *server) error {
	if err := s.runReplicas(ctx, replicas); err != nil {
		return err
	}
	if b.measures("rest") { // It left Networks behind.
		users, err := s.clients(ctx)
		if err != nil {
			return err
		}
		ring, err := ring(b.resting())
		if err != nil {
			return err
		}
		if _, err := s.delete(ctx, users, ring); err != nil {
			return err
		}
	}
	if err := b.cold(ctx, s); err != nil {
		return err
	}
	for round := range turns {
		if b.measures("throughput") {
			if err := b.throughput(ctx, s); err != nil {
				return err
			}
		}
		if b.measures("binding") {
			if err := b.binding(ctx, external, round == 0, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// cold measures the first requests after a start, when connections are to be made and caches are empty.
func (b *bench) cold(ctx context.Context, s *server) error {
	all, err := ring(small)
	if err != nil {
		return err
	}
	users, err := newClients(s.config, parallel)
	if err != nil {
		return err
	}
	first, err := s.timed(ctx, "to create a first Network", 1, func(ctx context.Context) error { return users[0].create(ctx, all, 0) })
	if err != nil {
		return err
	}
	if b.value == "" {
		if b.value, err = s.value(ctx, all); err != nil {
			return err
		}
	}
	if err := b.puts(ctx); err != nil {
		return err
	}
	rest := workload{shape: all.shape, networks: all.networks[1:], bodies: all.bodies[1:]}
	created, err := s.create(ctx, users, rest)
	if err != nil {
		return err
	}
	if _, err := s.patchStatus(ctx, users, all, "warm-up"); err != nil {
		return err
	}
	if _, err := s.delete(ctx, users, all); err != nil {
		return err
	}
	// One client alone, on what is warm by now.
	warm, err := s.create(ctx, users[:1], workload{shape: all.shape, networks: all.networks[:warmth], bodies: all.bodies[:warmth]})
	if err != nil {
		return err
	}
	if _, err := s.delete(ctx, users, workload{networks: all.networks[:warmth]}); err != nil {
		return err
	}
	if s.provider == local {
		return nil // The provider has no part in it.
	}
	ms := first.wall.Seconds() * 1000
	if err := b.report.add(s.figure("first create after a start", 1, ms, "ms", first)); err != nil {
		return err
	}
	f := s.figure(firstCreate, 1, ms/(warm.percentile(0.5).Seconds()*1000), "×", took{})
	if err := b.report.add(f); err != nil {
		return err
	}
	return b.rate("create, cold", s, small, len(rest.networks), created)
}

// warmUp sends the first requests, which fill caches and are not what users wait for.
func (b *bench) warmUp(ctx context.Context, s *server) error {
	ring, err := ring(warmth)
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
		if s.replicas != nil {
			each := created.cpu[networkAPIServer].Seconds() * 1000 / small
			if err := b.report.add(s.figure(createCPU, small, each, "ms", took{})); err != nil {
				return err
			}
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
	b.perPut, b.put = took.wall.Seconds()/putsPerRound, took
	return b.rate("put", b.etcd, putsPerRound, putsPerRound, took)
}

func (b *bench) lists(ctx context.Context, s *server, c *client) error {
	alone, err := b.etcd.rangeAll(ctx, small)
	if err != nil {
		return err
	}
	for _, way := range []struct {
		measure string
		read    func(context.Context, *client) (took, error)
	}{
		{listing, s.list},
		{getting, s.get},
	} {
		took, err := way.read(ctx, c)
		if err != nil {
			return err
		}
		if err := b.latencies(way.measure, b.etcd, small, alone, alone); err != nil {
			return err
		}
		if err := b.latencies(way.measure, s, small, took, alone); err != nil {
			return err
		}
	}
	return nil
}

// latencies reports how long requests took, beside what the same takes etcd alone, if it has a counterpart.
func (b *bench) latencies(measure string, s *server, n int, of, alone took) error {
	for _, percentile := range []struct {
		name  string
		share float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		f := s.figure(measure+", "+percentile.name, n, of.percentile(percentile.share).Seconds()*1000, "ms", of)
		if alone.times != nil {
			f.Ratio = of.percentile(percentile.share).Seconds() / alone.percentile(percentile.share).Seconds()
		}
		if err := b.report.add(f); err != nil {
			return err
		}
	}
	return nil
}

// binding measures from the first create until everything is Bound, and back until everything is gone. What is counted
// rather than timed is the same in each round: it is counted once.
func (b *bench) binding(ctx context.Context, provider string, counted bool, servers ...*server) error {
	ring, err := ring(small)
	if err != nil {
		return err
	}
	hub, err := hub(spokes)
	if err != nil {
		return err
	}
	for _, s := range servers {
		if err := s.startController(ctx, provider == local); err != nil {
			return err
		}
		if err := b.puts(ctx); err != nil {
			return err
		}
		for _, w := range []workload{ring, hub} {
			if err := b.fill(ctx, s, w, provider, counted && (w.shape == "ring" || !b.quick)); err != nil {
				return err
			}
			if err := b.empty(ctx, s, w, provider); err != nil {
				return err
			}
		}
		if err := s.stopController(); err != nil {
			return err
		}
	}
	return nil
}

// label names a measure of a workload.
func label(w workload, measure, provider string) string {
	return fmt.Sprintf("%s: %s, provider %s", w.shape, measure, provider)
}

const (
	createCPU     = "create: CPU of network-apiserver for each"
	firstCreate   = "first create after a start, over one of a warm server"
	listing       = "list, consistent read, JSON"
	getting       = "kubectl get, a table in chunks of 500"
	untilBound    = "first create until all Bound"
	untilGone     = "delete all until gone"
	writesBeyond  = "stored writes beyond the clients' own"
	withoutChange = "requests that change nothing"
)

// fill measures until a workload is Bound, and counts what that took if asked to.
func (b *bench) fill(ctx context.Context, s *server, w workload, provider string, counted bool) error {
	users, err := s.clients(ctx)
	if err != nil {
		return err
	}
	before, err := s.writeRequests(ctx)
	if err != nil {
		return err
	}
	n := len(w.networks)
	took, err := s.bind(ctx, users, w, provider == external)
	if err != nil {
		return err
	}
	if err := b.seconds(label(w, untilBound, provider), s, n, n, took); err != nil || !counted {
		return err
	}
	if err := s.settled(ctx); err != nil {
		return err
	}
	writes, err := s.stored(ctx)
	if err != nil {
		return err
	}
	requests, err := s.writeRequests(ctx)
	if err != nil {
		return err
	}
	own := int64(n)
	if provider == external {
		own *= 2
	}
	if err := b.count(label(w, writesBeyond, provider), s, n, writes-own, took); err != nil {
		return err
	}
	return b.count(label(w, withoutChange, provider), s, n, requests-before-writes, took)
}

// empty measures until a workload is gone.
func (b *bench) empty(ctx context.Context, s *server, w workload, provider string) error {
	users, err := s.clients(ctx)
	if err != nil {
		return err
	}
	n := len(w.networks)
	took, err := s.delete(ctx, users, w)
	if err != nil {
		return err
	}
	return b.seconds(label(w, untilGone, provider), s, n, n, took)
}

// atRest measures servers that have nothing to do: empty, with Networks, and after a restart with them. It leaves the
// Networks behind.
func (b *bench) atRest(ctx context.Context, servers ...*server) error {
	n := b.resting()
	b.say("at rest with %d Networks", n)
	ring, err := ring(n)
	if err != nil {
		return err
	}
	for _, s := range servers {
		if err := s.startController(ctx, false); err != nil {
			return err
		}
		if err := s.settled(ctx); err != nil {
			return err
		}
	}
	empty, err := b.rest(ctx, 0, servers...)
	if err != nil {
		return err
	}
	for _, s := range servers {
		if err := b.puts(ctx); err != nil {
			return err
		}
		if err := b.fill(ctx, s, ring, external, false); err != nil {
			return err
		}
		if err := s.settled(ctx); err != nil {
			return err
		}
		if err := b.peak(s, "memory, peak", n); err != nil {
			return err
		}
	}
	if err := b.peak(b.etcd, "memory, peak", n); err != nil {
		return err
	}
	full, err := b.rest(ctx, n, servers...)
	if err != nil {
		return err
	}
	for i, s := range servers {
		// Where the controllers are inside the server, their part is what Networks add to it.
		cores := full[i].controller
		if !s.hasController() {
			cores = full[i].all - empty[i].all
		}
		if err := b.report.add(s.figure("CPU of controllers at rest", n, cores, "cores", full[i].took)); err != nil {
			return err
		}
		if err := b.memory(s, "memory, at rest", n); err != nil {
			return err
		}
		if err := b.afterRestart(ctx, s, n, external); err != nil {
			return err
		}
	}
	return nil
}

// resting is with how many Networks servers are at rest.
func (b *bench) resting() int {
	if b.quick {
		return warmth
	}
	return middle
}

// afterRestart restarts a server, or the controller of one that has it apart, and counts what it writes for nothing.
func (b *bench) afterRestart(ctx context.Context, s *server, n int, provider string) error {
	before := int64(0)
	if s.hasController() {
		var err error
		if before, err = s.writeRequests(ctx); err != nil {
			return err
		}
		if err := s.stopController(); err != nil {
			return err
		}
		if err := s.startController(ctx, provider == local); err != nil {
			return err
		}
	} else {
		took, err := s.restart(ctx, n)
		if err != nil {
			return err
		}
		if err := b.seconds("restart to ready, provider "+provider, s, n, 0, took); err != nil {
			return err
		}
	}
	stored, err := s.stored(ctx)
	if err != nil {
		return err
	}
	took, err := s.timed(ctx, "to come to rest after a restart", n, s.settled)
	if err != nil {
		return err
	}
	requests, err := s.writeRequests(ctx)
	if err != nil {
		return err
	}
	now, err := s.stored(ctx)
	if err != nil {
		return err
	}
	return b.count(withoutChange+" after a restart, provider "+provider, s, n, requests-before-(now-stored), took)
}

// atRestCPU is what a server takes of the CPU while nothing happens, in cores.
type atRestCPU struct {
	all, controller float64
	took            took
}

// rest measures the CPU that servers, and their controllers where these are apart, take while nothing happens.
func (b *bench) rest(ctx context.Context, n int, servers ...*server) ([]atRestCPU, error) {
	samples := func() (all []usage, err error) {
		for _, s := range servers {
			now, err := s.cpu()
			if err != nil {
				return nil, err
			}
			all = append(all, now)
		}
		return all, nil
	}
	calm, period := calm, restFor
	if b.quick {
		calm, period = calmQuick, restForQuick
	}
	pass := func(period time.Duration) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(period):
			return nil
		}
	}
	if err := pass(calm); err != nil {
		return nil, err
	}
	before, err := samples()
	if err != nil {
		return nil, err
	}
	if err := pass(period); err != nil {
		return nil, err
	}
	after, err := samples()
	if err != nil {
		return nil, err
	}
	cores := make([]atRestCPU, len(servers))
	for i, s := range servers {
		used := after[i].since(before[i])
		cores[i] = atRestCPU{
			all:        used.sum().Seconds() / period.Seconds(),
			controller: used[controller].Seconds() / period.Seconds(),
			took:       took{wall: period, cpu: used},
		}
		f := s.figure("CPU at rest, all programs", n, cores[i].all, "cores", cores[i].took)
		if err := b.report.add(f); err != nil {
			return nil, err
		}
	}
	return cores, nil
}

// scale measures a server with many Networks.
func (b *bench) scale(ctx context.Context, name, provider string, n int) error {
	b.say("%d Networks, %s, provider %s", n, name, provider)
	s, err := b.server(fmt.Sprintf("%s-%s-%d", name, provider, n), name, provider)
	if err != nil {
		return err
	}
	defer s.stop()
	if name == standaloneName {
		err = s.startStandalone(ctx)
	} else if err = s.startAggregated(ctx); err == nil {
		err = s.runReplicas(ctx, 1)
	}
	if err != nil {
		return err
	}
	if err := b.warmUp(ctx, s); err != nil {
		return err
	}
	ring, err := ring(n)
	if err != nil {
		return err
	}
	if err := b.puts(ctx); err != nil {
		return err
	}
	if err := b.fill(ctx, s, ring, provider, true); err != nil {
		return err
	}
	if err := b.overSmall(s, ring, provider); err != nil {
		return err
	}
	if err := b.peak(s, "memory, peak, provider "+provider, n); err != nil {
		return err
	}
	if err := b.afterRestart(ctx, s, n, provider); err != nil {
		return err
	}
	if _, err := b.rest(ctx, n, s); err != nil {
		return err
	}
	if err := b.memory(s, "memory, at rest after a restart, provider "+provider, n); err != nil {
		return err
	}
	if err := b.peak(s, "memory, peak after a restart, provider "+provider, n); err != nil {
		return err
	}
	if n > 10*small {
		return nil
	}
	if err := b.puts(ctx); err != nil {
		return err
	}
	return b.empty(ctx, s, ring, provider)
}

// overSmall reports how much more of time and CPU a Network took of many than of few, on the same path.
func (b *bench) overSmall(s *server, w workload, provider string) error {
	n := len(w.networks)
	few, many := b.report.median(label(w, untilBound, provider), small, s.name),
		b.report.median(label(w, untilBound, provider), n, s.name)
	if few == nil || many == nil {
		return nil // Only a part is measured.
	}
	growth := float64(n) / small
	f := s.figure(fmt.Sprintf("time a Network, over N=%d, provider %s", small, provider), n,
		many.WallSeconds/few.WallSeconds/growth, "×", took{})
	if err := b.report.add(f); err != nil {
		return err
	}
	f.Measure = fmt.Sprintf("CPU a Network, over N=%d, provider %s", small, provider)
	f.Value = many.CPUSeconds / few.CPUSeconds / growth
	return b.report.add(f)
}

// rate reports how many of something a server did in a second, and how long each took where that was measured.
func (b *bench) rate(measure string, s *server, n, count int, took took) error {
	f := s.figure(measure, n, float64(count)/took.wall.Seconds(), "1/s", took)
	f.Ratio = f.Value * b.perPut
	if err := b.report.add(f); err != nil || took.times == nil {
		return err
	}
	return b.latencies(measure, s, n, took, b.put)
}

// seconds reports how long something took for n Networks, beside as many puts.
func (b *bench) seconds(measure string, s *server, n, puts int, took took) error {
	f := s.figure(measure, n, took.wall.Seconds(), "s", took)
	if puts > 0 {
		f.Ratio = f.Value / (float64(puts) * b.perPut)
	}
	return b.report.add(f)
}

// count reports how often something happened, for each of n Networks.
func (b *bench) count(measure string, s *server, n int, count int64, took took) error {
	return b.report.add(s.figure(measure, n, float64(count)/float64(n), "per Network", took))
}

// peak reports the most memory that a server ever had, with what it needs beside it.
func (b *bench) peak(s *server, measure string, n int) error {
	ever, err := s.memory()
	if err != nil {
		return err
	}
	return b.megabytes(measure, s, n, ever.peak, func(m memory) int64 { return m.peak })
}

// memory reports the memory that a server has, and its parts: the pages of its own and those of files, which the system
// takes back when it needs them. The database that an etcd maps is of the latter.
func (b *bench) memory(s *server, measure string, n int) error {
	now, err := s.memory()
	if err != nil {
		return err
	}
	for _, part := range []struct {
		suffix string
		of     func(memory) int64
	}{
		{"", func(m memory) int64 { return m.resident }},
		{": anonymous pages", func(m memory) int64 { return m.anonymous }},
		{": file pages", func(m memory) int64 { return m.file }},
	} {
		if err := b.megabytes(measure+part.suffix, s, n, part.of(now), part.of); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) megabytes(measure string, s *server, n int, bytes int64, of func(memory) int64) error {
	alone, err := b.etcd.memory()
	if err != nil {
		return err
	}
	f := s.figure(measure, n, float64(bytes)/1e6, "MB", took{})
	f.Ratio = float64(bytes) / float64(of(alone))
	return b.report.add(f)
}
