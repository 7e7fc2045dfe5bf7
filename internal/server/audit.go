// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
)

// auditWithoutRefusedBodies keeps the body of a refused request out of the audit log. It may be large, and anybody may send one.
type auditWithoutRefusedBodies struct{ audit.Backend }

// ProcessEvents passes events on. Others may hold them, so what changes is a copy.
func (b auditWithoutRefusedBodies) ProcessEvents(events ...*auditinternal.Event) bool {
	kept := make([]*auditinternal.Event, 0, len(events))
	for _, event := range events {
		if event.RequestObject != nil && event.ResponseStatus != nil && event.ResponseStatus.Code >= http.StatusBadRequest {
			bare := *event
			bare.RequestObject = nil
			event = &bare
		}
		kept = append(kept, event)
	}
	return b.Backend.ProcessEvents(kept...)
}
