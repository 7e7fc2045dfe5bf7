// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package loadbalancerrouting

import (
	"fmt"
	"strings"

	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

var table = registry.Table[*networking.LoadBalancerRouting]{
	Columns: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the LoadBalancerRouting, and of its LoadBalancer."},
		{Name: "Targets", Type: "string", Description: "The first addresses that traffic is handed to, and how many more."},
		{Name: "Age", Type: "string", Description: "Time since it was created."},
		{Name: "Network", Type: "string", Priority: 1, Description: "The Network that it belongs to."},
	},
	Cells: func(routing *networking.LoadBalancerRouting) []any {
		return []any{
			routing.Name,
			targets(routing.Destinations),
			metatable.ConvertToHumanReadableDateType(routing.CreationTimestamp),
			registry.Or(routing.NetworkRef.Name, "<none>"),
		}
	},
}

// shownTargets is how many addresses the table shows.
const shownTargets = 3

func targets(destinations []networking.LoadBalancerDestination) string {
	var ips []string
	for i := range destinations[:min(len(destinations), shownTargets)] {
		ips = append(ips, destinations[i].IP)
	}
	shown := registry.Or(strings.Join(ips, ","), "<unset>")
	if more := len(destinations) - shownTargets; more > 0 {
		shown += fmt.Sprintf(" + %d more", more)
	}
	return shown
}
