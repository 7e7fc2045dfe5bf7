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
	"ironcore.dev/networking/internal/controllers/machine"
	"ironcore.dev/networking/internal/controllers/membership"
	"ironcore.dev/networking/internal/controllers/network"
	"ironcore.dev/networking/internal/controllers/networkinterface"
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
	// Synced, if any, is called once the informers have read everything.
	Synced func()
	// Recorder takes the Events.
	Recorder record.EventRecorder
	// Host is the host cluster, nil if there is none.
	Host *machine.Host
	// NewProvider makes the network provider of a leader. Nil leaves Networks to a provider outside.
	NewProvider func() (provider.Provider, error)
	// Etcd holds the election under ElectionPrefix; Identity names this replica in it.
	Etcd                     *clientv3.Client
	ElectionPrefix, Identity string
}

// Manager runs the controllers.
type Manager struct {
	Config
	networks, interfaces cache.SharedIndexInformer
}

// NewManager prepares the informers; nothing runs before Run.
func NewManager(config Config) (*Manager, error) {
	informers := config.Informers.Networking().V1alpha1()
	m := &Manager{
		Config:     config,
		networks:   informers.Networks().Informer(),
		interfaces: informers.NetworkInterfaces().Informer(),
	}
	if err := m.networks.AddIndexers(index.Indexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of Networks: %w", err)
	}
	if err := m.interfaces.AddIndexers(index.InterfaceIndexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of NetworkInterfaces: %w", err)
	}
	return m, nil
}

// HealthChecks are the parts of /readyz that the controllers answer for.
func (m *Manager) HealthChecks() []healthz.HealthChecker {
	return []healthz.HealthChecker{
		healthz.NamedCheck("controller-informers-synced", func(*http.Request) error {
			if !m.networks.HasSynced() || !m.interfaces.HasSynced() {
				return fmt.Errorf("the controllers have not read all Networks and NetworkInterfaces yet")
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
	if !cache.WaitForCacheSync(ctx.Done(), m.networks.HasSynced, m.interfaces.HasSynced) {
		return
	}
	if m.Synced != nil {
		m.Synced()
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
	running, ctx := errgroup.WithContext(ctx)
	type run func(ctx context.Context, workers int) error
	start := func(name string, controller func() run) {
		if m.Options.enabled(name) {
			running.Go(func() error { return controller()(ctx, *m.Options.ConcurrentSyncs[name]) })
		}
	}
	client := m.Client.NetworkingV1alpha1()
	var interfaceProvider provider.InterfaceProvider // Nil while somebody outside realizes NetworkInterfaces.
	if m.NewProvider != nil && (m.Options.enabled(network.Name) || m.Options.enabled(networkinterface.Name)) {
		realizing, err := m.NewProvider()
		if err != nil {
			return err
		}
		start(network.Name, func() run { return network.New(m.networks, client, m.Recorder, realizing).Run })
		interfaceProvider, _ = realizing.(provider.InterfaceProvider)
	}
	start(networkinterface.Name, func() run {
		return networkinterface.New(m.networks, m.interfaces, client, m.Recorder, interfaceProvider).Run
	})
	binder := binder.New(listers.NewNetworkLister(m.networks.GetIndexer()), client, m.Recorder)
	start(peering.Name, func() run { return peering.New(m.networks, binder).Run })
	start(release.Name, func() run { return release.New(m.networks, binder).Run })
	start(membership.Name, func() run { return membership.New(m.networks, m.interfaces, client).Run })
	if m.Host != nil {
		start(machine.Name, func() run { return machine.New(m.Host, m.interfaces, client, m.Recorder).Run })
	}
	<-ctx.Done()
	return running.Wait()
}
