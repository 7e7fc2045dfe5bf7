// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command typed peers two Networks with the generated client, waits for the peering and prints what became of it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	watchtools "k8s.io/client-go/tools/watch"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	apply "ironcore.dev/networking/pkg/client/applyconfiguration/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
)

const namespace = "default"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "typed:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	// The kubeconfig that kubectl would use.
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	clients, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	client := clients.NetworkingV1alpha1()

	// Server-side apply: the peering of this name is ours, all others stay as they are.
	for network, peer := range map[string]string{"front": "back", "back": "front"} {
		_, err := client.Networks(namespace).Apply(ctx, apply.Network(network, namespace).
			WithSpec(apply.NetworkSpec().WithPeerings(apply.NetworkPeering().WithName(peer).
				WithNetworkRef(apply.NetworkPeeringNetworkRef().WithName(peer)))),
			metav1.ApplyOptions{FieldManager: "example"})
		if err != nil {
			return err
		}
	}

	// A watch that goes on where it was when it breaks.
	front := cache.NewListWatchFromClient(client.RESTClient(), "networks", namespace,
		fields.OneTermEqualSelector("metadata.name", "front"))
	_, err = watchtools.UntilWithSync(ctx, front, &v1alpha1.Network{}, nil, func(event watch.Event) (bool, error) {
		network, ok := event.Object.(*v1alpha1.Network)
		if !ok || len(network.Status.Peerings) == 0 {
			return false, nil
		}
		peering := network.Status.Peerings[0]
		fmt.Printf("front, peering %s: %s: %s\n", peering.Name, peering.Phase, peering.Message)
		return peering.Phase == v1alpha1.NetworkPeeringPhaseBound, nil
	})
	return err
}
