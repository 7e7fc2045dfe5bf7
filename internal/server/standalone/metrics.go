// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// etcdMetrics are those of etcd that the server serves beside its own: what tells of disk and database.
var etcdMetrics = []string{
	"etcd_disk_backend_commit_duration_seconds",
	"etcd_disk_backend_defrag_duration_seconds",
	"etcd_disk_wal_fsync_duration_seconds",
	"etcd_mvcc_db_total_size_in_bytes",
	"etcd_mvcc_db_total_size_in_use_in_bytes",
	"etcd_server_quota_backend_bytes",
	"etcd_server_slow_apply_total",
}

// EtcdMetrics passes on what the embedded etcd counts in a registry of its own. Without one, all of it would be zero.
type EtcdMetrics struct{}

// Describe implements prometheus.Collector. What is there is only known when it is asked for.
func (EtcdMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (EtcdMetrics) Collect(ch chan<- prometheus.Metric) {
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		return
	}
	for _, family := range families {
		if !slices.Contains(etcdMetrics, family.GetName()) {
			continue
		}
		for _, metric := range family.Metric {
			labels := make([]string, 0, len(metric.Label))
			for _, label := range metric.Label {
				labels = append(labels, label.GetName())
			}
			ch <- gatheredMetric{desc: prometheus.NewDesc(family.GetName(), family.GetHelp(), labels, nil), metric: metric}
		}
	}
}

// gatheredMetric is a metric as it was gathered.
type gatheredMetric struct {
	desc   *prometheus.Desc
	metric *dto.Metric
}

// Desc implements prometheus.Metric.
func (p gatheredMetric) Desc() *prometheus.Desc { return p.desc }

// Write implements prometheus.Metric.
func (p gatheredMetric) Write(out *dto.Metric) error {
	out.Label, out.Gauge, out.Counter = p.metric.Label, p.metric.Gauge, p.metric.Counter
	out.Histogram, out.Summary, out.Untyped = p.metric.Histogram, p.metric.Summary, p.metric.Untyped
	return nil
}
