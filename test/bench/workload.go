// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// namespaces are those that the Networks of every workload are spread over.
var namespaces = []string{"bench-a", "bench-b"}

// workload is a set of Networks to create, with what a client sends to create each.
type workload struct {
	shape    string
	networks []*v1alpha1.Network
	bodies   [][]byte
}

// ring returns n Networks, each of which peers with the one before and the one after it. Neighbours live in different
// namespaces.
func ring(n int) (workload, error) {
	ref := func(i int) v1alpha1.NetworkPeeringNetworkRef {
		i = (i + n) % n
		return v1alpha1.NetworkPeeringNetworkRef{Namespace: namespaces[i%2], Name: fmt.Sprintf("ring-%06d", i)}
	}
	networks := make([]*v1alpha1.Network, 0, n)
	for i := range n {
		networks = append(networks, newNetwork(ref(i),
			v1alpha1.NetworkPeering{Name: "previous", NetworkRef: ref(i - 1)},
			v1alpha1.NetworkPeering{Name: "next", NetworkRef: ref(i + 1)}))
	}
	return encode("ring", networks)
}

// hub returns a Network that peers with all others, and the others, which peer with it alone.
func hub(spokes int) (workload, error) {
	center := v1alpha1.NetworkPeeringNetworkRef{Namespace: namespaces[0], Name: "hub"}
	networks := []*v1alpha1.Network{newNetwork(center)}
	for i := range spokes {
		spoke := v1alpha1.NetworkPeeringNetworkRef{Namespace: namespaces[1], Name: fmt.Sprintf("spoke-%06d", i)}
		networks[0].Spec.Peerings = append(networks[0].Spec.Peerings,
			v1alpha1.NetworkPeering{Name: spoke.Name, NetworkRef: spoke})
		networks = append(networks, newNetwork(spoke, v1alpha1.NetworkPeering{Name: "hub", NetworkRef: center}))
	}
	return encode("hub", networks)
}

func newNetwork(name v1alpha1.NetworkPeeringNetworkRef, peerings ...v1alpha1.NetworkPeering) *v1alpha1.Network {
	return &v1alpha1.Network{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Network"},
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Spec:       v1alpha1.NetworkSpec{Peerings: peerings},
	}
}

func encode(shape string, networks []*v1alpha1.Network) (workload, error) {
	w := workload{shape: shape, networks: networks}
	for _, network := range networks {
		body, err := json.Marshal(network)
		if err != nil {
			return workload{}, err
		}
		w.bodies = append(w.bodies, body)
	}
	return w, nil
}
