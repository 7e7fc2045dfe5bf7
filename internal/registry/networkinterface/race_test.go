// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/internal/apis/networking"
)

// An interface and the deletion of its Network come at once, with webhooks that take their time on either side. Whoever is
// accepted is held: no Network goes from under an interface, with a provider's finalizer or without.
func TestNoInterleavingTakesANetworkFromUnderItsInterface(t *testing.T) {
	const races, parallel = 400, 16
	s := newStage(t)
	webhook := func(context.Context, runtime.Object) error {
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		return nil
	}
	accepted := 0
	var mu sync.Mutex
	slots := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for i := range races {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			name := fmt.Sprintf("race-%d", i)
			network := &networking.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}}
			if i%2 == 0 {
				network.Finalizers = []string{"example.com/provider"}
			}
			if _, err := s.networks.Network.Create(s.ctx, network, nil, &metav1.CreateOptions{}); err != nil {
				t.Error(err)
				return
			}
			var both sync.WaitGroup
			var createErr, deleteErr error
			both.Go(func() {
				_, createErr = s.interfaces.Main.Create(s.ctx, &networking.NetworkInterface{
					ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name},
					Spec: networking.NetworkInterfaceSpec{
						NetworkRef: networking.LocalObjectReference{Name: name},
						IPFamilies: []networking.IPFamily{networking.IPv4Protocol},
						IPs:        []networking.IPSource{{Value: "10.0.0.1"}},
					},
				}, webhook, &metav1.CreateOptions{})
			})
			both.Go(func() {
				time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
				_, _, deleteErr = s.networks.Network.Delete(s.ctx, name, webhook, &metav1.DeleteOptions{})
			})
			both.Wait()
			if deleteErr != nil {
				t.Errorf("%s: deleting the Network: %v", name, deleteErr)
			}
			_, err := s.interfaces.Main.Get(s.ctx, name, &metav1.GetOptions{})
			switch {
			case createErr != nil && !apierrors.IsForbidden(createErr):
				t.Errorf("%s: creating the interface: %v", name, createErr)
			case createErr != nil && !apierrors.IsNotFound(err):
				t.Errorf("%s: the interface was refused and is there: %v", name, err)
			case createErr == nil && err != nil:
				t.Errorf("%s: the interface was accepted and is not there: %v", name, err)
			case createErr == nil:
				mu.Lock()
				accepted++
				mu.Unlock()
				obj, err := s.networks.Network.Get(s.ctx, name, &metav1.GetOptions{})
				if apierrors.IsNotFound(err) {
					// Fine only if the Network was gone before: then the interface waits for one of that name.
					nic, getErr := s.interfaces.Main.Get(s.ctx, name, &metav1.GetOptions{})
					if getErr != nil || nic.(*networking.NetworkInterface).Status.Conditions[0].Reason != "NetworkNotFound" {
						t.Errorf("%s: the Network went from under its interface", name)
					}
					return
				}
				if err != nil || len(obj.(*networking.Network).Finalizers) == i%2^1 {
					t.Errorf("%s: nothing holds the Network of an accepted interface: %v", name, err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d of %d interfaces were accepted", accepted, races)
	if accepted == 0 || accepted == races {
		t.Errorf("%d of %d interfaces were accepted: nothing raced", accepted, races)
	}
}
