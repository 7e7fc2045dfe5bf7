// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package index names the indexes of the informers through which the controllers find what belongs together: the other end
// of a peering or a claim, the NetworkInterfaces of a Network, those with an address. The cost of that does not grow with
// the number of objects.
package index

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

const (
	// related finds the Networks with a peering or a claim that names a given Network. It is one index, because a bound Network
	// mostly has both, and the set of each value takes 300 bytes.
	related = "related"
	// ownUID finds the Networks with a UID that begins alike.
	ownUID = "ownUID"
)

// uidDigits is how much of a UID is a value of ownUID: a set for each 4,096th of the Networks takes less than one for each Network.
const uidDigits = 3

// Indexers are to be added to the informer of Networks before it starts.
func Indexers() cache.Indexers {
	return cache.Indexers{
		related: indexed(func(network *v1alpha1.Network) []string {
			names := make([]string, 0, len(network.Spec.Peerings)+len(network.Spec.IncomingPeerings))
			for i := range network.Spec.Peerings {
				names = append(names, rules.TargetOf(network, &network.Spec.Peerings[i]).String())
			}
			for _, claim := range network.Spec.IncomingPeerings {
				names = append(names, types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}.String())
			}
			slices.Sort(names)
			return slices.Compact(names)
		}),
		ownUID: indexed(func(network *v1alpha1.Network) []string { return []string{uidStart(network.UID)} }),
	}
}

// indexed is the index of the objects of a type by the values that each has.
func indexed[T any](values func(*T) []string) cache.IndexFunc {
	return func(obj any) ([]string, error) {
		object, ok := obj.(*T)
		if !ok {
			return nil, fmt.Errorf("got a %T where a %T was expected", obj, object)
		}
		return values(object), nil
	}
}

func uidStart(uid types.UID) string { return string(uid[:min(len(uid), uidDigits)]) }

// Related returns the Networks with a peering or a claim that names the given one.
func Related(informer cache.SharedIndexInformer, name types.NamespacedName) []*v1alpha1.Network {
	return listed[v1alpha1.Network](informer, related, name.String())
}

// ClaimedBy returns the Networks that hold a claim of the given one.
func ClaimedBy(informer cache.SharedIndexInformer, claimant *v1alpha1.Network) []*v1alpha1.Network {
	return slices.DeleteFunc(Related(informer, rules.NameOf(claimant)), func(network *v1alpha1.Network) bool {
		return !slices.ContainsFunc(network.Spec.IncomingPeerings, func(claim v1alpha1.NetworkPeeringClaimRef) bool {
			return claim.UID == claimant.UID
		})
	})
}

// WithUID returns the Network with the given UID, or nil.
func WithUID(informer cache.SharedIndexInformer, uid types.UID) *v1alpha1.Network {
	for _, network := range listed[v1alpha1.Network](informer, ownUID, uidStart(uid)) {
		if network.UID == uid {
			return network
		}
	}
	return nil
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
