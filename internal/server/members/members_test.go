// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package members

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"k8s.io/apimachinery/pkg/util/wait"
)

// patience is longer than anything takes on a busy machine.
const patience = time.Minute

// path is a network path to a member that can be made to swallow everything, as a frozen member or a partition does.
type path struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	frozen chan struct{} // closed while bytes pass
	flows  []*flowOf
}

// flowOf is a connection through a path.
type flowOf struct {
	from string
	mu   sync.Mutex
	lost bool // no byte passes any more
}

func newPath(t *testing.T, target string) *path {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	p := &path{listener: listener, target: target, frozen: make(chan struct{})}
	close(p.frozen)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *path) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = make(chan struct{})
}

func (p *path) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.frozen)
}

// lose has some of the connections of now swallow everything, as a firewall does that has forgotten them. New ones are well.
func (p *path) lose(some func(from string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.flows {
		f.mu.Lock()
		f.lost = some(f.from)
		f.mu.Unlock()
	}
}

func (p *path) serve(client net.Conn) {
	f := &flowOf{from: client.RemoteAddr().String()}
	p.mu.Lock()
	p.flows = append(p.flows, f)
	p.mu.Unlock()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		client.Close()
		return
	}
	pass := func(to, from net.Conn) {
		defer to.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := from.Read(buffer)
			p.mu.Lock()
			passing := p.frozen
			p.mu.Unlock()
			<-passing
			f.mu.Lock()
			lost := f.lost
			f.mu.Unlock()
			if lost && err == nil {
				continue
			}
			if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
				return
			}
		}
	}
	go pass(client, server)
	pass(server, client)
}

// startCluster starts an etcd of three members and returns a path to each.
func startCluster(t *testing.T) []*path {
	t.Helper()
	free := func() url.URL {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		return url.URL{Scheme: "http", Host: listener.Addr().String()}
	}
	var configs []*embed.Config
	cluster := ""
	for i := range 3 {
		config := embed.NewConfig()
		config.Name = fmt.Sprintf("etcd-%d", i)
		config.Dir = filepath.Join(t.TempDir(), config.Name)
		config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
		config.ListenClientUrls, config.ListenPeerUrls = []url.URL{free()}, []url.URL{free()}
		config.AdvertiseClientUrls, config.AdvertisePeerUrls = config.ListenClientUrls, config.ListenPeerUrls
		cluster += fmt.Sprintf(",%s=%s", config.Name, config.ListenPeerUrls[0].String())
		configs = append(configs, config)
	}
	var paths []*path
	for _, config := range configs {
		config.InitialCluster = cluster[1:]
		member, err := embed.StartEtcd(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(member.Close)
		paths = append(paths, newPath(t, config.ListenClientUrls[0].Host))
	}
	return paths
}

// connect returns a client that reaches etcd through the paths, and what makes its connections.
func connect(t *testing.T, paths []*path) (*clientv3.Client, *Members) {
	t.Helper()
	var endpoints []string
	for _, p := range paths {
		endpoints = append(endpoints, "http://"+p.listener.Addr().String())
	}
	m, err := New(endpoints, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	go m.Run(t.Context())
	client, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints,
		Logger:    zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, member string) (net.Conn, error) {
			return m.DialContext(ctx, "tcp", member)
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, m
}

func TestRequestsTurnAwayFromAFrozenMember(t *testing.T) {
	paths := startCluster(t)
	client, m := connect(t, paths)
	put := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := client.Put(ctx, "key", "value")
		return err
	}
	inARow := 0
	settled := func(context.Context) (bool, error) {
		inARow++
		if put(time.Second) != nil {
			inARow = 0
		}
		return inARow >= 2*len(paths), nil // each member had its turn
	}
	if err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, patience, true, settled); err != nil {
		t.Fatalf("the cluster does not take writes: %v", err)
	}
	// A watch goes through one member, and its events must come whichever is frozen.
	events := client.Watch(t.Context(), "watched")

	for i, frozen := range paths {
		frozen.freeze()
		begin := time.Now()
		inARow = 0
		if err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, patience, true, settled); err != nil {
			t.Fatalf("with member %d frozen, writes fail: %v", i, err)
		}
		t.Logf("with member %d frozen, writes went to the others after %v", i, time.Since(begin))
		if _, err := client.Put(t.Context(), "watched", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		select {
		case event := <-events:
			if got := string(event.Events[len(event.Events)-1].Kv.Value); got != fmt.Sprint(i) {
				t.Fatalf("the watch tells of %q, want %d", got, i)
			}
		case <-time.After(patience):
			t.Fatalf("with member %d frozen, a watch tells nothing", i)
		}
		frozen.thaw()
		again := func(context.Context) (bool, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return len(m.avoided) == 0, nil
		}
		if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, patience, true, again); err != nil {
			t.Fatalf("member %d answers again, but is avoided: %v", i, err)
		}
	}
}

func TestConnectionsThatHangAreReplaced(t *testing.T) {
	for sentence, some := range map[string]func(ofProbes bool) bool{
		"those of requests, while probes are answered": func(ofProbes bool) bool { return !ofProbes },
		"all of them": func(bool) bool { return true },
	} {
		t.Run(sentence, func(t *testing.T) { testConnectionsThatHang(t, some) })
	}
}

func testConnectionsThatHang(t *testing.T, some func(ofProbes bool) bool) {
	paths := startCluster(t)
	client, m := connect(t, paths)
	put := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := client.Put(ctx, "key", strings.Repeat("value", 100))
		return err
	}
	inARow := 0
	settled := func(ctx context.Context) (bool, error) {
		inARow++
		if put(ctx) != nil {
			inARow = 0
		}
		return inARow >= 2*len(paths), nil // each connection had its turn
	}
	if err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, patience, true, settled); err != nil {
		t.Fatalf("the cluster does not take writes: %v", err)
	}
	events := client.Watch(t.Context(), "watched")
	if _, err := client.Put(t.Context(), "watched", "before"); err != nil {
		t.Fatal(err)
	}
	<-events
	requests := map[string]bool{}
	m.mu.Lock()
	for c := range m.connections {
		requests[c.LocalAddr().String()] = true
	}
	m.mu.Unlock()
	for _, p := range paths {
		p.lose(func(from string) bool { return some(!requests[from]) })
	}
	begin := time.Now()
	inARow = 0
	if err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, patience, true, settled); err != nil {
		t.Fatalf("writes fail: %v", err)
	}
	t.Logf("writes took other connections after %v", time.Since(begin))
	if _, err := client.Put(t.Context(), "watched", "after"); err != nil {
		t.Fatal(err)
	}
	select {
	case event := <-events:
		if got := string(event.Events[0].Kv.Value); got != "after" {
			t.Errorf("the watch tells of %q", got)
		}
	case <-time.After(patience):
		t.Error("the watch tells nothing")
	}
	again := func(context.Context) (bool, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.avoided) == 0, nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, patience, true, again); err != nil {
		t.Errorf("a member that answers is avoided: %v", err)
	}
}

func TestAMemberThatIsAvoidedIsNotDialed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	member := listener.Addr().String()
	m, err := New([]string{"http://" + member}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	conn, err := m.DialContext(t.Context(), "tcp", member)
	if err != nil {
		t.Fatal(err)
	}
	m.answers["another"], m.answers[member] = answers{last: time.Now(), prompt: 2}, answers{last: time.Now().Add(-time.Hour)}
	m.decide(t.Context())
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("reading from the connection gave %v, want that it was closed", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.DialContext(ctx, "tcp", member); err == nil {
		t.Error("a silent member was dialed")
	}
}
