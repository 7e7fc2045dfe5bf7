// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

func TestARestartInTheMiddleOfWritesLosesNothing(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{
		"after SIGTERM": syscall.SIGTERM,
		"after kill -9": syscall.SIGKILL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const writers, pairs = 8, 20
			n := newNamespace(t, ownServer(t))
			ledger := &ledger{entries: make(map[string]types.UID)}
			var running sync.WaitGroup
			for writer := range writers {
				running.Go(func() {
					for pair := range pairs {
						left, right := fmt.Sprintf("w%d-p%d-left", writer, pair), fmt.Sprintf("w%d-p%d-right", writer, pair)
						ledger.write(t, n.networks, left, right)
						ledger.write(t, n.networks, right, left)
					}
				})
			}
			for crash := range 2 {
				poll(t, patience, func() error {
					if got, want := int(ledger.written.Load()), (crash+1)*writers*pairs/2; got < want {
						return fmt.Errorf("%d writes were acknowledged, waiting for %d", got, want)
					}
					return nil
				})
				if _, err := n.End(signal); err != nil {
					t.Error(err)
				}
				n.mustStart(t)
			}
			running.Wait()

			poll(t, 2*patience, func() error { return settled(listAll(t, n.server)) })
			ledger.check(t, listAll(t, n.server))
			expectNoWrites(t, n.server)
			n.stop(t)
			n.mustStart(t)
			expectNoWrites(t, n.server)
			ledger.check(t, listAll(t, n.server))
		})
	}
}

// ledger remembers what the server has acknowledged.
type ledger struct {
	written atomic.Int64
	mu      sync.Mutex
	entries map[string]types.UID
}

// write makes a Network and labels it, and again for as long as nobody answers.
func (l *ledger) write(t *testing.T, networks clientset.NetworkInterface, name, peer string) {
	for step, request := range []func(context.Context) (*v1alpha1.Network, error){
		func(ctx context.Context) (*v1alpha1.Network, error) {
			return networks.Create(ctx, newNetwork(name, to(peer)), metav1.CreateOptions{})
		},
		func(ctx context.Context) (*v1alpha1.Network, error) {
			label := []byte(`{"metadata":{"labels":{"written":"yes"}}}`)
			return networks.Patch(ctx, name, types.MergePatchType, label, metav1.PatchOptions{})
		},
	} {
		var last error
		err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 2*patience, true,
			func(ctx context.Context) (bool, error) {
				network, err := request(ctx)
				if apierrors.IsAlreadyExists(err) {
					return true, nil // An earlier attempt was stored, but not acknowledged.
				}
				if err != nil {
					last = err
					return false, nil
				}
				l.mu.Lock()
				defer l.mu.Unlock()
				l.entries[name] = network.UID
				l.written.Add(1)
				return true, nil
			})
		if err != nil {
			t.Errorf("step %d of %s: %v", step, name, errors.Join(err, last))
		}
	}
}

// check compares what was acknowledged with what there is.
func (l *ledger) check(t *testing.T, networks []v1alpha1.Network) {
	t.Helper()
	byName := make(map[string]*v1alpha1.Network, len(networks))
	providerIDs := make(map[string]string, len(networks))
	for i := range networks {
		network := &networks[i]
		byName[network.Name] = network
		if other, taken := providerIDs[network.Spec.ProviderID]; taken {
			t.Errorf("%s and %s have the same spec.providerID %s", other, network.Name, network.Spec.ProviderID)
		}
		providerIDs[network.Spec.ProviderID] = network.Name
	}
	for name, uid := range l.entries {
		network := byName[name]
		if network == nil || network.UID != uid || network.Labels["written"] != "yes" {
			t.Errorf("%s with uid %s was acknowledged with its label, got %v", name, uid, network)
		}
	}
	if len(networks) != len(l.entries) {
		t.Errorf("there are %d Networks, %d were acknowledged", len(networks), len(l.entries))
	}
}
