// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package controllers runs the controllers: inside the API server, on informers that read through its handlers, and on one
// replica at a time.
package controllers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/internal/controllers/binder"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/network"
	"ironcore.dev/networking/internal/controllers/peering"
	"ironcore.dev/networking/internal/controllers/release"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Config is what a Manager needs.
type Config struct {
	Options *Options
	// Client and Informers speak to this server.
	Client    versioned.Interface
	Informers externalversions.SharedInformerFactory
	// Recorder takes the Events.
	Recorder record.EventRecorder
	// NewProvider makes the network provider of a leader. Nil leaves Networks to a provider outside.
	NewProvider func() (provider.Provider, error)
	// Etcd holds the election under ElectionPrefix; Identity names this replica in it.
	Etcd                     *clientv3.Client
	ElectionPrefix, Identity string
}

// Manager runs the controllers.
type Manager struct {
	Config
	informer cache.SharedIndexInformer
}

// NewManager prepares the informers; nothing runs before Run.
func NewManager(config Config) (*Manager, error) {
	informer := config.Informers.Networking().V1alpha1().Networks().Informer()
	if err := informer.AddIndexers(index.Indexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of Networks: %w", err)
	}
	return &Manager{Config: config, informer: informer}, nil
}

// HealthChecks are the parts of /readyz that the controllers answer for.
func (m *Manager) HealthChecks() []healthz.HealthChecker {
	return []healthz.HealthChecker{
		healthz.NamedCheck("controller-informers-synced", func(*http.Request) error {
			if !m.informer.HasSynced() {
				return fmt.Errorf("the controllers have not read all Networks yet")
			}
			return nil
		}),
	}
}

// Run keeps the informers in sync and, whenever this replica leads, runs the controllers, until the context ends and all
// of them have stopped.
func (m *Manager) Run(ctx context.Context) {
	m.Informers.StartWithContext(ctx)
	defer m.Informers.Shutdown()
	if !cache.WaitForCacheSync(ctx.Done(), m.informer.HasSynced) {
		return
	}
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := m.lead(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Leading the controllers ended, will try again")
		}
	}, time.Second)
}

// runControllers runs the enabled controllers until the context ends or one of them fails.
func (m *Manager) runControllers(ctx context.Context) error {
	leadingMetric.Set(1)
	defer leadingMetric.Set(0)
	networks := m.Client.NetworkingV1alpha1()
	shared := binder.New(listers.NewNetworkLister(m.informer.GetIndexer()), networks, m.Recorder)
	running, ctx := errgroup.WithContext(ctx)
	if m.Options.enabled(network.Name) && m.NewProvider != nil {
		provider, err := m.NewProvider()
		if err != nil {
			return err
		}
		running.Go(func() error {
			return network.New(m.informer, networks, m.Recorder, provider).Run(ctx, m.Options.ConcurrentNetworkSyncs)
		})
	}
	if m.Options.enabled(peering.Name) {
		running.Go(func() error { return peering.New(m.informer, shared).Run(ctx, m.Options.ConcurrentPeeringSyncs) })
	}
	if m.Options.enabled(release.Name) {
		running.Go(func() error { return release.New(m.informer, shared).Run(ctx, m.Options.ConcurrentReleaseSyncs) })
	}
	<-ctx.Done()
	return running.Wait()
}
