// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// peeringTarget indexes Networks by those that their peerings name.
const peeringTarget = "peeringTarget"

// peeringReconciler binds peerings.
type peeringReconciler struct {
	client.Client
}

func setUpPeerings(ctx context.Context, manager ctrl.Manager) error {
	indexer := manager.GetFieldIndexer()
	if err := indexer.IndexField(ctx, &v1alpha1.Network{}, peeringTarget, targets); err != nil {
		return err
	}
	r := &peeringReconciler{manager.GetClient()}
	return ctrl.NewControllerManagedBy(manager).
		Named("peering").
		For(&v1alpha1.Network{}).
		Watches(&v1alpha1.Network{}, handler.EnqueueRequestsFromMapFunc(r.naming),
			builder.WithPredicates(predicate.Funcs{UpdateFunc: concernsPeers})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
}

// targets returns the Networks that a Network's peerings name.
func targets(obj client.Object) []string {
	network := obj.(*v1alpha1.Network)
	targets := make([]string, 0, len(network.Spec.Peerings))
	for i := range network.Spec.Peerings {
		targets = append(targets, rules.PeeringTarget(network.Namespace, network.Spec.Peerings[i].NetworkRef.Namespace, network.Spec.Peerings[i].NetworkRef.Name).String())
	}
	return targets
}

// concernsPeers tells whether an update can change the binding of the Networks that name this one.
func concernsPeers(e event.UpdateEvent) bool {
	old, network := e.ObjectOld.(*v1alpha1.Network), e.ObjectNew.(*v1alpha1.Network)
	return old.UID != network.UID ||
		old.DeletionTimestamp.IsZero() != network.DeletionTimestamp.IsZero() ||
		old.Status.State != network.Status.State ||
		!equality.Semantic.DeepEqual(old.Spec.Peerings, network.Spec.Peerings)
}

// naming returns a request for each Network with a peering that names the given one.
func (r *peeringReconciler) naming(ctx context.Context, obj client.Object) []reconcile.Request {
	var networks v1alpha1.NetworkList
	target := client.ObjectKeyFromObject(obj).String()
	err := r.List(ctx, &networks, client.MatchingFields{peeringTarget: target}, client.UnsafeDisableDeepCopy)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Finding the Networks that name a Network failed", "network", target)
		return nil
	}
	requests := make([]reconcile.Request, 0, len(networks.Items))
	for i := range networks.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&networks.Items[i])})
	}
	return requests
}

func (r *peeringReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var network v1alpha1.Network
	if err := r.Get(ctx, request.NamespacedName, &network); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	decided := rules.DecideBinding(&network, func(name types.NamespacedName) *v1alpha1.Network {
		var peer v1alpha1.Network
		if r.Get(ctx, name, &peer, client.UnsafeDisableDeepCopy) != nil {
			return nil
		}
		return &peer
	})
	if !equality.Semantic.DeepEqual(network.Spec.IncomingPeerings, decided.IncomingPeerings) {
		network.Spec.IncomingPeerings = decided.IncomingPeerings
		if err := r.Update(ctx, &network); err != nil {
			return reconcile.Result{}, ignoreStale(err)
		}
	}
	status := phases(network.Status.Peerings, decided.Peerings)
	if equality.Semantic.DeepEqual(network.Status.Peerings, status) {
		return reconcile.Result{}, nil
	}
	network.Status.Peerings = status
	return reconcile.Result{}, ignoreStale(r.Status().Update(ctx, &network))
}

// phases puts what was decided beside what the provider says.
func phases(stored []v1alpha1.NetworkPeeringStatus,
	decided []v1alpha1.NetworkPeeringBinding) []v1alpha1.NetworkPeeringStatus {
	before := make(map[string]v1alpha1.NetworkPeeringStatus, len(stored))
	for _, item := range stored {
		before[item.Name] = item
	}
	var status []v1alpha1.NetworkPeeringStatus
	for _, decision := range decided {
		item := before[decision.Name]
		if item.Phase != decision.Phase {
			now := metav1.Now()
			item.LastPhaseTransitionTime = &now
		}
		item.Name, item.Phase = decision.Name, decision.Phase
		item.Reason, item.Message = decision.Reason, decision.Message
		status = append(status, item)
	}
	return status
}
