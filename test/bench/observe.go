// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
)

// event is what the bench reads of a change: decoding all of each Network would take CPU away from the servers.
type event struct {
	Type   watch.EventType `json:"type"`
	Object struct {
		Metadata struct {
			Namespace       string `json:"namespace"`
			Name            string `json:"name"`
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Spec struct {
			Peerings []struct{} `json:"peerings"`
		} `json:"spec"`
		Status struct {
			Peerings []peeringStatus `json:"peerings"`
		} `json:"status"`
	} `json:"object"`
}

type peeringStatus struct {
	Phase v1alpha1.NetworkPeeringPhase `json:"phase"`
}

// isBound tells whether a Network has nothing but peerings that are Bound.
func isBound(e *event) bool {
	for _, peering := range e.Object.Status.Peerings {
		if peering.Phase != v1alpha1.NetworkPeeringPhaseBound {
			return false
		}
	}
	return e.Type != watch.Deleted && len(e.Object.Status.Peerings) == len(e.Object.Spec.Peerings)
}

// isGone tells whether a Network has been deleted.
func isGone(e *event) bool { return e.Type == watch.Deleted }

// observe watches the Networks after a resourceVersion until n of them are what is asked for.
func (s *server) observe(ctx context.Context, since string, n int, is func(*event) bool) error {
	client, err := newClient(s.config)
	if err != nil {
		return err
	}
	found := sets.New[types.NamespacedName]()
	for len(found) < n {
		body, err := client.open(ctx, http.MethodGet, allNetworks+"?watch=true&resourceVersion="+since, jsonType, "", nil)
		if err == nil {
			err = readEvents(body, func(e *event) bool {
				since = e.Object.Metadata.ResourceVersion
				name := types.NamespacedName{Namespace: e.Object.Metadata.Namespace, Name: e.Object.Metadata.Name}
				if is(e) {
					found.Insert(name)
				} else {
					found.Delete(name)
				}
				return len(found) < n
			})
		}
		// A server may end a watch at any time: it goes on from the last event.
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("watching, after %d of %d Networks: %w", len(found), n, err)
		}
	}
	return nil
}

// readEvents reads a watch until more answers no.
func readEvents(body io.ReadCloser, more func(*event) bool) error {
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 1<<16), 1<<24)
	for lines.Scan() {
		if bytes.HasPrefix(lines.Bytes(), []byte(`{"type":"ERROR"`)) {
			return errors.New(lines.Text())
		}
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return err
		}
		if !more(&e) {
			return nil
		}
	}
	return lines.Err()
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

const (
	// quietFor is how long nothing must have been going on for a server to be at rest: the controllers wait up to a second
	// for more before they write down what is half done.
	quietFor = 1600 * time.Millisecond
	// quietCPU is the share of a core that the busiest of idle servers stays below.
	quietCPU = 0.3
)

// settled waits until nothing is written and the programs have come to rest.
func (s *server) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleLimit, fmt.Errorf("%s did not come to rest in %s", s.name, settleLimit))
	defer cancel()
	const every = quietFor / 8
	tick := time.NewTicker(every)
	defer tick.Stop()
	var revision int64
	var cpu time.Duration
	for quiet := time.Duration(0); quiet < quietFor; quiet += every {
		answer, err := s.etcd.Get(ctx, "ready")
		if err != nil {
			return err
		}
		used, err := s.cpu()
		if err != nil {
			return err
		}
		if answer.Header.Revision != revision || (used.sum()-cpu).Seconds() > quietCPU*every.Seconds() {
			quiet = 0
		}
		revision, cpu = answer.Header.Revision, used.sum()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// settleLimit bounds how long a server may be at work for itself.
const settleLimit = 2 * time.Minute

// writeRequests returns how many requests to write Networks the server has answered since it started, whoever sent them
// and whether anything changed or not.
func (s *server) writeRequests(ctx context.Context) (count int64, err error) {
	for _, config := range s.direct() {
		of, err := writeRequests(ctx, config)
		if err != nil {
			return 0, fmt.Errorf("reading the metrics of %s: %w", s.name, err)
		}
		count += of
	}
	return count, nil
}

func writeRequests(ctx context.Context, config *rest.Config) (count int64, err error) {
	client, err := newClient(config)
	if err != nil {
		return 0, err
	}
	body, err := client.open(ctx, http.MethodGet, "/metrics", "*/*", "", nil)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(body)
	if err != nil {
		return 0, err
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
