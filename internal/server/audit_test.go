// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
)

// written is an audit log.
type written struct {
	audit.Backend
	events []*auditinternal.Event
}

func (w *written) ProcessEvents(events ...*auditinternal.Event) bool {
	w.events = append(w.events, events...)
	return true
}

func TestTheAuditLogHasNoBodyOfWhatWasRefused(t *testing.T) {
	for sentence, tc := range map[string]struct {
		status *metav1.Status
		kept   bool
	}{
		"created":            {&metav1.Status{Code: 201}, true},
		"not answered yet":   {nil, true},
		"invalid":            {&metav1.Status{Code: 422}, false},
		"forbidden":          {&metav1.Status{Code: 403}, false},
		"the server's fault": {&metav1.Status{Code: 500}, false},
		"a conflict":         {&metav1.Status{Code: 409}, false},
	} {
		log := &written{}
		event := &auditinternal.Event{Verb: "create", RequestObject: &runtime.Unknown{Raw: []byte("{}")}, ResponseStatus: tc.status}
		if !(auditWithoutRefusedBodies{log}).ProcessEvents(event) || len(log.events) != 1 || log.events[0].Verb != "create" {
			t.Fatalf("%s: got %v, want the event", sentence, log.events)
		}
		if kept := log.events[0].RequestObject != nil; kept != tc.kept || event.RequestObject == nil {
			t.Errorf("%s: its body is in the log: %t", sentence, kept)
		}
	}
}
