// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"strings"

	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

var table = registry.Table[*networking.LoadBalancer]{
	Columns: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the LoadBalancer."},
		{Name: "IPs", Type: "string", Description: "Its addresses in force."},
		{Name: "Age", Type: "string", Description: "Time since it was created."},
		{Name: "Type", Type: "string", Priority: 1, Description: "Public or Internal."},
		{Name: "Network", Type: "string", Priority: 1, Description: "The Network that it belongs to."},
		{Name: "Ready", Type: "string", Priority: 1, Description: "Whether it has its addresses."},
	},
	Cells: func(balancer *networking.LoadBalancer) []any {
		return []any{
			balancer.Name,
			registry.Or(strings.Join(balancer.Status.IPs, ","), "None"),
			metatable.ConvertToHumanReadableDateType(balancer.CreationTimestamp),
			string(balancer.Spec.Type),
			balancer.Spec.NetworkRef.Name,
			registry.Ready(balancer.Status.Conditions),
		}
	},
}
