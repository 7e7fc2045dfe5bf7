// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// providerReconciler does what the local provider of network-apiserver does, but for keeping numbers: the UID serves as
// the identifier.
type providerReconciler struct {
	client.Client
}

func setUpProvider(manager ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(manager).
		Named("provider").
		For(&v1alpha1.Network{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&providerReconciler{manager.GetClient()})
}

func (r *providerReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var network v1alpha1.Network
	if err := r.Get(ctx, request.NamespacedName, &network); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !network.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, nil
	}
	if network.Spec.ProviderID == "" {
		before := client.MergeFrom(network.DeepCopy())
		network.Spec.ProviderID = "bench://" + string(network.UID)
		if err := r.Patch(ctx, &network, before); err != nil {
			return reconcile.Result{}, client.IgnoreNotFound(err)
		}
	}
	if network.Status.State == v1alpha1.NetworkStateAvailable {
		return reconcile.Result{}, nil
	}
	before := client.MergeFrom(network.DeepCopy())
	network.Status.State = v1alpha1.NetworkStateAvailable
	return reconcile.Result{}, client.IgnoreNotFound(r.Status().Patch(ctx, &network, before))
}

// ignoreStale drops the error of a write that was decided on an earlier state: the event of the later one follows.
func ignoreStale(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
