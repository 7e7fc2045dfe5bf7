// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"

	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/internal/apis/networking"
)

// tableConvertor prints Networks for kubectl get; the columns of priority 1 appear with -o wide.
type tableConvertor struct{}

func columns() []metav1.TableColumnDefinition {
	return []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the Network."},
		{Name: "State", Type: "string",
			Description: "Pending, Available or Error, as the provider reports; Terminating while the Network is being deleted."},
		{Name: "Peerings", Type: "string", Description: "How many of the Network's peerings are Bound."},
		{Name: "Age", Type: "string", Description: "Time since the Network was created."},
		{Name: "Provider ID", Type: "string", Priority: 1, Description: "The Network in the infrastructure."},
		{Name: "Pending Reason", Type: "string", Priority: 1, Description: "Why the first peering that is not Bound is Pending."},
	}
}

func (tableConvertor) ConvertToTable(_ context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if tableOptions, ok := options.(*metav1.TableOptions); !ok || !tableOptions.NoHeaders {
		table.ColumnDefinitions = columns()
	}
	switch object := object.(type) {
	case *networking.Network:
		table.ResourceVersion = object.ResourceVersion
		table.Rows = []metav1.TableRow{row(object)}
	case *networking.NetworkList:
		table.ResourceVersion = object.ResourceVersion
		table.Continue = object.Continue
		table.RemainingItemCount = object.RemainingItemCount
		table.Rows = make([]metav1.TableRow, 0, len(object.Items))
		for i := range object.Items {
			table.Rows = append(table.Rows, row(&object.Items[i]))
		}
	default:
		return nil, fmt.Errorf("got a %T where a Network or a list of Networks was expected", object)
	}
	return table, nil
}

func row(network *networking.Network) metav1.TableRow {
	state := string(network.Status.State)
	if network.DeletionTimestamp != nil {
		state = "Terminating"
	}
	return metav1.TableRow{
		Object: runtime.RawExtension{Object: network},
		Cells: []any{
			network.Name,
			state,
			fmt.Sprintf("%d/%d", countBound(&network.Status), len(network.Status.Peerings)),
			metatable.ConvertToHumanReadableDateType(network.CreationTimestamp),
			orNone(network.Spec.ProviderID),
			orNone(firstPendingReason(&network.Status)),
		},
	}
}

func firstPendingReason(status *networking.NetworkStatus) string {
	for i := range status.Peerings {
		if status.Peerings[i].Phase != networking.NetworkPeeringPhaseBound {
			return status.Peerings[i].Reason
		}
	}
	return ""
}

func orNone(text string) string {
	if text == "" {
		return "<none>"
	}
	return text
}
