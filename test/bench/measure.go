// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
)

const (
	parallel = 16 // clients
	watchers = 50 // of the fan-out
	lists    = 50 // of which the median counts

	// calm is how long servers have nothing to do before they are said to be at rest: network-apiserver and the Go
	// runtime use it to give memory back.
	calm         = 12 * time.Second
	calmQuick    = 6 * time.Second
	restFor      = 10 * time.Second
	restForQuick = 3 * time.Second
)

// took is what a measure cost: time, and processor time of the server's programs and of the bench itself.
type took struct {
	wall  time.Duration
	cpu   usage
	bench time.Duration
	times []time.Duration // of each request, in order of their length; nil where they were not taken
}

// percentile returns how long a share of the requests took at most.
func (t *took) percentile(share float64) time.Duration {
	return t.times[int(share*float64(len(t.times)-1))]
}

// timed runs do and returns what it took. Doing something to n Networks has a time limit, which is far beyond what the
// slowest server takes.
func (s *server) timed(ctx context.Context, what string, n int, do func(context.Context) error) (took, error) {
	limit := time.Minute + time.Duration(n)*10*time.Millisecond
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s took longer than %s %s", s.name, limit, what))
	defer cancel()
	cpuBefore, err := s.cpu()
	if err != nil {
		return took{}, err
	}
	benchBefore, err := ownCPU()
	if err != nil {
		return took{}, err
	}
	start := time.Now()
	if err := do(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return took{}, fmt.Errorf("%w: %w", cause, err)
		}
		return took{}, fmt.Errorf("%s failed %s: %w", s.name, what, err)
	}
	wall := time.Since(start)
	cpu, err := s.cpu()
	if err != nil {
		return took{}, err
	}
	bench, err := ownCPU()
	return took{wall: wall, cpu: cpu.since(cpuBefore), bench: bench - benchBefore}, err
}

// requests sends a request for each of n Networks, and returns what they took, together and each.
func (s *server) requests(ctx context.Context, what string, users clients, n int,
	do func(ctx context.Context, c *client, i int) error) (took, error) {
	var times []time.Duration
	total, err := s.timed(ctx, what, n, func(ctx context.Context) (err error) {
		times, err = users.each(ctx, n, do)
		return err
	})
	slices.Sort(times)
	total.times = times
	return total, err
}

// put writes value under n keys of an etcd.
func (s *server) put(ctx context.Context, n int, value string) (took, error) {
	connections := make([]*clientv3.Client, parallel)
	for i := range connections {
		client, err := s.connect()
		if err != nil {
			return took{}, err
		}
		defer client.Close()
		// The first request opens the connection.
		if _, err := client.Get(ctx, "ready"); err != nil {
			return took{}, err
		}
		connections[i] = client
	}
	return s.requests(ctx, "to put values", make(clients, parallel), n, func(ctx context.Context, _ *client, i int) error {
		_, err := connections[i%parallel].Put(ctx, fmt.Sprintf("%s%06d", networksPrefix, i), value)
		return err
	})
}

// clients connects the parallel users.
func (s *server) clients(ctx context.Context) (clients, error) {
	users, err := newClients(s.config, parallel)
	if err != nil {
		return nil, err
	}
	_, err = s.requests(ctx, "to accept connections", users, parallel, func(ctx context.Context, c *client, _ int) error {
		return c.do(ctx, http.MethodGet, "/readyz", "", nil)
	})
	return users, err
}

func (s *server) create(ctx context.Context, users clients, w workload) (took, error) {
	return s.requests(ctx, "to create Networks", users, len(w.networks), func(ctx context.Context, c *client, i int) error {
		return c.create(ctx, w, i)
	})
}

func (c *client) create(ctx context.Context, w workload, i int) error {
	return c.do(ctx, http.MethodPost, networksPath(w.networks[i].Namespace), jsonType, w.bodies[i])
}

// delete deletes the Networks and waits until they are gone.
func (s *server) delete(ctx context.Context, users clients, w workload) (took, error) {
	since, err := s.resourceVersion(ctx)
	if err != nil {
		return took{}, err
	}
	return s.timed(ctx, "to delete Networks", len(w.networks), func(ctx context.Context) error {
		_, err := users.each(ctx, len(w.networks), func(ctx context.Context, c *client, i int) error {
			return c.do(ctx, http.MethodDelete, networkPath(w.networks[i]), "", nil)
		})
		if err != nil {
			return err
		}
		return s.observe(ctx, since, len(w.networks), isGone)
	})
}

// patchStatus writes a condition of the provider's own into every status.
func (s *server) patchStatus(ctx context.Context, users clients, w workload, message string) (took, error) {
	patch := fmt.Appendf(nil, `{"status":{"conditions":[{"type":"Measured","status":"True","reason":"Bench",`+
		`"message":%q,"lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`, message)
	return s.requests(ctx, "to patch the status of Networks", users, len(w.networks), func(ctx context.Context, c *client, i int) error {
		return c.do(ctx, http.MethodPatch, networkPath(w.networks[i])+"/status", mergeType, patch)
	})
}

var available = []byte(`{"status":{"state":"Available"}}`)

// bind creates the Networks and waits until all are Bound. With provide, the clients report each Available once they
// have created it, as a provider outside would.
func (s *server) bind(ctx context.Context, users clients, w workload, provide bool) (took, error) {
	since, err := s.resourceVersion(ctx)
	if err != nil {
		return took{}, err
	}
	return s.timed(ctx, "to create and bind Networks", len(w.networks), func(ctx context.Context) error {
		running, ctx := errgroup.WithContext(ctx)
		running.Go(func() error { return s.observe(ctx, since, len(w.networks), isBound) })
		running.Go(func() error {
			_, err := users.each(ctx, len(w.networks), func(ctx context.Context, c *client, i int) error {
				err := c.create(ctx, w, i)
				if err == nil && provide {
					err = c.do(ctx, http.MethodPatch, networkPath(w.networks[i])+"/status", mergeType, available)
				}
				return err
			})
			return err
		})
		return running.Wait()
	})
}

// list reads all Networks again and again.
func (s *server) list(ctx context.Context, c *client) (took, error) {
	return s.again(ctx, "to list Networks", func(ctx context.Context) error {
		return c.do(ctx, http.MethodGet, allNetworks, "", nil)
	})
}

// get reads all Networks again and again as kubectl get does: as a table, 500 at a time.
func (s *server) get(ctx context.Context, c *client) (took, error) {
	return s.again(ctx, "to get Networks", func(ctx context.Context) error {
		for next := "start"; next != ""; {
			query := "?limit=500"
			if next != "start" {
				query += "&continue=" + next
			}
			body, err := c.open(ctx, http.MethodGet, allNetworks+query, tableType, "", nil)
			if err != nil {
				return err
			}
			// The token is before the rows: a reader that doesn't decode leaves the CPU to the server.
			answer, err := io.ReadAll(body)
			body.Close()
			if err != nil {
				return err
			}
			next = string(continueToken(answer))
		}
		return nil
	})
}

// continueToken returns what a list says of where it goes on.
func continueToken(list []byte) []byte {
	_, rest, found := bytes.Cut(list[:min(len(list), 1<<10)], []byte(`"continue":"`))
	if !found {
		return nil
	}
	token, _, _ := bytes.Cut(rest, []byte(`"`))
	return token
}

// rangeAll reads the keys of an etcd again and again.
func (s *server) rangeAll(ctx context.Context, n int) (took, error) {
	return s.again(ctx, "to list values", func(ctx context.Context) error {
		_, err := s.etcd.Get(ctx, networksPrefix, clientv3.WithPrefix(), clientv3.WithLimit(int64(n)))
		return err
	})
}

// again has one client send a request again and again.
func (s *server) again(ctx context.Context, what string, read func(context.Context) error) (took, error) {
	return s.requests(ctx, what, make(clients, 1), lists, func(ctx context.Context, _ *client, _ int) error { return read(ctx) })
}

// fanOut has watchers follow an update of every Network and returns what it took until all had seen all.
func (s *server) fanOut(ctx context.Context, users clients, w workload) (took, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching errgroup.Group
	list, err := s.resourceVersion(ctx)
	if err != nil {
		return took{}, err
	}
	for range watchers {
		client, err := newClient(s.config)
		if err != nil {
			return took{}, err
		}
		body, err := client.open(ctx, http.MethodGet, allNetworks+"?watch=true&resourceVersion="+list, jsonType, "", nil)
		if err != nil {
			return took{}, err
		}
		defer body.Close()
		watching.Go(func() error {
			// An event is a line. A reader that doesn't decode leaves the CPU to the server.
			events := bufio.NewReaderSize(body, 1<<16)
			for seen := 0; seen < len(w.networks); {
				_, err := events.ReadSlice('\n')
				switch {
				case err == nil:
					seen++
				case !errors.Is(err, bufio.ErrBufferFull):
					return fmt.Errorf("watching: %w after %d of %d events", err, seen, len(w.networks))
				}
			}
			return nil
		})
	}
	return s.timed(ctx, "to tell the watchers", len(w.networks), func(limited context.Context) error {
		defer context.AfterFunc(limited, cancel)() // Ends what is read outside of the limit.
		if _, err := s.patchStatus(limited, users, w, "fan-out "+list); err != nil {
			return err
		}
		return watching.Wait()
	})
}

// value returns what a server stores of a Network.
func (s *server) value(ctx context.Context, w workload) (string, error) {
	network := w.networks[0]
	answer, err := s.etcd.Get(ctx, networksPrefix+path.Join(network.Namespace, network.Name))
	if err != nil {
		return "", err
	}
	if len(answer.Kvs) == 0 {
		return "", fmt.Errorf("%s does not store Networks below %s", s.name, networksPrefix)
	}
	return string(answer.Kvs[0].Value), nil
}
