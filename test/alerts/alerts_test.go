// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package alerts_test evaluates the alerts by Prometheus' own engine: each fires in the situation that it is for, and none
// does while all is well. The panels of the dashboard are read by it too.
package alerts_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"sigs.k8s.io/yaml"
)

// rule is what this test reads of a rule.
type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func rules(t *testing.T) []rule {
	t.Helper()
	content, err := os.ReadFile("../../deploy/kustomize/components/monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Spec struct {
			Groups []struct {
				Rules []rule `json:"rules"`
			} `json:"groups"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, group := range file.Spec.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

// healthy are the series while all is well, a sample a minute for two hours. Prometheus' notation: first value, growth,
// repetitions.
const healthy = `load 1m
  up{job="network-apiserver",pod="a",instance="a"} 1+0x120
  up{job="network-etcd",pod="e0"} 1+0x120
  up{job="network-etcd",pod="e1"} 1+0x120
  up{job="network-etcd",pod="e2"} 1+0x120
  aggregator_unavailable_apiservice{name="v1alpha1.networking.ironcore.dev"} 0+0x120
  process_start_time_seconds{job="network-apiserver",pod="a"} 100+0x120
  apiserver_request_total{job="network-apiserver",code="200"} 0+600x120
  apiserver_request_duration_seconds_bucket{job="network-apiserver",verb="GET",le="0.1"} 0+600x120
  apiserver_request_duration_seconds_bucket{job="network-apiserver",verb="GET",le="5"} 0+600x120
  apiserver_request_duration_seconds_bucket{job="network-apiserver",verb="GET",le="+Inf"} 0+600x120
  networking_serving_certificate_expiration_timestamp_seconds{job="network-apiserver",pod="a"} 5184000+0x120
  networking_etcd_certificate_expiration_timestamp_seconds{job="network-apiserver",pod="a"} 5184000+0x120
  networking_etcd_certificate_expiration_timestamp_seconds{job="network-apiserver",pod="without"} 0+0x120
  networking_leader{job="network-apiserver",pod="a",instance="a"} 1+0x120
  networking_controller_last_success_timestamp_seconds{job="network-apiserver",controller="peering",instance="a"} 0+60x120
  networking_controller_panics_total{job="network-apiserver",controller="peering",instance="a"} 0+0x120
  workqueue_retries_total{job="network-apiserver",name="peering"} 0+1x120
  workqueue_adds_total{job="network-apiserver",name="peering"} 0+60x120
  workqueue_depth{job="network-apiserver",name="peering"} 3+0x120
  networking_networks{job="network-apiserver",state="Available",reason="Available"} 100+0x120
  networking_network_interfaces{job="network-apiserver",state="Available",reason="Available"} 100+0x120
  networking_oldest_pending_seconds{job="network-apiserver",resource="networks",reason="Pending"} 10+0x120
  networking_consent_to_bound_seconds_bucket{job="network-apiserver",le="0.1"} 0+10x120
  networking_consent_to_bound_seconds_bucket{job="network-apiserver",le="60"} 0+10x120
  networking_consent_to_bound_seconds_bucket{job="network-apiserver",le="+Inf"} 0+10x120
  networking_provider_call_duration_seconds_bucket{job="network-apiserver",method="Realize",le="0.1"} 0+10x120
  networking_provider_call_duration_seconds_bucket{job="network-apiserver",method="Realize",le="30"} 0+10x120
  networking_provider_call_duration_seconds_bucket{job="network-apiserver",method="Realize",le="+Inf"} 0+10x120
  networking_provider_errors_total{job="network-apiserver",reason="NoAnswer"} 5+0x120
  networking_ovn_nb_connected{job="network-apiserver",pod="a"} 1+0x120
  etcd_requests_total{job="network-apiserver"} 0+600x120
  etcd_request_errors_total{job="network-apiserver"} 0+0x120
  apiserver_storage_size_bytes{job="network-apiserver",storage_cluster_id="e"} 1000000+0x120
  kube_cronjob_status_last_schedule_time{cronjob="network-etcd-backup"} 100+0x120
  kube_cronjob_status_last_successful_time{cronjob="network-etcd-backup"} 110+0x120
  etcd_mvcc_db_total_size_in_bytes{job="network-etcd",pod="e0"} 1000000+0x120
  etcd_server_quota_backend_bytes{job="network-etcd",pod="e0"} 8589934592+0x120
  etcd_mvcc_db_total_size_in_bytes{job="network-apiserver",pod="a"} 10000000+0x120
  etcd_server_quota_backend_bytes{job="network-apiserver",pod="a"} 16777216+0x120
  etcd_server_has_leader{job="network-etcd",pod="e0"} 1+0x120
  etcd_server_leader_changes_seen_total{job="network-etcd",pod="e0"} 1+0x120
  etcd_disk_wal_fsync_duration_seconds_bucket{job="network-etcd",pod="e0",le="0.01"} 0+600x120
  etcd_disk_wal_fsync_duration_seconds_bucket{job="network-etcd",pod="e0",le="1"} 0+600x120
  etcd_disk_wal_fsync_duration_seconds_bucket{job="network-etcd",pod="e0",le="+Inf"} 0+600x120
  etcd_disk_wal_fsync_duration_seconds_bucket{job="network-apiserver",pod="a",le="0.01"} 0+600x120
  etcd_disk_wal_fsync_duration_seconds_bucket{job="network-apiserver",pod="a",le="1"} 0+600x120
  etcd_disk_wal_fsync_duration_seconds_bucket{job="network-apiserver",pod="a",le="+Inf"} 0+600x120
`

// troubles are, by alert, the series that differ from the healthy ones when it should fire.
var troubles = map[string]string{
	"NetworkAPIServerDown":              `up{job="network-apiserver",pod="a",instance="a"} 0+0x120`,
	"NetworkAPIServiceUnavailable":      `aggregator_unavailable_apiservice{name="v1alpha1.networking.ironcore.dev"} 1+0x120`,
	"NetworkAPIServerReplicaDown":       `up{job="network-apiserver",pod="a",instance="a"} 0+0x120`,
	"NetworkAPIServerRestarting":        `process_start_time_seconds{job="network-apiserver",pod="a"} 100+300x120`,
	"NetworkAPIServerErrors":            `apiserver_request_total{job="network-apiserver",code="500"} 0+60x120`,
	"NetworkAPIServerSlow":              `apiserver_request_duration_seconds_bucket{job="network-apiserver",verb="GET",le="0.1"} 0+0x120`,
	"NetworkControllersWithoutLeader":   `networking_leader{job="network-apiserver",pod="a",instance="a"} 0+0x120`,
	"NetworkServingCertificateExpiring": `networking_serving_certificate_expiration_timestamp_seconds{job="network-apiserver",pod="a"} 86400+0x120`,
	"NetworkControllerRetrying":         `workqueue_retries_total{job="network-apiserver",name="peering"} 0+50x120`,
	"NetworkControllerBehind":           `workqueue_depth{job="network-apiserver",name="peering"} 5000+0x120`,
	"NetworkControllerStuck":            `networking_controller_last_success_timestamp_seconds{job="network-apiserver",controller="peering",instance="a"} 0+0x120`,
	"NetworkControllerPanicking":        `networking_controller_panics_total{job="network-apiserver",controller="peering",instance="a"} 0+0x115 1+0x4`,
	"NetworksPendingForLong":            `networking_oldest_pending_seconds{job="network-apiserver",resource="networks",reason="Pending"} 10+60x120`,
	"NetworksInError":                   `networking_networks{job="network-apiserver",state="Error",reason="NoAnswer"} 2+0x120`,
	"NetworkInterfacesInError":          `networking_network_interfaces{job="network-apiserver",state="Error",reason="NoAnswer"} 2+0x120`,
	"NetworkBindingSlow":                `networking_consent_to_bound_seconds_bucket{job="network-apiserver",le="0.1"} 0+0x120`,
	"NetworkProviderSlow":               `networking_provider_call_duration_seconds_bucket{job="network-apiserver",method="Realize",le="0.1"} 0+0x120`,
	"NetworkProviderFailing":            `networking_provider_errors_total{job="network-apiserver",reason="NoAnswer"} 5+1x120`,
	"NetworkOVNUnreachable":             `networking_ovn_nb_connected{job="network-apiserver",pod="a"} 0+0x120`,
	"NetworkStorageErrors":              `etcd_request_errors_total{job="network-apiserver"} 0+60x120`,
	"NetworkStorageFillingUp":           `etcd_mvcc_db_total_size_in_bytes{job="network-apiserver",pod="a"} 16000000+0x120`,
	"NetworkStorageSlowDisk":            `etcd_disk_wal_fsync_duration_seconds_bucket{job="network-apiserver",pod="a",le="0.01"} 0+0x120`,
	"NetworkBackupMissing":              `kube_cronjob_status_last_successful_time{cronjob="network-etcd-backup"} 50+0x120`,
	"NetworkEtcdCertificateExpiring":    `networking_etcd_certificate_expiration_timestamp_seconds{job="network-apiserver",pod="a"} 864000+0x120`,
	"NetworkEtcdMemberDown":             `up{job="network-etcd",pod="e2"} 0+0x120`,
	"NetworkEtcdWithoutLeader":          `etcd_server_has_leader{job="network-etcd",pod="e0"} 0+0x120`,
	"NetworkEtcdLeaderChanges":          `etcd_server_leader_changes_seen_total{job="network-etcd",pod="e0"} 1+1x120`,
	"NetworkEtcdSlowDisk":               `etcd_disk_wal_fsync_duration_seconds_bucket{job="network-etcd",pod="e0",le="0.01"} 0+0x120`,
}

func TestEachAlertFiresWhenItShould(t *testing.T) {
	for _, r := range rules(t) {
		t.Run(r.Alert, func(t *testing.T) {
			trouble, ok := troubles[r.Alert]
			if !ok {
				t.Fatal("no series that make it fire")
			}
			if fires(t, r, healthy) {
				t.Error("fires while all is well")
			}
			if !fires(t, r, with(trouble)) {
				t.Error("does not fire")
			}
		})
	}
}

func TestEachPanelAsksWhatPrometheusUnderstands(t *testing.T) {
	content, err := os.ReadFile("../../deploy/kustomize/components/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := yaml.Unmarshal(content, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("%s asks nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			if _, err := parser.ParseExpr(target.Expr); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
		}
	}
}

func TestEachAlertLeadsToItsHeading(t *testing.T) {
	guide, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		url := r.Annotations["runbook_url"]
		if !strings.HasSuffix(url, "/docs/operate.md#"+strings.ToLower(r.Alert)) ||
			!strings.Contains(string(guide), "\n#### "+r.Alert+"\n") {
			t.Errorf("%s leads to %q", r.Alert, url)
		}
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a severity, a summary or a description", r.Alert)
		}
	}
}

var seriesName = regexp.MustCompile(`^\s*(\S+\})`)

// with returns the healthy series with one in place of its namesake, or added.
func with(trouble string) string {
	var lines []string
	for line := range strings.Lines(healthy) {
		if name := seriesName.FindString(line); name == "" || strings.TrimSpace(name) != seriesName.FindString(trouble) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "") + "  " + trouble + "\n"
}

// fires tells whether an alert fires after two hours: its expression has held for as long as it has to.
func fires(t *testing.T, r rule, series string) bool {
	t.Helper()
	storage := promqltest.LoadedStorage(t, series)
	defer storage.Close()
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	end := time.Unix(0, 0).Add(2 * time.Hour)
	start := end
	if r.For != "" {
		pending, err := model.ParseDuration(r.For)
		if err != nil {
			t.Fatal(err)
		}
		start = end.Add(-time.Duration(pending))
	}
	for at := start; !at.After(end); at = at.Add(30 * time.Second) {
		query, err := engine.NewInstantQuery(t.Context(), storage, nil, r.Expr, at)
		if err != nil {
			t.Fatal(err)
		}
		result := query.Exec(t.Context())
		if result.Err != nil {
			t.Fatal(result.Err)
		}
		vector, err := result.Vector()
		if err != nil {
			t.Fatal(err)
		}
		holds := len(vector) > 0
		query.Close()
		if !holds {
			return false
		}
	}
	return true
}
