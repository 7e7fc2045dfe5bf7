// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func TestMetricsOfTheEmbeddedEtcdArePassedOn(t *testing.T) {
	dir, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	etcd, err := dir.StartEtcd(t.Context(), DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(EtcdMetrics{})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range etcdMetrics {
		if !slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name }) {
			t.Errorf("%s is missing", name)
		}
	}
}
