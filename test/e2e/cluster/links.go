// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"ironcore.dev/networking/test/process"
)

// Links carries all traffic to the members of an etcd cluster or to a kube-apiserver, and knows which process each connection comes
// from. A process that is cut off keeps its connections, but no byte passes in either direction, as if the network dropped all
// packets. Bytes pass again when it is joined.
type Links struct {
	mu        sync.Mutex
	changed   *sync.Cond
	processes []*Process
	cut       map[string]bool
	flows     map[*link]bool
	delay     time.Duration
	drops     float64
}

// link is one connection, from a process to another.
type link struct {
	from, to string
	lost     bool // no byte passes any more
	client   net.Conn
}

// resent is after which time TCP sends a lost packet again, at the earliest.
const resent = 200 * time.Millisecond

func newLinks() *Links {
	l := &Links{cut: map[string]bool{}, flows: map[*link]bool{}}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// track makes a process known.
func (l *Links) track(process *Process) { l.set(func() { l.processes = append(l.processes, process) }) }

// open listens in front of a port of the process called to.
func (l *Links) open(to string, port int) (int, error) {
	front := process.FreePort()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", front))
	if err != nil {
		return 0, err
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go l.forward(client, to, port)
		}
	}()
	return front, nil
}

func (l *Links) forward(client net.Conn, to string, port int) {
	defer client.Close()
	from, known := l.source(client)
	if !known {
		return
	}
	flow := &link{from: from, to: to, client: client}
	l.set(func() { l.flows[flow] = true })
	defer l.set(func() { delete(l.flows, flow) })
	l.pass(flow)
	server, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		both.Go(func() {
			buffer := make([]byte, 64<<10)
			for {
				n, err := way[1].Read(buffer)
				if passes := l.pass(flow); n > 0 && passes {
					if _, err := way[0].Write(buffer[:n]); err != nil {
						way[1].Close()
						return
					}
				}
				if err != nil {
					way[0].Close()
					return
				}
			}
		})
	}
	both.Wait()
}

// pass returns when bytes may go over a connection. It tells whether they arrive.
func (l *Links) pass(flow *link) bool {
	l.mu.Lock()
	for flow.from != "" && (l.cut[flow.from] || l.cut[flow.to]) {
		l.changed.Wait()
	}
	lost, delay := flow.lost, l.delay
	if rand.Float64() < l.drops {
		delay += resent
	}
	l.mu.Unlock()
	if delay > 0 && flow.from != "" {
		time.Sleep(delay)
	}
	return !lost
}

func (l *Links) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	l.changed.Broadcast()
}

// source returns the name of the process that holds the other end of a connection, empty for this one. The kernel's table of
// sockets may lack one while others come and go, so a connection that is not found at first is looked for again. One that is
// never found is not known: a cut would pass it by.
func (l *Links) source(connection net.Conn) (name string, known bool) {
	l.mu.Lock()
	processes := slices.Clone(l.processes)
	l.mu.Unlock()
	for range 20 {
		if socket := socketOf(connection.RemoteAddr(), connection.LocalAddr()); socket != "" {
			if holds(os.Getpid(), socket) {
				return "", true
			}
			for _, process := range processes {
				if holds(process.PID(), socket) {
					return process.Name, true
				}
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "", false
}

// socketOf returns what /proc calls the socket with these two ends, empty if the table lacks it. One port may have connections to
// several addresses, even from several processes, so both ends count.
func socketOf(local, remote net.Addr) string {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return ""
	}
	hex := func(address net.Addr) string { return fmt.Sprintf("0100007F:%04X", address.(*net.TCPAddr).Port) }
	from, to := hex(local), hex(remote)
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 9 && fields[1] == from && fields[2] == to && fields[9] != "0" {
			return "socket:[" + fields[9] + "]"
		}
	}
	return ""
}

// holds tells whether a process has a socket open. One that has ended has none.
func holds(pid int, socket string) bool {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(folder)
	return slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		target, err := os.Readlink(folder + "/" + entry.Name())
		return err == nil && target == socket
	})
}

// Cut cuts a process off from all (other) processes that are reached through the links.
func (l *Links) Cut(process *Process) { l.set(func() { l.cut[process.Name] = true }) }

// Join ends what Cut began.
func (l *Links) Join(process *Process) { l.set(func() { delete(l.cut, process.Name) }) }

// Lose loses a share, from 0 to 1, of the connections that a process has made through the links: they stay open, but nothing passes
// them any more, as if a firewall had forgotten them. New ones are well.
func (l *Links) Lose(process *Process, share float64) {
	l.set(func() {
		for flow := range l.flows {
			if flow.from == process.Name && rand.Float64() < share {
				flow.lost = true
			}
		}
	})
}

// EndLost closes the connections of a process that Lose has lost, as the kernel does after some minutes.
func (l *Links) EndLost(process *Process) {
	l.set(func() {
		for flow := range l.flows {
			if flow.from == process.Name && flow.lost {
				flow.client.Close()
			}
		}
	})
}

// Slow delays everything that passes by the given time.
func (l *Links) Slow(delay time.Duration) { l.set(func() { l.delay = delay }) }

// Drop delays a share of what passes, from 0 to 1, as TCP does that has to send a lost packet again.
func (l *Links) Drop(share float64) { l.set(func() { l.drops = share }) }
