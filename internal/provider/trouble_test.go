// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package provider

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A queue takes such an answer of the server for a cache that is behind, and logs nothing.
func TestATroubleIsNoAnswerOfTheServer(t *testing.T) {
	remote := schema.GroupResource{Resource: "networks"}
	for _, cause := range []error{
		apierrors.NewNotFound(remote, "n"), apierrors.NewConflict(remote, "n", errors.New("changed")), apierrors.NewAlreadyExists(remote, "n"),
	} {
		err := fmt.Errorf("realizing: %w", NewTrouble("Error", "RemoteNotFound", "Words.", cause))
		if reason := apierrors.ReasonForError(err); reason != "" {
			t.Errorf("%v is taken for an answer of the server: %s", cause, reason)
		}
		var trouble *Trouble
		if !errors.As(err, &trouble) || !errors.Is(trouble.Cause, cause) {
			t.Errorf("the cause %v is lost: %v", cause, err)
		}
	}
}
