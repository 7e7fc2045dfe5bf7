// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package members keeps the server away from etcd members that do not answer. A frozen process, a hung disk or a network
// that drops packets leaves connections open: gRPC keeps sending every third request to such a member, and the storage
// library notices after 40 seconds. Here each member is asked twice a second. One that is silent for two seconds while
// another answers loses its connections, and its next one is made once it answers again. A single connection that hangs while
// its member answers is closed, too.
package members

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
)

// probePeriod is how often each member is asked.
const probePeriod = 500 * time.Millisecond

// lossLimit is how long a packet may stay without acknowledgement. TCP can send it again four times until then.
const lossLimit = 3 * time.Second

// probeKey is read to find out whether a member answers. There need be no such key.
const probeKey = "network-apiserver/probe"

// Members makes the server's connections to the members of an etcd cluster.
type Members struct {
	dialer net.Dialer
	probes map[string]*probe

	mu          sync.Mutex
	answers     map[string]answers
	avoided     map[string]bool
	connections map[*connection]struct{}
	changed     chan struct{} // closed and made anew when avoided changes
}

// probe asks one member.
type probe struct {
	client *clientv3.Client

	mu   sync.Mutex
	conn net.Conn // the client's latest
	// heard tells that an answer came over conn.
	heard bool
}

// New prepares probes of the endpoints. A nil config means no TLS.
func New(endpoints []string, config *tls.Config) (*Members, error) {
	m := &Members{
		// The kernel asks the other end of a quiet connection every second whether it is there.
		dialer: net.Dialer{
			Control:         limitSilence,
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: int(lossLimit / time.Second)},
		},
		probes:      make(map[string]*probe),
		answers:     make(map[string]answers),
		connections: make(map[*connection]struct{}),
		changed:     make(chan struct{}),
	}
	for _, endpoint := range endpoints {
		p := &probe{}
		var err error
		p.client, err = clientv3.New(clientv3.Config{
			Endpoints: []string{endpoint},
			TLS:       config,
			Logger:    zap.NewNop(),
			DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, member string) (net.Conn, error) {
				conn, err := m.dialer.DialContext(ctx, "tcp", member)
				if err == nil {
					p.use(conn)
				}
				return conn, err
			})},
		})
		if err != nil {
			m.Close()
			return nil, fmt.Errorf("connecting to etcd member %s: %w", endpoint, err)
		}
		m.probes[address(endpoint)] = p
		m.answers[address(endpoint)] = answers{last: time.Now()}
	}
	return m, nil
}

// use notes a new connection.
func (p *probe) use(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn, p.heard = conn, false
}

// ask reads through the member, and tells whether it answers. That takes its log and its disk, and the cluster's quorum.
// A connection that has answered before and is silent now is not used again: it may be the connection that hangs, and not the
// member. A new one waits, like one to a member that is frozen.
func (p *probe) ask(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, silenceLimit)
	defer cancel()
	_, err := p.client.Get(ctx, probeKey, clientv3.WithCountOnly())
	answers := isAnswer(err)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !answers && p.heard && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		p.conn.Close()
	}
	p.heard = answers
	return answers
}

// address is what gRPC dials for an endpoint.
func address(endpoint string) string {
	if parsed, err := url.Parse(endpoint); err == nil && parsed.Host != "" {
		return parsed.Host
	}
	return endpoint
}

// Close ends the connections of the probes.
func (m *Members) Close() {
	for _, p := range m.probes {
		_ = p.client.Close() // It reports that its context was cancelled, which is what Close does.
	}
}

// Run asks the members until the context ends.
func (m *Members) Run(ctx context.Context) {
	var running sync.WaitGroup
	for member, p := range m.probes {
		running.Go(func() {
			wait.UntilWithContext(ctx, func(ctx context.Context) { m.probe(ctx, member, p) }, probePeriod)
		})
	}
	running.Go(func() { wait.UntilWithContext(ctx, m.decide, probePeriod) })
	running.Wait()
}

func (m *Members) probe(ctx context.Context, member string, p *probe) {
	began := time.Now()
	answered := p.ask(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if answered {
		m.answers[member] = m.answers[member].with(now, now.Sub(began))
	} else {
		m.answers[member] = answers{last: m.answers[member].last}
	}
}

// decide closes the connections to members that have become silent, and those that hang. New ones go to members that answer.
func (m *Members) decide(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.avoid(ctx, silent(m.answers, m.avoided, now))
	connections := slices.Collect(maps.Keys(m.connections))
	var flows []flow
	for _, c := range connections {
		flows = append(flows, c.carried())
	}
	closed := map[string]int{}
	for i, hangs := range hanging(flows, m.answers, now) {
		if hangs {
			m.end(connections[i])
			closed[flows[i].member]++
		}
	}
	if len(closed) > 0 {
		klog.FromContext(ctx).Info("Closed connections that hang, to etcd members that answer", "connections", closed)
	}
}

// avoid makes the members that are avoided those given.
func (m *Members) avoid(ctx context.Context, avoided map[string]bool) {
	if maps.Equal(avoided, m.avoided) {
		return
	}
	if len(avoided) > 0 {
		klog.FromContext(ctx).Info("Avoiding etcd members that do not answer", "members", slices.Sorted(maps.Keys(avoided)))
	} else {
		klog.FromContext(ctx).Info("No etcd member is avoided any more")
	}
	m.avoided = avoided
	close(m.changed)
	m.changed = make(chan struct{})
	for c := range m.connections {
		if avoided[c.carried().member] {
			m.end(c)
		}
	}
}

// end closes a connection. Its user closes it again.
func (m *Members) end(c *connection) {
	c.Conn.Close()
	delete(m.connections, c)
}

// DialContext connects to a member once it answers.
func (m *Members) DialContext(ctx context.Context, network, member string) (net.Conn, error) {
	for {
		m.mu.Lock()
		avoided, changed := m.avoided[member], m.changed
		m.mu.Unlock()
		if !avoided {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("etcd member %s does not answer: %w", member, context.Cause(ctx))
		}
	}
	conn, err := m.dialer.DialContext(ctx, network, member)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &connection{Conn: conn, members: m, flow: flow{member: member, heard: time.Now()}}
	m.connections[c] = struct{}{}
	return c, nil
}
