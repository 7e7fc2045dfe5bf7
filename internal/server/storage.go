// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
	"ironcore.dev/networking/internal/registry/loadbalancer"
	"ironcore.dev/networking/internal/registry/loadbalancerrouting"
	"ironcore.dev/networking/internal/registry/member"
	"ironcore.dev/networking/internal/registry/natgateway"
	registrynetwork "ironcore.dev/networking/internal/registry/network"
	"ironcore.dev/networking/internal/registry/networkinterface"
	"ironcore.dev/networking/internal/registry/networkpolicy"
	"ironcore.dev/networking/internal/registry/virtualip"
	"ironcore.dev/networking/internal/rules"
)

// newStorage returns what serves each resource and subresource. Networks and their members look each other up: a Network that
// is being deleted waits for its members, and takes no new ones. The enforcer puts NetworkPolicies in force, and the kinds beside
// Networks and their interfaces are left to the agent, if there are such.
func newStorage(optsGetter generic.RESTOptionsGetter, lookup member.Lookup, view registrynetwork.View, enforcer, agent string,
) (map[string]rest.Storage, error) {
	members := &networkMembers{lookup: lookup}
	networks, err := registrynetwork.NewStorage(scheme, optsGetter, members, view)
	if err != nil {
		return nil, err
	}
	storage := map[string]rest.Storage{
		"networks":                 networks.Network,
		"networks/status":          networks.Status,
		"networks/binding":         networks.Binding,
		"networks/realization":     networks.Realization,
		"networks/membership":      networks.Membership,
		"networks/peeringrequests": networks.Requests,
	}
	getNetwork := func(ctx context.Context, name string) (*networking.Network, error) {
		obj, err := networks.Network.Get(ctx, name, &metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return obj.(*networking.Network), nil
	}
	if members.interfaces, err = networkinterface.NewStorage(scheme, optsGetter, getNetwork, networks.Overlaps.OfInterface); err != nil {
		return nil, err
	}
	if members.balancers, err = loadbalancer.NewStorage(scheme, optsGetter, agent, getNetwork); err != nil {
		return nil, err
	}
	if members.gateways, err = natgateway.NewStorage(scheme, optsGetter, agent, getNetwork); err != nil {
		return nil, err
	}
	for resource, kind := range map[string]member.Storage{
		"networkinterfaces": members.interfaces, "loadbalancers": members.balancers, "natgateways": members.gateways,
	} {
		storage[resource], storage[resource+"/status"] = kind.Main, kind.Status
	}
	for resource, newStorage := range map[string]func() (*registry.REST, *registry.StatusREST, error){
		"loadbalancerroutings": func() (*registry.REST, *registry.StatusREST, error) {
			return loadbalancerrouting.NewStorage(scheme, optsGetter)
		},
		"networkpolicies": func() (*registry.REST, *registry.StatusREST, error) {
			return networkpolicy.NewStorage(scheme, optsGetter, enforcer, agent)
		},
		"virtualips": func() (*registry.REST, *registry.StatusREST, error) {
			return virtualip.NewStorage(scheme, optsGetter, agent)
		},
	} {
		main, status, err := newStorage()
		if err != nil {
			return nil, err
		}
		storage[resource] = main
		if status != nil {
			storage[resource+"/status"] = status
		}
	}
	return storage, nil
}

// networkMembers finds the members of Networks among the kinds that there are.
type networkMembers struct {
	lookup                          member.Lookup
	interfaces, balancers, gateways member.Storage
}

func (m *networkMembers) OfNetwork(ctx context.Context, namespace, network string) (rules.Members, error) {
	names, err := m.lookup.OfNetwork(ctx, namespace, network, m.interfaces, m.balancers, m.gateways)
	if err != nil {
		return rules.Members{}, err
	}
	return rules.Members{NetworkInterfaces: names[0], LoadBalancers: names[1], NATGateways: names[2]}, nil
}

func (m *networkMembers) RemoveFromEmpty(ctx context.Context, namespace, key string, revision int64) (bool, error) {
	ctx, patience := newPatience(ctx)
	removed, err := m.lookup.RemoveFromEmpty(ctx, namespace, key, revision, m.interfaces, m.balancers, m.gateways)
	return removed, patience.end(ctx, err)
}
