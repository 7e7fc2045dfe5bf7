// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// MemberIndexers are to be added to the informers of LoadBalancers, NATGateways and NetworkPolicies before they start.
// InterfaceIndexers have the same for NetworkInterfaces.
func MemberIndexers() cache.Indexers { return cache.Indexers{ofNetwork: byNetwork} }

func byNetwork(obj any) ([]string, error) {
	switch obj.(type) {
	case *v1alpha1.NetworkInterface, *v1alpha1.LoadBalancer, *v1alpha1.NATGateway, *v1alpha1.NetworkPolicy:
		return []string{NetworkOf(obj).String()}, nil
	}
	return nil, fmt.Errorf("got a %T where a member of a Network was expected", obj)
}

// NetworkOf names the Network that a NetworkInterface, LoadBalancer, NATGateway or NetworkPolicy belongs to.
func NetworkOf(member any) types.NamespacedName {
	switch member := member.(type) {
	case *v1alpha1.NetworkInterface:
		return types.NamespacedName{Namespace: member.Namespace, Name: member.Spec.NetworkRef.Name}
	case *v1alpha1.LoadBalancer:
		return types.NamespacedName{Namespace: member.Namespace, Name: member.Spec.NetworkRef.Name}
	case *v1alpha1.NetworkPolicy:
		return types.NamespacedName{Namespace: member.Namespace, Name: member.Spec.NetworkRef.Name}
	case *v1alpha1.NATGateway:
		return types.NamespacedName{Namespace: member.Namespace, Name: member.Spec.NetworkRef.Name}
	}
	return types.NamespacedName{}
}

// MembersOf returns the names of the members of a kind that a Network has.
func MembersOf(indexer cache.Indexer, network types.NamespacedName) ([]string, error) {
	found, err := names(indexer, ofNetwork, network.String())
	if err != nil {
		return nil, err
	}
	members := make([]string, 0, len(found))
	for _, name := range found {
		members = append(members, name.Name)
	}
	return members, nil
}

// Members returns the members of a kind that a Network has.
func Members[T any](informer cache.SharedIndexInformer, network types.NamespacedName) []*T {
	return listed[T](informer, ofNetwork, network.String())
}

// InNamespace returns the objects of a namespace.
func InNamespace[T any](informer cache.SharedIndexInformer, namespace string) []*T {
	return listed[T](informer, cache.NamespaceIndex, namespace)
}

func listed[T any](informer cache.SharedIndexInformer, index, value string) []*T {
	objects, err := informer.GetIndexer().ByIndex(index, value)
	if err != nil {
		return nil // The index exists.
	}
	found := make([]*T, 0, len(objects))
	for _, obj := range objects {
		found = append(found, obj.(*T))
	}
	return found
}
