// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"k8s.io/component-base/metrics"
)

// lastSuccess tells whether a controller makes progress.
var lastSuccess = metrics.NewGaugeVec(&metrics.GaugeOpts{
	Name:           "networking_controller_last_success_timestamp_seconds",
	Help:           "When a controller last finished with an object without an error, or began to run, in Unix time.",
	StabilityLevel: metrics.ALPHA,
}, []string{"controller"})

// panics tells that a controller has a bug.
var panics = metrics.NewCounterVec(&metrics.CounterOpts{
	Name:           "networking_controller_panics_total",
	Help:           "Panics of a controller while it worked on an object. The object is tried again with growing delay.",
	StabilityLevel: metrics.ALPHA,
}, []string{"controller"})

// Metrics are those of all loops.
func Metrics() []metrics.Registerable { return []metrics.Registerable{lastSuccess, panics} }
