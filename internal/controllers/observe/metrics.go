// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package observe has the metrics of Networks: how many are in which state and why, how long the oldest has waited, how long
// it takes from consent to a bound peering, and the results of the provider's calls. It reads the informers, on the replica
// that runs the controllers.
package observe

import (
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/metrics"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

var (
	networksDesc = metrics.NewDesc("networking_networks",
		"Networks, by status.state and the reason of the condition Available. Only the leader reports it.",
		[]string{"state", "reason"}, nil, metrics.ALPHA, "")
	peeringsDesc = metrics.NewDesc("networking_peerings",
		"Peerings in Networks, by phase and reason. Each side counts. Only the leader reports it.",
		[]string{"phase", "reason"}, nil, metrics.ALPHA, "")
	interfacesDesc = metrics.NewDesc("networking_network_interfaces",
		"NetworkInterfaces, by status.state and the reason of the condition Available. Only the leader reports it.",
		[]string{"state", "reason"}, nil, metrics.ALPHA, "")
	oldestPendingDesc = metrics.NewDesc("networking_oldest_pending_seconds",
		"For how long the oldest Network, peering or NetworkInterface has been Pending for a reason. Only the leader reports it.",
		[]string{"resource", "reason"}, nil, metrics.ALPHA, "")

	consentToBound = metrics.NewHistogram(&metrics.HistogramOpts{
		Name: "networking_consent_to_bound_seconds",
		Help: "Time from when both Networks name each other until a peering is Bound. Each side counts. It includes the " +
			"time in which one of them is not available yet.",
		Buckets:        []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		StabilityLevel: metrics.ALPHA,
	})
	providerCalls = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Name: "networking_provider_call_duration_seconds",
		Help: "Calls of the built-in network provider, by method (Realize, Release, RealizeInterface) and result " +
			"(success, error).",
		Buckets:        []float64{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
		StabilityLevel: metrics.ALPHA,
	}, []string{"method", "result"})
)

// Metrics are the histograms of consent and of the provider's calls.
func Metrics() []metrics.Registerable { return []metrics.Registerable{consentToBound, providerCalls} }

type stores struct{ networks, interfaces cache.Store }

// Figures are the gauges of Networks, peerings and NetworkInterfaces. They are counted at each scrape, on the leader.
type Figures struct {
	metrics.BaseStableCollector
	held atomic.Pointer[stores] // nil on a replica that does not lead
}

// Lead reports the figures of the stores until end is called.
func (c *Figures) Lead(networks, interfaces cache.Store) (end func()) {
	c.held.Store(&stores{networks: networks, interfaces: interfaces})
	return func() { c.held.Store(nil) }
}

// DescribeWithStability implements metrics.StableCollector.
func (c *Figures) DescribeWithStability(ch chan<- *metrics.Desc) {
	for _, desc := range []*metrics.Desc{networksDesc, peeringsDesc, interfacesDesc, oldestPendingDesc} {
		ch <- desc
	}
}

// CollectWithStability implements metrics.StableCollector.
func (c *Figures) CollectWithStability(ch chan<- metrics.Metric) {
	held := c.held.Load()
	if held == nil {
		return
	}
	now := time.Now()
	descs := map[string]*metrics.Desc{networks: networksDesc, peerings: peeringsDesc, interfaces: interfacesDesc}
	for s, f := range count(typed[*v1alpha1.Network](held.networks), typed[*v1alpha1.NetworkInterface](held.interfaces)) {
		ch <- metrics.NewLazyConstMetric(descs[s.resource], metrics.GaugeValue, float64(f.count), s.state, s.reason)
		if s.state == string(v1alpha1.NetworkStatePending) {
			ch <- metrics.NewLazyConstMetric(oldestPendingDesc, metrics.GaugeValue, now.Sub(f.oldest).Seconds(), s.resource, s.reason)
		}
	}
}

func typed[T any](store cache.Store) []T {
	objects := store.List()
	result := make([]T, 0, len(objects))
	for _, object := range objects {
		result = append(result, object.(T))
	}
	return result
}
