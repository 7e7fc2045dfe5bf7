// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

const (
	// ofNetwork finds the members of a kind that a Network has.
	ofNetwork = "network"
	// interfaceAddress finds the NetworkInterfaces of a Network that ask for an address or have it.
	interfaceAddress = "address"
	// routedNetwork finds the NetworkInterfaces of a Network to which ranges are routed.
	routedNetwork = "routed"
	// interfaceMachine finds the NetworkInterfaces that a Machine uses.
	interfaceMachine = "machine"
	// interfaceVirtualIP finds the NetworkInterfaces that name a VirtualIP.
	interfaceVirtualIP = "virtual-ip"
)

// InterfaceIndexers are to be added to the informer of NetworkInterfaces before it starts.
func InterfaceIndexers() cache.Indexers {
	return cache.Indexers{
		ofNetwork: byNetwork,
		interfaceAddress: indexed(func(nic *v1alpha1.NetworkInterface) []string {
			addresses := AddressesOf(nic)
			for i := range addresses {
				addresses[i] = addressKey(NetworkOf(nic), addresses[i])
			}
			return addresses
		}),
		routedNetwork: indexed(func(nic *v1alpha1.NetworkInterface) []string {
			if !isRouted(nic) {
				return nil
			}
			return []string{NetworkOf(nic).String()}
		}),
		interfaceMachine: indexed(func(nic *v1alpha1.NetworkInterface) []string {
			if nic.Spec.MachineRef == nil {
				return nil
			}
			return []string{string(nic.Spec.MachineRef.UID)}
		}),
		interfaceVirtualIP: indexed(func(nic *v1alpha1.NetworkInterface) []string {
			if source := nic.Spec.VirtualIP; source != nil && source.VirtualIPRef != nil {
				return []string{types.NamespacedName{Namespace: nic.Namespace, Name: source.VirtualIPRef.Name}.String()}
			}
			return nil
		}),
	}
}

func addressKey(network types.NamespacedName, address string) string {
	return network.String() + " " + address
}

// AddressesOf returns the addresses that a NetworkInterface asks for, and those that it still has of before.
func AddressesOf(nic *v1alpha1.NetworkInterface) []string {
	addresses := slices.Clone(nic.Status.IPs)
	for _, source := range nic.Spec.IPs {
		if source.Value != "" && !slices.Contains(addresses, source.Value) {
			addresses = append(addresses, source.Value)
		}
	}
	return addresses
}

// WithAddress returns the NetworkInterfaces of a Network that ask for an address or have it.
func WithAddress(indexer cache.Indexer, network types.NamespacedName, address string) ([]*v1alpha1.NetworkInterface, error) {
	objects, err := indexer.ByIndex(interfaceAddress, addressKey(network, address))
	if err != nil {
		return nil, err
	}
	found := make([]*v1alpha1.NetworkInterface, 0, len(objects))
	for _, object := range objects {
		found = append(found, object.(*v1alpha1.NetworkInterface))
	}
	return found, nil
}

func isRouted(nic *v1alpha1.NetworkInterface) bool {
	return len(nic.Spec.Prefixes) > 0 || len(nic.Status.Prefixes) > 0
}

// NeighboursOf returns the NetworkInterfaces of the Network of the given one whose addresses could be in its ranges, or the
// other way round, itself included.
func NeighboursOf(informer cache.SharedIndexInformer, nic *v1alpha1.NetworkInterface) []*v1alpha1.NetworkInterface {
	if isRouted(nic) {
		return Members[v1alpha1.NetworkInterface](informer, NetworkOf(nic))
	}
	return listed[v1alpha1.NetworkInterface](informer, routedNetwork, NetworkOf(nic).String())
}

// UsedBy returns the names of the NetworkInterfaces that the Machine with the given UID uses.
func UsedBy(indexer cache.Indexer, machine types.UID) ([]types.NamespacedName, error) {
	return names(indexer, interfaceMachine, string(machine))
}

// NamingVirtualIP returns the NetworkInterfaces that name a VirtualIP in virtualIPRef.
func NamingVirtualIP(informer cache.SharedIndexInformer, vip types.NamespacedName) []*v1alpha1.NetworkInterface {
	return listed[v1alpha1.NetworkInterface](informer, interfaceVirtualIP, vip.String())
}
