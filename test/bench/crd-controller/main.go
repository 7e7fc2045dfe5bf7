// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The crd-controller is what network-apiserver is measured against: a controller for the same Network as a custom
// resource, written the way controller-runtime intends. It decides by the very rule of network-apiserver, so that both
// do the same work, and writes what a custom resource lets it write: claims to the object, phases to its status.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// workers is how many Networks each reconciler works on at the same time, as in network-apiserver.
const workers = 8

func main() {
	// controller-runtime brings the flag --kubeconfig along.
	provide := flag.Bool("provide", false, "Realize the Networks, too: set spec.providerID and report them Available.")
	flag.Parse()
	if err := run(ctrl.SetupSignalHandler(), *provide); err != nil {
		fmt.Fprintln(os.Stderr, "crd-controller:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, provide bool) error {
	ctrl.SetLogger(klog.Background())
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("reading --kubeconfig: %w", err)
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	if err := setUpPeerings(ctx, manager); err != nil {
		return err
	}
	if provide {
		if err := setUpProvider(manager); err != nil {
			return err
		}
	}
	return manager.Start(ctx)
}
