// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/intent"
	"ironcore.dev/networking/internal/apis/networking"
)

func exposing(prefixes ...networking.PeeringPrefix) *networking.Network {
	network := inState(networking.NetworkStateAvailable)
	network.Spec.Peerings = []networking.NetworkPeering{{
		Name: "p", NetworkRef: networking.NetworkPeeringNetworkRef{Namespace: "team-b", Name: "b"}, Prefixes: prefixes,
	}}
	return network
}

func managedBy(manager string, operation metav1.ManagedFieldsOperationType, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, FieldsV1: metav1.NewFieldsV1(fields)}
}

func TestWhoOpensAPeering(t *testing.T) {
	const (
		peering = `{"f:spec":{"f:peerings":{"k:{\"name\":\"p\"}":{".":{},"f:name":{},"f:networkRef":{}}}}}`
		named   = `{"f:spec":{"f:peerings":{"k:{\"name\":\"p\"}":{".":{},"f:name":{}}}}}`
		other   = `{"f:spec":{"f:peerings":{"k:{\"name\":\"q\"}":{".":{},"f:name":{}}}}}`
		labels  = `{"f:metadata":{"f:labels":{"f:a":{}}}}`
	)
	const apply, update = metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate
	narrow := networking.PeeringPrefix{Name: "front", Prefix: "10.0.0.0/24"}
	for sentence, tc := range map[string]struct {
		applier         string
		managed         []metav1.ManagedFieldsEntry
		stored, network *networking.Network
		isRefused       bool
		isWarned        bool
	}{
		"the only writer of a peering opens it": {
			applier: "a", managed: []metav1.ManagedFieldsEntry{managedBy("a", apply, peering)},
			stored: exposing(narrow), network: exposing(), isWarned: true,
		},
		"writers of other fields are none of the peering": {
			applier: "a", managed: []metav1.ManagedFieldsEntry{
				managedBy("a", apply, peering), managedBy("b", apply, other), managedBy("c", update, labels)},
			stored: exposing(narrow), network: exposing(), isWarned: true,
		},
		"one of two writers gives up": {
			applier: "b", managed: []metav1.ManagedFieldsEntry{managedBy("a", apply, peering), managedBy("b", apply, named)},
			stored: exposing(narrow), network: exposing(), isRefused: true, isWarned: true,
		},
		"one of two writers gives up what it also names": {
			applier: "b", managed: []metav1.ManagedFieldsEntry{managedBy("a", update, peering), managedBy("b", apply, peering)},
			stored: exposing(narrow), network: exposing(), isRefused: true, isWarned: true,
		},
		"an applier says nothing of the peering any more": {
			applier: "b", managed: []metav1.ManagedFieldsEntry{managedBy("a", apply, peering), managedBy("b", apply, labels)},
			stored: exposing(narrow), network: exposing(), isRefused: true, isWarned: true,
		},
		"the same name by another operation is another writer": {
			applier: "a", managed: []metav1.ManagedFieldsEntry{managedBy("a", apply, peering), managedBy("a", update, peering)},
			stored: exposing(narrow), network: exposing(), isRefused: true, isWarned: true,
		},
		"managed fields that can't be read tell of no owner": {
			applier: "a", managed: []metav1.ManagedFieldsEntry{managedBy("a", apply, peering), managedBy("b", apply, `{"f:`)},
			stored: exposing(narrow), network: exposing(), isRefused: true, isWarned: true,
		},
		"any other verb says what it means": {
			managed: []metav1.ManagedFieldsEntry{managedBy("a", apply, peering), managedBy("b", update, peering)},
			stored:  exposing(narrow), network: exposing(), isWarned: true,
		},
		"what was open stays open": {
			applier: "b", managed: []metav1.ManagedFieldsEntry{managedBy("a", apply, peering)},
			stored: exposing(), network: exposing(),
		},
		"other ranges are ranges": {
			applier: "b", managed: []metav1.ManagedFieldsEntry{managedBy("a", apply, peering)},
			stored: exposing(narrow), network: exposing(networking.PeeringPrefix{Name: "back", Prefix: "10.0.1.0/24"}),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			tc.network.ManagedFields = tc.managed
			ctx := intent.With(t.Context(), intent.Intent{Applier: tc.applier})
			if errs := refuseGivingUp(ctx, tc.network, tc.stored); (len(errs) > 0) != tc.isRefused {
				t.Errorf("refused with %v, want it refused: %t", errs, tc.isRefused)
			}
			if warnings := newlyOpenWarnings(tc.network, tc.stored); (len(warnings) > 0) != tc.isWarned {
				t.Errorf("warned with %q, want a warning: %t", warnings, tc.isWarned)
			}
		})
	}
}
