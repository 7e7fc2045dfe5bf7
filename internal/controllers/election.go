// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/internal/controllers/network"
	"ironcore.dev/networking/internal/controllers/observe"
	"ironcore.dev/networking/internal/controllers/queue"
)

// electionTTL is how many seconds after its last sign of life a leader is deposed.
const electionTTL = 3

// resignTimeout bounds how long a stopping leader tries to hand over.
const resignTimeout = 2 * time.Second

var leadingMetric = metrics.NewGauge(&metrics.GaugeOpts{
	Name:           "networking_leader",
	Help:           "1 while this replica runs the controllers, else 0.",
	StabilityLevel: metrics.ALPHA,
})

// Metrics are those of the controllers.
func Metrics() []metrics.Registerable {
	return slices.Concat([]metrics.Registerable{leadingMetric}, queue.Metrics(), network.Metrics(), observe.Metrics())
}

// lead runs the controllers for one term: from winning the election, if there is one, until the context ends, the lease is
// lost or a controller fails. Both the campaign and the term end with the session, so nobody waits or leads without a
// lease. A deposed leader may learn of it late; it does no harm, since each of its writes names the resourceVersion it was
// decided on. A new leader first waits until its informers have seen what was stored when it was elected.
func (m *Manager) lead(ctx context.Context) error {
	if !m.Options.LeaderElect {
		return m.runControllers(ctx)
	}
	session, err := concurrency.NewSession(m.Etcd, concurrency.WithTTL(electionTTL), concurrency.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("taking part in the election of the controllers' leader: %w", err)
	}
	// The session's own context has ended by the time a stopping leader resigns.
	defer func() {
		resignCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignTimeout)
		defer cancel()
		if _, err := m.Etcd.Revoke(resignCtx, session.Lease()); err != nil {
			klog.FromContext(ctx).V(1).Info("Could not resign, the lease will run out", "err", err)
		}
		session.Orphan()
	}()
	term, deposed := context.WithCancel(ctx)
	defer deposed()
	go func() {
		select {
		case <-session.Done():
			deposed()
		case <-term.Done():
		}
	}()
	election := concurrency.NewElection(session, path.Join(m.ElectionPrefix, "leader"))
	if err := election.Campaign(term, m.Identity); err != nil {
		return fmt.Errorf("campaigning to lead the controllers: %w", err)
	}
	if err := m.catchUp(term); err != nil {
		return err
	}
	klog.FromContext(ctx).Info("Leading the controllers", "identity", m.Identity)
	return m.runControllers(term)
}
