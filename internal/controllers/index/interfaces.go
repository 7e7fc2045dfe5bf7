// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

const (
	// interfaceNetwork finds the NetworkInterfaces of a Network.
	interfaceNetwork = "network"
	// interfaceAddress finds the NetworkInterfaces of a Network that ask for an address or have it.
	interfaceAddress = "address"
	// interfaceMachine finds the NetworkInterfaces that a Machine uses.
	interfaceMachine = "machine"
)

// InterfaceIndexers are to be added to the informer of NetworkInterfaces before it starts.
func InterfaceIndexers() cache.Indexers {
	return cache.Indexers{
		interfaceNetwork: ofInterface(func(nic *v1alpha1.NetworkInterface) []string {
			return []string{NetworkOf(nic).String()}
		}),
		interfaceAddress: ofInterface(func(nic *v1alpha1.NetworkInterface) []string {
			addresses := AddressesOf(nic)
			for i := range addresses {
				addresses[i] = addressKey(NetworkOf(nic), addresses[i])
			}
			return addresses
		}),
		interfaceMachine: ofInterface(func(nic *v1alpha1.NetworkInterface) []string {
			if nic.Spec.MachineRef == nil {
				return nil
			}
			return []string{string(nic.Spec.MachineRef.UID)}
		}),
	}
}

func ofInterface(values func(*v1alpha1.NetworkInterface) []string) cache.IndexFunc {
	return func(obj any) ([]string, error) {
		nic, ok := obj.(*v1alpha1.NetworkInterface)
		if !ok {
			return nil, fmt.Errorf("got a %T where a NetworkInterface was expected", obj)
		}
		return values(nic), nil
	}
}

func addressKey(network types.NamespacedName, address string) string {
	return network.String() + " " + address
}

// NetworkOf names the Network that a NetworkInterface belongs to.
func NetworkOf(nic *v1alpha1.NetworkInterface) types.NamespacedName {
	return types.NamespacedName{Namespace: nic.Namespace, Name: nic.Spec.NetworkRef.Name}
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

// InterfacesOf returns the names of the NetworkInterfaces of a Network.
func InterfacesOf(indexer cache.Indexer, network types.NamespacedName) ([]string, error) {
	found, err := names(indexer, interfaceNetwork, network.String())
	if err != nil {
		return nil, err
	}
	members := make([]string, 0, len(found))
	for _, name := range found {
		members = append(members, name.Name)
	}
	return members, nil
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

// UsedBy returns the names of the NetworkInterfaces that the Machine with the given UID uses.
func UsedBy(indexer cache.Indexer, machine types.UID) ([]types.NamespacedName, error) {
	return names(indexer, interfaceMachine, string(machine))
}
