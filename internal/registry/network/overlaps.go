// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	hubv1alpha1 "ironcore.dev/networking/internal/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// maxLookups is how many Networks are looked up for the warnings of one write: it stays cheap, whoever peers with whom.
const maxLookups = 2000

// Overlaps warns of peerings that will carry no traffic, because addresses are taken. It looks at the view alone: a write costs
// etcd nothing more for it.
type Overlaps struct{ view View }

// ofNetwork are the warnings of a write of a Network.
func (o *Overlaps) ofNetwork(network *networking.Network) []string {
	if len(network.Spec.Peerings) == 0 || network.DeletionTimestamp != nil {
		return nil
	}
	return rules.ForeseeOverlaps(external(network), o.lookup(), o.view.InterfacesOf)
}

// OfInterface are the warnings of a write of a NetworkInterface.
func (o *Overlaps) OfInterface(_ context.Context, nic, stored *networking.NetworkInterface) []string {
	if nic.DeletionTimestamp != nil || equality.Semantic.DeepEqual(nic.Spec.IPs, stored.Spec.IPs) &&
		equality.Semantic.DeepEqual(nic.Spec.Prefixes, stored.Spec.Prefixes) {
		return nil
	}
	lookup := o.lookup()
	network := lookup(types.NamespacedName{Namespace: nic.Namespace, Name: nic.Spec.NetworkRef.Name})
	if network == nil || len(network.Spec.Peerings) == 0 {
		return nil
	}
	asked := &v1alpha1.NetworkInterface{}
	if hubv1alpha1.Convert_networking_NetworkInterface_To_v1alpha1_NetworkInterface(nic, asked, nil) != nil {
		return nil
	}
	return rules.ForeseeInterfaceOverlaps(asked, network, lookup, o.view.InterfacesOf)
}

func (o *Overlaps) lookup() rules.Lookup {
	looks := 0
	return func(name types.NamespacedName) *v1alpha1.Network {
		if looks++; looks > maxLookups {
			return nil
		}
		return o.view.Network(name)
	}
}

// external returns a Network as rules read it. It shares what it points to.
func external(network *networking.Network) *v1alpha1.Network {
	converted := &v1alpha1.Network{}
	if hubv1alpha1.Convert_networking_Network_To_v1alpha1_Network(network, converted, nil) != nil {
		return nil
	}
	return converted
}
