// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package controllers runs the controllers: inside the API server, on informers that read through its handlers, and on one
// replica at a time.
package controllers

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/address"
	"ironcore.dev/networking/internal/controllers/host"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/loadbalancer"
	"ironcore.dev/networking/internal/controllers/machine"
	"ironcore.dev/networking/internal/controllers/membership"
	"ironcore.dev/networking/internal/controllers/network"
	"ironcore.dev/networking/internal/controllers/networkinterface"
	"ironcore.dev/networking/internal/controllers/observe"
	"ironcore.dev/networking/internal/controllers/peering"
	"ironcore.dev/networking/internal/controllers/prefix"
	"ironcore.dev/networking/internal/controllers/virtualip"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
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
	// Unreadable, if any, are the stored objects that the informers leave out because they can't be read.
	Unreadable *index.Unreadable
	// Synced, if any, is called once the informers have read everything.
	Synced func()
	// Leading, if any, is called at the beginning of each term in which this replica runs the controllers.
	Leading func()
	// Recorder takes the Events.
	Recorder record.EventRecorder
	// Host is the host cluster, nil if there is none.
	Host *host.Cluster
	// NewProvider makes the network provider of a leader. Nil leaves Networks to a provider outside.
	NewProvider func() (provider.Provider, error)
	// Etcd holds the election under ElectionPrefix, in which Identity names this replica, and the objects under
	// StoragePrefix.
	Etcd                                    *clientv3.Client
	ElectionPrefix, StoragePrefix, Identity string
}

// Manager runs the controllers.
type Manager struct {
	Config
	// Figures are metrics of what the informers hold, for the process to register.
	Figures *observe.Figures

	networks, interfaces, policies, balancers, gateways, routings, vips cache.SharedIndexInformer
	running                                                             sync.Map // the controllers that run now, by name
}

// controller is what the Manager runs.
type controller interface {
	Run(ctx context.Context, workers int) error
	// Healthy returns what keeps it from making progress, or nil.
	Healthy() error
}

// NewManager prepares the informers; nothing runs before Run.
func NewManager(config Config) (*Manager, error) {
	informers := config.Informers.Networking().V1alpha1()
	m := &Manager{
		Config:     config,
		Figures:    &observe.Figures{},
		networks:   informers.Networks().Informer(),
		interfaces: informers.NetworkInterfaces().Informer(),
		policies:   informers.NetworkPolicies().Informer(),
		balancers:  informers.LoadBalancers().Informer(),
		gateways:   informers.NATGateways().Informer(),
		routings:   informers.LoadBalancerRoutings().Informer(),
		vips:       informers.VirtualIPs().Informer(),
	}
	if m.Unreadable != nil {
		informers := m.informers()
		m.Unreadable.Seen = func(resource string) int64 { return seenBy(informers[resource]) }
	}
	if err := m.networks.AddIndexers(index.Indexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of Networks: %w", err)
	}
	if err := m.interfaces.AddIndexers(index.InterfaceIndexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of NetworkInterfaces: %w", err)
	}
	if err := m.policies.AddIndexers(index.MemberIndexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of NetworkPolicies: %w", err)
	}
	if err := m.balancers.AddIndexers(index.MemberIndexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of LoadBalancers: %w", err)
	}
	for _, asking := range []cache.SharedIndexInformer{m.interfaces, m.balancers} {
		if err := asking.AddIndexers(prefix.Indexers()); err != nil {
			return nil, fmt.Errorf("adding the index of ephemeral Prefixes: %w", err)
		}
	}
	if err := m.gateways.AddIndexers(index.MemberIndexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of NATGateways: %w", err)
	}
	if err := m.vips.AddIndexers(virtualip.Indexers()); err != nil {
		return nil, fmt.Errorf("adding the indexes of VirtualIPs: %w", err)
	}
	if err := m.Figures.WatchConsent(m.networks); err != nil {
		return nil, fmt.Errorf("watching Networks for their metrics: %w", err)
	}
	return m, nil
}

// HealthChecks are the parts of /readyz that the controllers answer for.
func (m *Manager) HealthChecks() []healthz.HealthChecker {
	checks := []healthz.HealthChecker{
		healthz.NamedCheck("controller-informers-synced", func(*http.Request) error {
			for _, informer := range m.informers() {
				if !informer.HasSynced() {
					return fmt.Errorf("the controllers have not read all objects yet")
				}
			}
			return nil
		}),
	}
	for _, name := range slices.Sorted(maps.Keys(m.Options.ConcurrentSyncs)) {
		if m.Options.Enabled(name) {
			checks = append(checks, healthz.NamedCheck("controller-"+name, func(*http.Request) error { return m.healthy(name) }))
		}
	}
	return checks
}

// healthy returns what keeps a controller from making progress. One that does not run here has nothing to do.
func (m *Manager) healthy(name string) error {
	running, ok := m.running.Load(name)
	if !ok {
		return nil
	}
	return running.(controller).Healthy()
}

// informers are those of all kinds, by resource.
func (m *Manager) informers() map[string]cache.SharedIndexInformer {
	return map[string]cache.SharedIndexInformer{
		"networks": m.networks, "networkinterfaces": m.interfaces, "networkpolicies": m.policies, "loadbalancers": m.balancers,
		"natgateways": m.gateways, "loadbalancerroutings": m.routings, "virtualips": m.vips,
	}
}

// Network returns what the informer has of a Network, or nil.
func (m *Manager) Network(name types.NamespacedName) *v1alpha1.Network {
	return index.Get[v1alpha1.Network](m.networks, name)
}

// InterfacesOf returns the NetworkInterfaces of a Network that the informer has.
func (m *Manager) InterfacesOf(network *v1alpha1.Network) []*v1alpha1.NetworkInterface {
	return index.Members[v1alpha1.NetworkInterface](m.interfaces, rules.NameOf(network))
}

// MayHaveMembers tells whether the informers have a member in a namespace, or have not read all yet.
func (m *Manager) MayHaveMembers(namespace string) bool {
	return slices.ContainsFunc([]cache.SharedIndexInformer{m.interfaces, m.balancers, m.gateways}, func(kind cache.SharedIndexInformer) bool {
		members, err := kind.GetIndexer().IndexKeys(cache.NamespaceIndex, namespace)
		return err != nil || len(members) > 0 || !kind.HasSynced()
	})
}

// Related returns the Networks with a peering or a claim that names the given one that the informer has, and whether it has all.
func (m *Manager) Related(name types.NamespacedName) (related []*v1alpha1.Network, all bool) {
	return index.Related(m.networks, name), m.networks.HasSynced() && !m.Unreadable.Any("networks")
}

// Run keeps the informers in sync and, whenever this replica leads, runs the controllers, until the context ends and all
// of them have stopped.
func (m *Manager) Run(ctx context.Context) {
	m.Informers.Start(ctx.Done())
	defer m.Informers.Shutdown()
	for _, informer := range m.informers() {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return
		}
	}
	if m.Synced != nil {
		m.Synced()
	}
	if !slices.ContainsFunc(controllerNames, m.Options.Enabled) { // It would keep those from leading that have something to do.
		<-ctx.Done()
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
	defer m.Figures.Lead(m.networks.GetStore(), m.interfaces.GetStore())()
	if m.Leading != nil {
		m.Leading()
	}
	running, ctx := errgroup.WithContext(ctx)
	start := func(name string, construct func() controller) {
		if m.Options.Enabled(name) {
			started := construct()
			m.running.Store(name, started)
			running.Go(func() error {
				defer m.running.Delete(name)
				return started.Run(ctx, *m.Options.ConcurrentSyncs[name])
			})
		}
	}
	if err := m.startRealizing(start); err != nil {
		return err
	}
	m.startOthers(start)
	<-ctx.Done()
	return running.Wait()
}

// starter starts a controller if it is enabled.
type starter func(name string, construct func() controller)

// startRealizing starts the controllers that work with the network provider.
func (m *Manager) startRealizing(start starter) error {
	client := m.Client.NetworkingV1alpha1()
	var interfaceProvider provider.InterfaceProvider // Nil while somebody outside realizes NetworkInterfaces.
	if m.NewProvider != nil && slices.ContainsFunc([]string{address.Name, network.Name, networkinterface.Name}, m.Options.Enabled) {
		realizing, err := m.NewProvider()
		if err != nil {
			return err
		}
		if addresses, ok := realizing.(provider.AddressProvider); ok {
			start(address.Name, func() controller {
				return address.New(address.Informers{
					VirtualIPs: m.vips, Balancers: m.balancers, Gateways: m.gateways, Networks: m.networks,
				}, client, addresses)
			})
		}
		realizing = observe.Provider(realizing)
		start(network.Name, func() controller {
			return network.New(network.Informers{
				Networks: m.networks, Interfaces: m.interfaces, Policies: m.policies, Balancers: m.balancers, VirtualIPs: m.vips,
			}, client, m.Recorder, realizing, m.Unreadable)
		})
		interfaceProvider, _ = realizing.(provider.InterfaceProvider)
	}
	start(networkinterface.Name, func() controller {
		return networkinterface.New(m.networks, m.interfaces, m.vips, client, m.Recorder, interfaceProvider, m.Unreadable)
	})
	return nil
}

// startOthers starts the controllers that work with the API alone, or with the host cluster.
func (m *Manager) startOthers(start starter) {
	client := m.Client.NetworkingV1alpha1()
	writer := peering.NewWriter(listers.NewNetworkLister(m.networks.GetIndexer()), client, m.Recorder, m.Unreadable)
	start(peering.Name, func() controller { return peering.New(m.networks, writer) })
	start(peering.ReleaseName, func() controller { return peering.NewRelease(m.networks, writer) })
	start(membership.Name, func() controller {
		return membership.New(membership.Informers{
			Networks: m.networks, Interfaces: m.interfaces, Balancers: m.balancers, Gateways: m.gateways,
		}, client, m.Recorder)
	})
	start(loadbalancer.Name, func() controller {
		return loadbalancer.New(loadbalancer.Informers{
			Balancers: m.balancers, Routings: m.routings, Networks: m.networks, Interfaces: m.interfaces,
		}, client, m.Unreadable)
	})
	start(virtualip.Name, func() controller { return virtualip.New(m.vips, m.interfaces, client, m.Unreadable) })
	if m.Host != nil {
		start(machine.Name, func() controller { return machine.New(m.Host, m.interfaces, client, m.Recorder) })
		start(prefix.Name, func() controller { return prefix.New(m.Host, m.interfaces, m.balancers, client, m.Recorder) })
	}
}
