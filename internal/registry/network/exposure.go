// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"bytes"
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/internal/apis/intent"
	"ironcore.dev/networking/internal/apis/networking"
)

// A peering without prefixes exposes everything, and so does one that loses the last of them. Whoever writes the peering says
// so by leaving prefixes out, and is warned. A server-side applier that gives up its own items while others write the peering
// as well has said nothing of the kind: it is refused.

// newlyOpen returns the places of the peerings that come to expose everything and did not before.
func newlyOpen(network, stored *networking.Network) []int {
	narrow := make(map[string]bool, len(stored.Spec.Peerings))
	for i := range stored.Spec.Peerings {
		narrow[stored.Spec.Peerings[i].Name] = len(stored.Spec.Peerings[i].Prefixes) > 0
	}
	var places []int
	for i := range network.Spec.Peerings {
		if peering := &network.Spec.Peerings[i]; len(peering.Prefixes) == 0 && narrow[peering.Name] {
			places = append(places, i)
		}
	}
	return places
}

// newlyOpenWarnings tell whoever opens a peering what that means.
func newlyOpenWarnings(network, stored *networking.Network) []string {
	var warnings []string
	for _, i := range newlyOpen(network, stored) {
		warnings = append(warnings, fmt.Sprintf(
			"spec.peerings[%d].prefixes: gone, so %s may reach everything in this Network: give prefixes to expose less, "+
				"or take the peering out to expose nothing", i, target(network, &network.Spec.Peerings[i])))
	}
	return warnings
}

// refuseGivingUp refuses a server-side apply that opens a peering which the applier is not the only one to write.
func refuseGivingUp(ctx context.Context, network, stored *networking.Network) field.ErrorList {
	applier := intent.Applier(ctx)
	if applier == "" {
		return nil
	}
	var errs field.ErrorList
	for _, i := range newlyOpen(network, stored) {
		if name := network.Spec.Peerings[i].Name; !isWrittenBy(applier, network.ManagedFields, name) {
			errs = append(errs, field.Invalid(field.NewPath("spec", "peerings").Index(i).Child("prefixes"), "[]",
				"must not become empty because one of several field managers of the peering gives up its items: "+
					"take prefixes out with kubectl edit, patch or replace to expose everything, or take the peering out to expose nothing"))
		}
	}
	return errs
}

// isWrittenBy tells whether an applier owns fields of a peering, and nobody else does.
func isWrittenBy(applier string, managed []metav1.ManagedFieldsEntry, peering string) bool {
	isApplied := false
	for _, entry := range managed {
		if entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		var fields fieldpath.Set
		if err := fields.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return false // It can't be told who owns what.
		}
		item := fieldpath.KeyByFields("name", peering)
		below := fields.WithPrefix(fieldName("spec")).WithPrefix(fieldName("peerings"))
		if !below.Members.Has(fieldpath.PathElement{Key: item}) && below.WithPrefix(fieldpath.PathElement{Key: item}).Empty() {
			continue
		}
		if entry.Manager != applier || entry.Operation != metav1.ManagedFieldsOperationApply {
			return false
		}
		isApplied = true
	}
	return isApplied
}

func fieldName(name string) fieldpath.PathElement { return fieldpath.PathElement{FieldName: &name} }
