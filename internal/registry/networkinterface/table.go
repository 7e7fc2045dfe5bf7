// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

var table = registry.Table[*networking.NetworkInterface]{
	Columns: []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the NetworkInterface."},
		{Name: "Network", Type: "string", Description: "The Network that it belongs to."},
		{Name: "Machine", Type: "string", Description: "The Machine that uses it."},
		{Name: "IPs", Type: "string", Description: "Its addresses in force."},
		{Name: "State", Type: "string",
			Description: "Pending, Available or Error, as the provider reports; Terminating while it is being deleted."},
		{Name: "Age", Type: "string", Description: "Time since it was created."},
		{Name: "Provider ID", Type: "string", Priority: 1, Description: "The NetworkInterface in the infrastructure."},
		{Name: "Reason", Type: "string", Priority: 1, Description: "Why it is not Available."},
	},
	Cells: func(nic *networking.NetworkInterface) []any {
		machine := ""
		if nic.Spec.MachineRef != nil {
			machine = nic.Spec.MachineRef.Name
		}
		return []any{
			nic.Name,
			nic.Spec.NetworkRef.Name,
			registry.OrNone(machine),
			registry.OrNone(strings.Join(nic.Status.IPs, ",")),
			registry.State(nic, nic.Status.State),
			metatable.ConvertToHumanReadableDateType(nic.CreationTimestamp),
			registry.OrNone(nic.Spec.ProviderID),
			registry.OrNone(unavailableReason(&nic.Status)),
		}
	},
}

func unavailableReason(status *networking.NetworkInterfaceStatus) string {
	available := meta.FindStatusCondition(status.Conditions, v1alpha1.NetworkInterfaceAvailable)
	if available == nil || available.Status == metav1.ConditionTrue {
		return ""
	}
	return available.Reason
}
