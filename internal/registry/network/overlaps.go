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

// Overlaps warns of peerings that will carry no traffic, because addresses are taken. It looks at the view alone: a write costs
// etcd nothing more for it.
type Overlaps struct{ view View }

// ofNetwork are the warnings of a write of a Network that changes who is to be its peer, or what they may reach.
func (o *Overlaps) ofNetwork(network, stored *networking.Network) []string {
	if len(network.Spec.Peerings) == 0 || network.DeletionTimestamp != nil ||
		equality.Semantic.DeepEqual(network.Spec.Peerings, stored.Spec.Peerings) && declined(network) == declined(stored) {
		return nil
	}
	return rules.ForeseeOverlaps(external(network), o.view.Network, o.view.InterfacesOf)
}

func declined(network *networking.Network) string {
	return network.Annotations[v1alpha1.DeclinedPeeringsAnnotation]
}

// OfInterface are the warnings of a write of a NetworkInterface.
func (o *Overlaps) OfInterface(_ context.Context, nic, stored *networking.NetworkInterface) []string {
	if nic.DeletionTimestamp != nil || equality.Semantic.DeepEqual(nic.Spec.IPs, stored.Spec.IPs) &&
		equality.Semantic.DeepEqual(nic.Spec.Prefixes, stored.Spec.Prefixes) {
		return nil
	}
	network := o.view.Network(types.NamespacedName{Namespace: nic.Namespace, Name: nic.Spec.NetworkRef.Name})
	if network == nil || len(network.Spec.Peerings) == 0 {
		return nil
	}
	asked := &v1alpha1.NetworkInterface{}
	if hubv1alpha1.Convert_networking_NetworkInterface_To_v1alpha1_NetworkInterface(nic, asked, nil) != nil {
		return nil
	}
	return rules.ForeseeInterfaceOverlaps(asked, network, o.view.Network, o.view.InterfacesOf)
}

// external returns a Network as rules read it. It shares what it points to.
func external(network *networking.Network) *v1alpha1.Network {
	converted := &v1alpha1.Network{}
	if hubv1alpha1.Convert_networking_Network_To_v1alpha1_Network(network, converted, nil) != nil {
		return nil
	}
	return converted
}
