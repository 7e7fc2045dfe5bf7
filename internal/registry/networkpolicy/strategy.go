// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package networkpolicy serves NetworkPolicies: who may write what, what makes one Ready, the storage and the table.
package networkpolicy

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/internal/registry"
)

// NewStorage returns the storage of NetworkPolicies and of their status. Either the enforcer puts them in force, a provider
// inside the server, or the agent, which is outside. An empty name means that there is none.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, enforcer, agent string,
) (*registry.REST, *registry.StatusREST, error) {
	kind := definition
	if enforcer != "" {
		kind.ObservedAtOnce = false // The enforcer writes observedGeneration.
		kind.Conditions = func(policy *networking.NetworkPolicy) []metav1.Condition { return enforced(policy, enforcer) }
	}
	return registry.NewStorage(scheme, kind.LeftTo(agent), optsGetter)
}

var definition = registry.Definition[*networking.NetworkPolicy]{
	Plural: "networkpolicies", Singular: "networkpolicy", ShortNames: []string{"netpol"},
	New:     func() *networking.NetworkPolicy { return &networking.NetworkPolicy{} },
	NewList: func() runtime.Object { return &networking.NetworkPolicyList{} },
	Fields:  selectable,
	Table:   table,

	Spec:         registry.PartOf(func(policy *networking.NetworkPolicy) *networking.NetworkPolicySpec { return &policy.Spec }),
	Status:       registry.PartOf(func(policy *networking.NetworkPolicy) *networking.NetworkPolicyStatus { return &policy.Status }),
	StatusFields: registry.Whole("conditions"),
	Observed: func(policy *networking.NetworkPolicy) (*int64, *[]metav1.Condition) {
		return &policy.Status.ObservedGeneration, &policy.Status.Conditions
	},
	ObservedAtOnce: true,
	Conditions:     ready,
	ConditionTypes: []string{v1alpha1.ConditionReady},

	ValidateCreate: validation.ValidateNetworkPolicy,
	ValidateUpdate: validation.ValidateNetworkPolicyUpdate,
	ValidateStatus: validation.ValidateNetworkPolicyStatusUpdate,
}

var selectable = registry.Fields[*networking.NetworkPolicy]{
	"spec.networkRef.name": func(policy *networking.NetworkPolicy) string { return policy.Spec.NetworkRef.Name },
}

// enforced keeps the condition that the enforcer reported for the current generation. Until it has reported, nothing is in force.
func enforced(policy *networking.NetworkPolicy, enforcer string) []metav1.Condition {
	given := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionReady)
	if given != nil && given.Reason != v1alpha1.ReasonNotReported && given.ObservedGeneration == policy.Generation {
		return []metav1.Condition{*given}
	}
	return registry.Unrealized(fmt.Sprintf("The network provider %s has not put it in force: its Network %s must exist and be Available.", enforcer, policy.Spec.NetworkRef.Name), nil)
}

// ready keeps a fault that the provider reported. Otherwise the NetworkPolicy is Ready: its status has nothing else that a
// provider could report.
func ready(policy *networking.NetworkPolicy) []metav1.Condition {
	given := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionReady)
	if given != nil && given.Status != metav1.ConditionTrue {
		return []metav1.Condition{*given}
	}
	return []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNotReported,
		Message: "The NetworkPolicy is stored, and the network provider reports no fault.",
	}}
}
