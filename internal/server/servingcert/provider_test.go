// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Here the host cluster is a fake, for what depends on the replica alone; test/e2e/servingcert has a real one.
package servingcert

import (
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	clocktesting "k8s.io/utils/clock/testing"
)

// listener counts the certificates that it was told of.
type listener struct{ count int }

func (l *listener) Enqueue() { l.count++ }

func newConfig(client *fake.Clientset) (Config, *clocktesting.FakeClock) {
	clock := clocktesting.NewFakeClock(today)
	options := NewOptions()
	options.Secret, options.DNSNames = "ns/name", []string{"a.b.svc"}
	return Config{
		Options: options,
		Client:  client,
		Dynamic: dynamicfake.NewSimpleDynamicClient(runtime.NewScheme()),
		Clock:   clock,
	}, clock
}

func TestListenersAndMetricFollowTheCertificate(t *testing.T) {
	config, clock := newConfig(fake.NewClientset())
	provider, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	told := &listener{}
	provider.AddListener(told)
	metrics.NewKubeRegistry().MustRegister(Metrics()...)
	ReportExpiration(provider)
	for _, step := range []struct {
		after     time.Duration
		told      int
		expiresAt time.Time
	}{
		{after: 0, told: 0, expiresAt: today.Add(90 * day)},
		{after: 59 * day, told: 0, expiresAt: today.Add(90 * day)},
		{after: 61 * day, told: 1, expiresAt: today.Add(151 * day)},
	} {
		clock.SetTime(today.Add(step.after))
		if err := provider.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		certPEM, _ := provider.CurrentCertKeyContent()
		certs, err := certutil.ParseCertsPEM(certPEM)
		if err != nil {
			t.Fatal(err)
		}
		if !certs[0].NotAfter.Equal(step.expiresAt) || told.count != step.told {
			t.Errorf("after %s: expires on %s and told of %d, want %s and %d",
				step.after, certs[0].NotAfter, told.count, step.expiresAt, step.told)
		}
		metric, err := testutil.GetGaugeMetricValue(expirationMetric)
		if err != nil {
			t.Fatal(err)
		}
		if int64(metric) != step.expiresAt.Unix() {
			t.Errorf("after %s: the metric says %f, want %d", step.after, metric, step.expiresAt.Unix())
		}
	}
}

func TestAReplicaThatWritesTooLateTakesWhatTheOtherWrote(t *testing.T) {
	t.Parallel()
	all := makeAuthorities(t)
	data, err := content{signing: all[young], trusted: all.certs(young)}.encode()
	if err != nil {
		t.Fatal(err)
	}
	client := fake.NewClientset(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "name"}})
	var once sync.Once
	client.PrependReactor("update", "secrets", func(clienttesting.Action) (refused bool, _ runtime.Object, err error) {
		once.Do(func() {
			other := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "name"}, Data: data}
			if err = client.Tracker().Update(secretResource, other, "ns"); err == nil {
				refused, err = true, apierrors.NewConflict(secretResource.GroupResource(), "name", nil)
			}
		})
		return refused, nil, err
	})
	config, _ := newConfig(client)
	late, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := late.serving.Load().CheckSignatureFrom(all[young].Cert); err != nil {
		t.Errorf("the certificate is not of the authority that the other stored: %v", err)
	}
}
