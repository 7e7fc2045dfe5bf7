// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

var table = registry.Table[*networking.Network]{
	Columns: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the Network."},
		{Name: "State", Type: "string",
			Description: "Pending, Available or Error, as the provider reports; Terminating while the Network is being deleted, " +
				"with InUse while NetworkInterfaces hold that up."},
		{Name: "Peerings", Type: "string", Description: "How many of the Network's peerings are Bound."},
		{Name: "Age", Type: "string", Description: "Time since the Network was created."},
		{Name: "Provider ID", Type: "string", Priority: 1, Description: "The Network in the infrastructure."},
		{Name: "Interfaces", Type: "integer", Priority: 1, Description: "How many NetworkInterfaces the Network has."},
		{Name: "Pending Reason", Type: "string", Priority: 1,
			Description: "What the deletion waits for, or else why the first peering that is not Bound is Pending."},
	},
	Cells: func(network *networking.Network) []any {
		return []any{
			network.Name,
			state(network),
			fmt.Sprintf("%d/%d", countBound(&network.Status), len(network.Status.Peerings)),
			metatable.ConvertToHumanReadableDateType(network.CreationTimestamp),
			registry.OrNone(network.Spec.ProviderID),
			int64(network.Status.NetworkInterfaces),
			registry.OrNone(pendingReason(&network.Status)),
		}
	},
}

// withRequests adds a column with how many Networks ask for a peering.
func withRequests(table registry.Table[*networking.Network], count func(context.Context, *networking.Network) any,
) registry.Table[*networking.Network] {
	table.Columns = append(slices.Clone(table.Columns), metav1.TableColumnDefinition{
		Name: "Requests", Type: "string", Priority: 1,
		Description: "How many Networks ask for a peering, by networks/peeringrequests. A watch tells it anew when the Network changes.",
	})
	table.More = func(ctx context.Context, network *networking.Network) []any { return []any{count(ctx, network)} }
	return table
}

func state(network *networking.Network) string {
	shown := registry.State(network, network.Status.State)
	if meta.IsStatusConditionTrue(network.Status.Conditions, v1alpha1.NetworkDeletionBlocked) {
		shown += ",InUse"
	}
	return shown
}

func pendingReason(status *networking.NetworkStatus) string {
	if blocked := meta.FindStatusCondition(status.Conditions, v1alpha1.NetworkDeletionBlocked); blocked != nil {
		return blocked.Reason
	}
	for i := range status.Peerings {
		if status.Peerings[i].Phase != networking.NetworkPeeringPhaseBound {
			return status.Peerings[i].Reason
		}
	}
	return ""
}
