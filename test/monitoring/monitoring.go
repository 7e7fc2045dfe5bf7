// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package monitoring reads what the dashboard and the alerts ask Prometheus for, and what a server serves, so that tests can
// hold the one against the other.
package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"
)

// Query is what a panel or an alert asks.
type Query struct {
	Of     string // the title of the panel, or the name of the alert
	Expr   string
	Series []Series
	// By are the labels that it groups by, but for those that it makes itself.
	By []string
}

// Series is a metric that a query reads from one or several jobs, with the labels by which it selects.
type Series struct {
	Metric string
	Jobs   []string
	Labels []string
}

// Queries returns those of all panels and alerts, below the root of the tree.
func Queries(root string) ([]Query, error) {
	var queries []Query
	dir := filepath.Join(root, "deploy/kustomize/components/monitoring")
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	content, err := os.ReadFile(filepath.Join(dir, "dashboard.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &dashboard); err != nil {
		return nil, fmt.Errorf("dashboard.json: %w", err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, newQuery(panel.Title, target.Expr))
		}
	}
	var alerts struct {
		Spec struct {
			Groups []struct {
				Rules []struct{ Alert, Expr string }
			}
		}
	}
	if content, err = os.ReadFile(filepath.Join(dir, "alerts.yaml")); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(content, &alerts); err != nil {
		return nil, fmt.Errorf("alerts.yaml: %w", err)
	}
	for _, group := range alerts.Spec.Groups {
		for _, rule := range group.Rules {
			queries = append(queries, newQuery(rule.Alert, rule.Expr))
		}
	}
	return queries, nil
}

var (
	selector = regexp.MustCompile(`([a-zA-Z_:][\w:]*)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`(\w+)(?:=~|!~|!=|=)"([^"]*)"`)
	grouping = regexp.MustCompile(`(?:by|on) \(([^)]*)\)`)
	sample   = regexp.MustCompile(`^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? `)
	label    = regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`)
)

func newQuery(of, expr string) Query {
	query := Query{Of: of, Expr: expr}
	for _, found := range selector.FindAllStringSubmatch(expr, -1) {
		series := Series{Metric: found[1]}
		for _, match := range matcher.FindAllStringSubmatch(found[2], -1) {
			if match[1] == "job" {
				series.Jobs = strings.Split(match[2], "|")
			} else {
				series.Labels = append(series.Labels, match[1])
			}
		}
		query.Series = append(query.Series, series)
	}
	for _, found := range grouping.FindAllStringSubmatch(expr, -1) {
		for by := range strings.SplitSeq(found[1], ", ") {
			if !strings.Contains(expr, `"`+by+`"`) { // The name of a label in quotes is one that label_replace makes.
				query.By = append(query.By, by)
			}
		}
	}
	return query
}

// Served are the labels of each metric that a server serves.
type Served map[string]sets.Set[string]

// Add reads an answer of /metrics.
func (s Served) Add(metrics string) {
	for line := range strings.Lines(metrics) {
		found := sample.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		if s[found[1]] == nil {
			s[found[1]] = sets.New[string]()
		}
		for _, name := range label.FindAllStringSubmatch(found[2], -1) {
			s[found[1]].Insert(name[1])
		}
	}
}

// ofTarget are the labels that Prometheus adds by itself.
var ofTarget = sets.New("job", "instance", "pod")

// Missing tells what the queries read of a job that its servers, by job, do not serve. A metric of several jobs is looked for
// in each of those whose servers are given.
func Missing(queries []Query, servers map[string]Served) []string {
	var missing []string
	for _, query := range queries {
		grouped, complete := ofTarget.Clone(), true
		for _, series := range query.Series {
			for _, job := range series.Jobs {
				served, known := servers[job]
				if !known {
					complete = false
					continue
				}
				if series.Metric == "up" { // It is Prometheus' own.
					continue
				}
				labels, ok := served[series.Metric]
				if !ok {
					missing = append(missing, fmt.Sprintf("%s reads %s, which %s does not serve", query.Of, series.Metric, job))
					continue
				}
				grouped = grouped.Union(labels)
				if unknown := sets.New(series.Labels...).Difference(labels).Difference(ofTarget); len(unknown) > 0 {
					missing = append(missing, fmt.Sprintf("%s selects %s of %s by %q, which it does not have",
						query.Of, series.Metric, job, sets.List(unknown)))
				}
			}
		}
		if unknown := sets.New(query.By...).Difference(grouped); complete && len(unknown) > 0 {
			missing = append(missing, fmt.Sprintf("%s groups by %q, which nothing has that it reads", query.Of, sets.List(unknown)))
		}
	}
	slices.Sort(missing)
	return missing
}
