// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

// A tenant does the most expensive things that the limits allow, as fast as four clients can. Meanwhile another makes two
// Networks and waits until they are bound. docs/reliability.md has the figures.
func TestWhatOneTenantAtTheLimitsCostsAnother(t *testing.T) {
	const (
		rounds  = 8
		clients = 4
		most    = 15 * time.Second // On a busy machine.
	)
	for _, tc := range []struct {
		what string
		// prepare makes what the tenant has, and repeat is what it does over and over.
		prepare func(t *testing.T, n namespace)
		repeat  func(ctx context.Context, n namespace, nics clientset.NetworkInterfaceInterface, i int) error
	}{
		{"nothing", func(*testing.T, namespace) {}, nil},
		{
			"changes the largest Network",
			func(t *testing.T, n namespace) { n.create(t, newLargest("large")) },
			func(ctx context.Context, n namespace, _ clientset.NetworkInterfaceInterface, i int) error {
				return n.relabel(ctx, "large", i)
			},
		},
		{
			"takes a hub of 500 peerings in and out of them",
			func(t *testing.T, n namespace) {
				hub := newNetwork("hub")
				for i := range 500 {
					name := fmt.Sprintf("spoke-%d", i)
					hub.Spec.Peerings = append(hub.Spec.Peerings, to(name))
					n.create(t, newNetwork(name, to("hub")))
				}
				n.create(t, hub)
			},
			func(ctx context.Context, n namespace, _ clientset.NetworkInterfaceInterface, i int) error {
				_, err := n.networks.Patch(ctx, "hub", types.MergePatchType,
					fmt.Appendf(nil, `{"metadata":{"annotations":{"networking.ironcore.dev/declined-peerings":"%s/spoke-%d"}}}`, n.name, i%500),
					metav1.PatchOptions{})
				return err
			},
		},
		{
			"moves one of 1,000 interfaces that want one address",
			func(t *testing.T, n namespace) {
				n.create(t, newNetwork("net"))
				for i := range 1000 {
					n.createNIC(t, newNIC(fmt.Sprintf("nic-%d", i), "net", "10.0.0.1"))
				}
			},
			func(ctx context.Context, _ namespace, nics clientset.NetworkInterfaceInterface, i int) error {
				_, err := nics.Patch(ctx, fmt.Sprintf("nic-%d", i%1000), types.MergePatchType,
					fmt.Appendf(nil, `{"spec":{"ips":[{"value":"10.0.0.%d"}]}}`, 1+i/1000%2), metav1.PatchOptions{})
				return err
			},
		},
	} {
		t.Run(tc.what, func(t *testing.T) {
			s := measuredServer(t)
			busy, other := newNamespace(t, s), newNamespace(t, s)
			tc.prepare(t, busy)
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			nics := busy.nics(t)
			done := make([]int, clients)
			if tc.repeat != nil {
				for i := range clients {
					running.Go(func() {
						for n := 0; ctx.Err() == nil; n++ {
							if tc.repeat(ctx, busy, nics, n*clients+i) == nil {
								done[i]++
							}
						}
					})
				}
			}
			var took []time.Duration
			began := time.Now()
			for i := range rounds {
				at := time.Now()
				other.peered(t, "a"+strconv.Itoa(i), "b"+strconv.Itoa(i))
				took = append(took, time.Since(at))
			}
			elapsed := time.Since(began)
			stop()
			running.Wait()
			slices.Sort(took)
			sum := 0
			for _, n := range done {
				sum += n
			}
			t.Logf("while one tenant %s (%.0f times a second), another's peering is bound after %s, at most %s", tc.what,
				float64(sum)/elapsed.Seconds(), took[rounds/2].Round(time.Millisecond), took[rounds-1].Round(time.Millisecond))
			if took[rounds-1] > most {
				t.Errorf("it took %s, more than %s", took[rounds-1], most)
			}
		})
	}
}

// relabel changes a label of a Network.
func (n namespace) relabel(ctx context.Context, name string, i int) error {
	_, err := n.networks.Patch(ctx, name, types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"labels":{"i":"%d"}}}`, i), metav1.PatchOptions{})
	return err
}
