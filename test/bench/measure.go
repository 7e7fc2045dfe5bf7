// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
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

// took is what a measure cost: time, and CPU of the server and of the bench itself.
type took struct {
	wall, cpu, bench time.Duration
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
	return took{wall, cpu - cpuBefore, bench - benchBefore}, err
}

// put writes value under n keys of an etcd.
func (s *server) put(ctx context.Context, n int, value string) (took, error) {
	connections := make([]*clientv3.Client, parallel)
	for i := range connections {
		client, err := clientv3.New(clientv3.Config{Endpoints: s.etcd.Endpoints()})
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
	return s.timed(ctx, "to put values", n, func(ctx context.Context) error {
		running, ctx := errgroup.WithContext(ctx)
		for first, client := range connections {
			running.Go(func() error {
				for i := first; i < n; i += parallel {
					if _, err := client.Put(ctx, fmt.Sprintf("%s%06d", networksPrefix, i), value); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return running.Wait()
	})
}

// clients connects the parallel users.
func (s *server) clients(ctx context.Context) (clients, error) {
	users, err := newClients(s.config, parallel)
	if err != nil {
		return nil, err
	}
	_, err = s.timed(ctx, "to accept connections", parallel, func(ctx context.Context) error {
		return users.each(ctx, parallel, func(ctx context.Context, c *client, _ int) error {
			_, err := c.do(ctx, http.MethodGet, "/readyz", "", nil)
			return err
		})
	})
	return users, err
}

func (s *server) create(ctx context.Context, users clients, w workload) (took, error) {
	return s.timed(ctx, "to create Networks", len(w.networks), func(ctx context.Context) error {
		return users.each(ctx, len(w.networks), func(ctx context.Context, c *client, i int) error {
			_, err := c.do(ctx, http.MethodPost, networksPath(w.networks[i].Namespace), jsonType, w.bodies[i])
			return err
		})
	})
}

// delete deletes the Networks and waits until they are gone.
func (s *server) delete(ctx context.Context, users clients, w workload) (took, error) {
	since, err := s.resourceVersion(ctx)
	if err != nil {
		return took{}, err
	}
	return s.timed(ctx, "to delete Networks", len(w.networks), func(ctx context.Context) error {
		err := users.each(ctx, len(w.networks), func(ctx context.Context, c *client, i int) error {
			_, err := c.do(ctx, http.MethodDelete, networkPath(w.networks[i]), "", nil)
			return err
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
	return s.timed(ctx, "to patch the status of Networks", len(w.networks), func(ctx context.Context) error {
		return users.each(ctx, len(w.networks), func(ctx context.Context, c *client, i int) error {
			_, err := c.do(ctx, http.MethodPatch, networkPath(w.networks[i])+"/status", mergeType, patch)
			return err
		})
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
			return users.each(ctx, len(w.networks), func(ctx context.Context, c *client, i int) error {
				_, err := c.do(ctx, http.MethodPost, networksPath(w.networks[i].Namespace), jsonType, w.bodies[i])
				if err == nil && provide {
					_, err = c.do(ctx, http.MethodPatch, networkPath(w.networks[i])+"/status", mergeType, available)
				}
				return err
			})
		})
		return running.Wait()
	})
}

// list reads all Networks again and again and returns what the median of the reads took.
func (s *server) list(ctx context.Context, c *client) (median time.Duration, total took, err error) {
	return s.medianOf(ctx, "to list Networks", func(ctx context.Context) error {
		_, err := c.do(ctx, http.MethodGet, allNetworks, "", nil)
		return err
	})
}

// rangeAll reads the keys of an etcd again and again and returns what the median of the reads took.
func (s *server) rangeAll(ctx context.Context, n int) (median time.Duration, total took, err error) {
	return s.medianOf(ctx, "to list values", func(ctx context.Context) error {
		_, err := s.etcd.Get(ctx, networksPrefix, clientv3.WithPrefix(), clientv3.WithLimit(int64(n)))
		return err
	})
}

func (s *server) medianOf(ctx context.Context, what string, read func(context.Context) error) (
	median time.Duration, total took, err error) {
	times := make([]time.Duration, lists)
	total, err = s.timed(ctx, what, lists, func(ctx context.Context) error {
		for i := range times {
			start := time.Now()
			if err := read(ctx); err != nil {
				return err
			}
			times[i] = time.Since(start)
		}
		return nil
	})
	slices.Sort(times)
	return times[len(times)/2], total, err
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
		body, err := client.open(ctx, http.MethodGet, allNetworks+"?watch=true&resourceVersion="+list, "", nil)
		if err != nil {
			return took{}, err
		}
		defer body.Close()
		watching.Go(func() error {
			// An event is a line. A reader that doesn't decode leaves the CPU to the server.
			events := bufio.NewReaderSize(body, 1<<16)
			for seen := 0; seen < len(w.networks); {
				_, err := events.ReadSlice('\n')
				switch err {
				case nil:
					seen++
				case bufio.ErrBufferFull:
				default:
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
