// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// network is one with a peering of the given phase to each target.
func network(name string, phase v1alpha1.NetworkPeeringPhase, reason string, targets ...string) *v1alpha1.Network {
	n := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
	n.Status.State = v1alpha1.NetworkStateAvailable
	n.Status.Conditions = []metav1.Condition{{Type: "Available", Reason: "Available"}}
	for _, target := range targets {
		n.Spec.Peerings = append(n.Spec.Peerings, v1alpha1.NetworkPeering{
			Name: target, NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: target}})
		n.Status.Peerings = append(n.Status.Peerings, v1alpha1.NetworkPeeringStatus{Name: target, Phase: phase, Reason: reason})
	}
	return n
}

func TestFiguresOfTheLeader(t *testing.T) {
	const bound, pending = v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringPhasePending
	waiting := network("c", pending, "PeeringNotAccepted", "a")
	waiting.Status.State = v1alpha1.NetworkStatePending
	waiting.Status.Conditions = []metav1.Condition{{
		Type: "Available", Reason: "NoAnswer", LastTransitionTime: metav1.NewTime(time.Now().Add(-time.Hour)),
	}}
	nic := &v1alpha1.NetworkInterface{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "nic"}}
	nic.Status.State = v1alpha1.NetworkInterfaceStateAvailable
	store := func(objects ...any) cache.Store {
		s := cache.NewStore(cache.MetaNamespaceKeyFunc)
		for _, object := range objects {
			if err := s.Add(object); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	c := &Figures{}
	c.held.Store(&stores{
		networks:   store(network("a", bound, "Bound", "b"), network("b", bound, "Bound", "a"), waiting),
		interfaces: store(nic),
	})
	registry := metrics.NewKubeRegistry()
	registry.CustomMustRegister(c)
	const want = `
# HELP networking_network_interfaces [ALPHA] NetworkInterfaces, by status.state and the reason of the condition Available. Only the leader reports it.
# TYPE networking_network_interfaces gauge
networking_network_interfaces{reason="",state="Available"} 1
# HELP networking_networks [ALPHA] Networks, by status.state and the reason of the condition Available. Only the leader reports it.
# TYPE networking_networks gauge
networking_networks{reason="Available",state="Available"} 2
networking_networks{reason="NoAnswer",state="Pending"} 1
# HELP networking_peerings [ALPHA] Peerings in Networks, by phase and reason. Each side counts. Only the leader reports it.
# TYPE networking_peerings gauge
networking_peerings{phase="Bound",reason="Bound"} 2
networking_peerings{phase="Pending",reason="PeeringNotAccepted"} 1
`
	names := []string{"networking_networks", "networking_peerings", "networking_network_interfaces"}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(families, func(f *testutil.MetricFamily) bool { return f.GetName() == "networking_oldest_pending_seconds" })
	if i < 0 {
		t.Fatal("no age of the oldest Pending")
	}
	for _, metric := range families[i].Metric {
		if metric.Label[0].GetValue() == "NoAnswer" && (metric.Gauge.GetValue() < 3600 || metric.Gauge.GetValue() > 3700) {
			t.Errorf("the oldest Pending Network is %v s old, want an hour", metric.Gauge.GetValue())
		}
	}

	c.held.Store(nil)
	if families, err := registry.Gather(); err != nil || len(families) > 0 {
		t.Errorf("a replica that does not lead reports %v, %v", families, err)
	}
}

func TestTimeFromConsentToBound(t *testing.T) {
	const bound, pending = v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringPhasePending
	now := time.Unix(1000, 0)
	var got []float64
	c := &consents{since: map[claim]*naming{}, now: func() time.Time { return now }, observe: func(s float64) { got = append(got, s) }}

	alone, a, b := network("a", pending, ""), network("a", pending, "", "b"), network("b", pending, "", "a")
	c.changed(nil, alone)
	c.changed(alone, a)
	now = now.Add(time.Hour) // b is asked, and consents an hour later.
	c.changed(nil, b)
	now = now.Add(2 * time.Second)
	boundA, boundB := network("a", bound, "Bound", "b"), network("b", bound, "Bound", "a")
	c.changed(a, boundA)
	now = now.Add(time.Second)
	c.changed(b, boundB)
	if want := []float64{2, 3}; !slices.Equal(got, want) {
		t.Errorf("observed %v, want %v", got, want)
	}
	if len(c.since) != 0 {
		t.Errorf("remembers %v though both are bound", c.since)
	}

	c.changed(boundA, boundA)
	c.changed(boundB, nil)
	c.changed(boundA, a)
	now = now.Add(time.Hour) // b is back after an hour.
	c.changed(nil, b)
	now = now.Add(4 * time.Second)
	c.changed(a, boundA)
	c.changed(b, boundB)
	if want := []float64{2, 3, 4, 4}; !slices.Equal(got, want) {
		t.Errorf("observed %v of a peering that was bound again, want %v", got, want)
	}

	c.changed(nil, b)
	c.changed(b, nil)
	c.changed(boundA, nil)
	if len(got) != 4 || len(c.since) != 0 {
		t.Errorf("observed %v and remembers %v after both are gone", got, c.since)
	}
}

type failing struct{ provider.InterfaceProvider }

func (failing) Realize(context.Context, *v1alpha1.Network, provider.Situation) (provider.Realization, error) {
	return provider.Realization{}, errors.New("no answer")
}

func TestProviderCallsAreCounted(t *testing.T) {
	registry := metrics.NewKubeRegistry()
	registry.MustRegister(Metrics()...)
	p := Provider(failing{})
	if _, err := p.Realize(t.Context(), nil, provider.Situation{}); err == nil {
		t.Error("the error is lost")
	}
	if _, ok := p.(provider.InterfaceProvider); !ok {
		t.Error("a provider of NetworkInterfaces is none any more")
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(families, func(f *testutil.MetricFamily) bool {
		return f.GetName() == "networking_provider_call_duration_seconds"
	})
	if i < 0 || families[i].Metric[0].Histogram.GetSampleCount() != 1 {
		t.Errorf("got %v", families)
	}
}
