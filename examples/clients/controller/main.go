// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command controller prints why peerings are pending, with controller-runtime.
package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "controller:", err)
		os.Exit(1)
	}
}

func run() error {
	ctrl.SetLogger(zap.New())
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return err
	}
	networks := manager.GetClient()
	err = ctrl.NewControllerManagedBy(manager).For(&v1alpha1.Network{}).Complete(reconcile.Func(
		func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
			var network v1alpha1.Network
			if err := networks.Get(ctx, request.NamespacedName, &network); err != nil {
				return reconcile.Result{}, client.IgnoreNotFound(err)
			}
			for _, peering := range network.Status.Peerings {
				if peering.Phase == v1alpha1.NetworkPeeringPhasePending {
					fmt.Printf("%s, peering %s: %s: %s\n", request, peering.Name, peering.Reason, peering.Message)
				}
			}
			return reconcile.Result{}, nil
		}))
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
