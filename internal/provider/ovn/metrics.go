// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import "k8s.io/component-base/metrics"

// connectedMetric has one series, on the replica that leads.
var connectedMetric = metrics.NewGaugeVec(&metrics.GaugeOpts{
	Name:           "networking_ovn_nb_connected",
	Help:           "1 while OVN's north-bound database answers, else 0. Of the replica that runs the controllers.",
	StabilityLevel: metrics.ALPHA,
}, nil)

// Metrics are those of the connection to the database.
func Metrics() []metrics.Registerable { return []metrics.Registerable{connectedMetric} }
