// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package natgateway

import (
	"strings"

	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

var table = registry.Table[*networking.NATGateway]{
	Columns: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the NATGateway."},
		{Name: "IPs", Type: "string", Description: "Its addresses in force."},
		{Name: "Age", Type: "string", Description: "Time since it was created."},
		{Name: "Network", Type: "string", Priority: 1, Description: "The Network that it belongs to."},
		{Name: "Ready", Type: "string", Priority: 1, Description: "Whether it has an address."},
	},
	Cells: func(gateway *networking.NATGateway) []any {
		return []any{
			gateway.Name,
			registry.Or(strings.Join(gateway.Status.IPs, ","), "None"),
			metatable.ConvertToHumanReadableDateType(gateway.CreationTimestamp),
			gateway.Spec.NetworkRef.Name,
			registry.Ready(gateway.Status.Conditions),
		}
	},
}
