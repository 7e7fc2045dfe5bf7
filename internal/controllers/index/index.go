// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package index names the indexes of the informers through which the controllers find what belongs together: the other end
// of a peering or a claim, the NetworkInterfaces of a Network, those with an address. The cost of that does not grow with
// the number of objects.
package index

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

const (
	// peeringTarget finds the Networks with a peering that names a given Network.
	peeringTarget = "peeringTarget"
	// claimUID finds the Networks that hold a claim of a given UID.
	claimUID = "claimUID"
	// ownUID finds the Network that has a given UID.
	ownUID = "ownUID"
)

// Indexers are to be added to the informer of Networks before it starts.
func Indexers() cache.Indexers {
	return cache.Indexers{
		peeringTarget: func(obj any) ([]string, error) {
			network, ok := obj.(*v1alpha1.Network)
			if !ok {
				return nil, fmt.Errorf("got a %T where a Network was expected", obj)
			}
			targets := make([]string, 0, len(network.Spec.Peerings))
			for i := range network.Spec.Peerings {
				ref := &network.Spec.Peerings[i].NetworkRef
				targets = append(targets, rules.PeeringTarget(network.Namespace, ref.Namespace, ref.Name).String())
			}
			return targets, nil
		},
		claimUID: func(obj any) ([]string, error) {
			network, ok := obj.(*v1alpha1.Network)
			if !ok {
				return nil, fmt.Errorf("got a %T where a Network was expected", obj)
			}
			claims := make([]string, 0, len(network.Spec.IncomingPeerings))
			for i := range network.Spec.IncomingPeerings {
				claims = append(claims, string(network.Spec.IncomingPeerings[i].UID))
			}
			return claims, nil
		},
		ownUID: func(obj any) ([]string, error) {
			network, ok := obj.(*v1alpha1.Network)
			if !ok {
				return nil, fmt.Errorf("got a %T where a Network was expected", obj)
			}
			return []string{string(network.UID)}, nil
		},
	}
}

// Naming returns the names of the Networks with a peering that names the given one.
func Naming(indexer cache.Indexer, name types.NamespacedName) ([]types.NamespacedName, error) {
	return names(indexer, peeringTarget, name.String())
}

// NetworksNaming returns the Networks with a peering that names the given one.
func NetworksNaming(informer cache.SharedIndexInformer, name types.NamespacedName) []*v1alpha1.Network {
	return listed[v1alpha1.Network](informer, peeringTarget, name.String())
}

// ClaimedBy returns the names of the Networks that hold a claim of the Network with the given UID.
func ClaimedBy(indexer cache.Indexer, uid types.UID) ([]types.NamespacedName, error) {
	return names(indexer, claimUID, string(uid))
}

// WithUID returns the name of the Network with the given UID, if there is one.
func WithUID(indexer cache.Indexer, uid types.UID) (types.NamespacedName, bool) {
	found, err := names(indexer, ownUID, string(uid))
	if err != nil || len(found) == 0 {
		return types.NamespacedName{}, false
	}
	return found[0], true
}

func names(indexer cache.Indexer, index, value string) ([]types.NamespacedName, error) {
	keys, err := indexer.IndexKeys(index, value)
	if err != nil {
		return nil, err
	}
	found := make([]types.NamespacedName, 0, len(keys))
	for _, key := range keys {
		namespace, name, err := cache.SplitMetaNamespaceKey(key)
		if err != nil {
			return nil, err
		}
		found = append(found, types.NamespacedName{Namespace: namespace, Name: name})
	}
	return found, nil
}

// Get returns an object of an informer, or nil if there is none.
func Get[T any](informer cache.SharedIndexInformer, name types.NamespacedName) *T {
	obj, _, _ := informer.GetIndexer().GetByKey(name.String())
	object, _ := obj.(*T)
	return object
}
