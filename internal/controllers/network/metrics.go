// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"k8s.io/component-base/metrics"
)

// errorsMetric counts what the provider failed at. The reasons are those of the condition Available.
var errorsMetric = metrics.NewCounterVec(&metrics.CounterOpts{
	Name:           "networking_provider_errors_total",
	Help:           "Failures of the network provider, by the reason that the Network's condition Available gives.",
	StabilityLevel: metrics.ALPHA,
}, []string{"reason"})

// Metrics are those of the network provider's failures.
func Metrics() []metrics.Registerable { return []metrics.Registerable{errorsMetric} }
