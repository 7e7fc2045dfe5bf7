// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

const (
	jsonType  = "application/json"
	tableType = "application/json;as=Table;v=v1;g=meta.k8s.io"
	mergeType = "application/merge-patch+json"

	group       = "/apis/networking.ironcore.dev/v1alpha1"
	allNetworks = group + "/networks"
)

// client sends prepared requests over a connection of its own and spends as little as it can on the answers: what is
// measured is the server.
type client struct {
	http *http.Client
	host string
}

func newClient(config *rest.Config) (*client, error) {
	config = rest.CopyConfig(config)
	config.Dial = (&net.Dialer{}).DialContext // Configs that differ in it do not share connections.
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &client{http: http, host: config.Host}, nil
}

// open returns the body of an answer, to be closed.
func (c *client) open(ctx context.Context, method, path, accept, contentType string, body []byte) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.host+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		defer response.Body.Close()
		answer, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(answer))
	}
	return response.Body, nil
}

// do sends a request and reads the answer to its end.
func (c *client) do(ctx context.Context, method, path, contentType string, body []byte) error {
	answer, err := c.open(ctx, method, path, jsonType, contentType, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	_, err = io.Copy(io.Discard, answer)
	return err
}

// clients are the parallel users of a server.
type clients []*client

func newClients(config *rest.Config, n int) (clients, error) {
	all := make(clients, n)
	for i := range all {
		client, err := newClient(config)
		if err != nil {
			return nil, err
		}
		all[i] = client
	}
	return all, nil
}

// each calls do for the numbers below n, and each client does its share of them one after the other. It returns how long
// each of them took.
func (c clients) each(ctx context.Context, n int, do func(ctx context.Context, c *client, i int) error) ([]time.Duration, error) {
	times := make([]time.Duration, n)
	running, ctx := errgroup.WithContext(ctx)
	for first, client := range c {
		running.Go(func() error {
			for i := first; i < n; i += len(c) {
				start := time.Now()
				if err := do(ctx, client, i); err != nil {
					return err
				}
				times[i] = time.Since(start)
			}
			return nil
		})
	}
	return times, running.Wait()
}

func networksPath(namespace string) string { return group + "/namespaces/" + namespace + "/networks" }

func networkPath(network *v1alpha1.Network) string {
	return networksPath(network.Namespace) + "/" + network.Name
}
