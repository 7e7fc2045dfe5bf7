// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkpolicy

import (
	"strings"

	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

var table = registry.Table[*networking.NetworkPolicy]{
	Columns: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the NetworkPolicy."},
		{Name: "Network", Type: "string", Description: "The Network that it belongs to."},
		{Name: "Nic-Selector", Type: "string", Description: "The NetworkInterfaces that it is for."},
		{Name: "Age", Type: "string", Description: "Time since it was created."},
		{Name: "Policy Types", Type: "string", Priority: 1, Description: "The directions that it restricts."},
		{Name: "Ready", Type: "string", Priority: 1, Description: "Whether it is in force, as far as the provider reports."},
	},
	Cells: func(policy *networking.NetworkPolicy) []any {
		return []any{
			policy.Name,
			policy.Spec.NetworkRef.Name,
			metav1.FormatLabelSelector(&policy.Spec.NetworkInterfaceSelector),
			metatable.ConvertToHumanReadableDateType(policy.CreationTimestamp),
			policyTypes(policy),
			registry.Ready(policy.Status.Conditions),
		}
	},
}

func policyTypes(policy *networking.NetworkPolicy) string {
	var types []string
	for _, direction := range policy.Spec.PolicyTypes {
		types = append(types, string(direction))
	}
	return strings.Join(types, ",")
}
