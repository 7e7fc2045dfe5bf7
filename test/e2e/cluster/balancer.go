// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"ironcore.dev/networking/test/process"
)

// balancer is a TCP load balancer, as a Service is one to its Pods: a new connection goes to the next backend that
// says it is ready, and an open one stays where it is.
type balancer struct {
	listener net.Listener
	backends []*backend
	next     atomic.Uint64
	cancel   context.CancelFunc
}

type backend struct {
	address string
	ready   atomic.Bool
}

// startBalancer listens on a free port of 127.0.0.1 in front of replicas, and asks each five times a second whether
// it is ready.
func startBalancer(replicas []*Replica) (*balancer, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", process.FreePort()))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &balancer{listener: listener, cancel: cancel}
	for _, replica := range replicas {
		backend := &backend{address: replica.address}
		b.backends = append(b.backends, backend)
		go func() {
			for ctx.Err() == nil {
				backend.ready.Store(replica.Probe(ctx) == nil)
				select {
				case <-ctx.Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		}()
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go b.forward(connection)
		}
	}()
	return b, nil
}

func (b *balancer) port() int { return b.listener.Addr().(*net.TCPAddr).Port }

func (b *balancer) stop() {
	b.cancel()
	b.listener.Close()
}

// forward joins client to a ready backend until both directions have ended, and closes it when there is none.
func (b *balancer) forward(client net.Conn) {
	defer client.Close()
	server := b.dial()
	if server == nil {
		return
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pipe(server, client)
	}()
	pipe(client, server)
	<-done
}

func (b *balancer) dial() net.Conn {
	for range b.backends {
		backend := b.backends[b.next.Add(1)%uint64(len(b.backends))]
		if !backend.ready.Load() {
			continue
		}
		if server, err := net.DialTimeout("tcp", backend.address, time.Second); err == nil {
			return server
		}
	}
	return nil
}

// pipe copies from source to sink, and tells sink when source has said its last word. A source that broke off takes
// sink with it.
func pipe(sink, source net.Conn) {
	if _, err := io.Copy(sink, source); err != nil {
		sink.Close()
		source.Close()
		return
	}
	_ = sink.(*net.TCPConn).CloseWrite()
}
