// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package virtualip

import (
	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

var table = registry.Table[*networking.VirtualIP]{
	Columns: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the VirtualIP."},
		{Name: "ExternalIP", Type: "string", Description: "Its address in force."},
		{Name: "Age", Type: "string", Description: "Time since it was created."},
		{Name: "Target", Type: "string", Priority: 1, Description: "The NetworkInterface that it leads to."},
		{Name: "Ready", Type: "string", Priority: 1, Description: "Whether it has its address."},
	},
	Cells: func(vip *networking.VirtualIP) []any {
		return []any{
			vip.Name,
			registry.Or(vip.Status.IP, "None"),
			metatable.ConvertToHumanReadableDateType(vip.CreationTimestamp),
			registry.Or(target(vip), "<none>"),
			registry.Ready(vip.Status.Conditions),
		}
	},
}
