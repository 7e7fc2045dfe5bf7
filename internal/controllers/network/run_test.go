// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
)

// failing is an infrastructure that cannot be watched.
type failing struct{ memory }

func (*failing) Run(context.Context, provider.Found) error { return errors.New("nobody answers") }

// Whoever runs the controller then begins a new term; else no Network would be realized until the next leader.
func TestRunEndsWithTheProvidersError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		c := New(newInformers(t, client), client.NetworkingV1alpha1(), &record.FakeRecorder{}, &failing{}, nil)
		err := c.Run(t.Context(), 1)
		if want := "running the network provider: nobody answers"; err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
		time.Sleep(time.Minute) // The queue's own goroutines notice its end a while later.
	})
}
