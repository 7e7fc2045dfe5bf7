// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
)

// observe watches the Networks of a server from now on. The function that it returns waits until seen has returned true
// for an event.
func (s *server) observe(ctx context.Context,
	seen func(watch.EventType, *v1alpha1.Network) bool) (wait func() error, err error) {
	client, err := versioned.NewForConfig(s.config)
	if err != nil {
		return nil, err
	}
	networks := client.NetworkingV1alpha1().Networks("")
	list, err := networks.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return nil, err
	}
	events, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return networks.Watch(ctx, options)
		},
	})
	if err != nil {
		return nil, err
	}
	return func() error {
		defer events.Stop()
		for event := range events.ResultChan() {
			network, ok := event.Object.(*v1alpha1.Network)
			if !ok {
				return fmt.Errorf("watching the Networks of %s: %v", s.name, event.Object)
			}
			if seen(event.Type, network) {
				return nil
			}
		}
		return fmt.Errorf("watching the Networks of %s: ended early: %w", s.name, context.Cause(ctx))
	}, nil
}

// allBound tells when n Networks have nothing but peerings that are Bound.
func allBound(n int) func(watch.EventType, *v1alpha1.Network) bool {
	bound := sets.New[types.NamespacedName]()
	return func(_ watch.EventType, network *v1alpha1.Network) bool {
		name := types.NamespacedName{Namespace: network.Namespace, Name: network.Name}
		pending := slices.ContainsFunc(network.Status.Peerings, func(peering v1alpha1.NetworkPeeringStatus) bool {
			return peering.Phase != v1alpha1.NetworkPeeringPhaseBound
		})
		if pending || len(network.Status.Peerings) != len(network.Spec.Peerings) {
			bound.Delete(name)
		} else {
			bound.Insert(name)
		}
		return bound.Len() == n
	}
}

// allGone tells when n Networks have been deleted.
func allGone(n int) func(watch.EventType, *v1alpha1.Network) bool {
	return func(event watch.EventType, _ *v1alpha1.Network) bool {
		if event == watch.Deleted {
			n--
		}
		return n == 0
	}
}

// networksPrefix is where both servers store Networks.
const networksPrefix = "/registry/networking.ironcore.dev/networks/"

// stored returns how often the Networks that exist have been written since they were created, their creation included.
func (s *server) stored(ctx context.Context) (writes int64, err error) {
	answer, err := s.etcd.Get(ctx, networksPrefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return 0, err
	}
	for _, kv := range answer.Kvs {
		writes += kv.Version
	}
	return writes, nil
}

// quietFor is how long nothing must have been written for a server to be at rest.
const quietFor = 2 * time.Second

// settled waits until the controllers have come to rest, and returns how often the Networks have been written by then.
func (s *server) settled(ctx context.Context) (writes int64, err error) {
	changed := time.Now()
	for {
		now, err := s.stored(ctx)
		if err != nil {
			return 0, err
		}
		if now != writes {
			writes, changed = now, time.Now()
		} else if time.Since(changed) >= quietFor {
			return writes, nil
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(quietFor / 10):
		}
	}
}

// writeRequests returns how many requests to write Networks the server has answered since it started, whoever sent them
// and whether anything changed or not.
func (s *server) writeRequests(ctx context.Context) (count int64, err error) {
	client, err := newClient(s.config)
	if err != nil {
		return 0, err
	}
	body, err := client.open(ctx, "GET", "/metrics", "", nil)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(body); err != nil {
		return 0, err
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(&text)
	if err != nil {
		return 0, fmt.Errorf("reading the metrics of %s: %w", s.name, err)
	}
	for _, metric := range families["apiserver_request_total"].GetMetric() {
		labels := make(map[string]string)
		for _, label := range metric.Label {
			labels[label.GetName()] = label.GetValue()
		}
		if labels["resource"] != "networks" {
			continue
		}
		switch labels["verb"] {
		case "POST", "PUT", "PATCH", "APPLY", "DELETE":
			count += int64(metric.Counter.GetValue())
		}
	}
	return count, nil
}
