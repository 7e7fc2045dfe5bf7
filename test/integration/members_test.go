// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func newBalancer(name, network string) *v1alpha1.LoadBalancer {
	return &v1alpha1.LoadBalancer{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.LoadBalancerSpec{
		Type: v1alpha1.LoadBalancerTypePublic, IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol},
		NetworkRef: v1alpha1.LocalObjectReference{Name: network},
	}}
}

func newGateway(name, network string) *v1alpha1.NATGateway {
	return &v1alpha1.NATGateway{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.NATGatewaySpec{
		Type: v1alpha1.NATGatewayTypePublic, IPFamily: v1alpha1.IPv4Protocol,
		NetworkRef: v1alpha1.LocalObjectReference{Name: network},
	}}
}

func TestTheDeletionOfANetworkWaitsForLoadBalancersAndNATGatewaysToo(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	client := n.client(t)
	n.create(t, newNetwork("net"))
	n.createNIC(t, newNIC("nic", "net", "10.0.0.1"))
	if _, err := client.LoadBalancers(n.name).Create(t.Context(), newBalancer("lb", "net"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.NATGateways(n.name).Create(t.Context(), newGateway("nat", "net"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	n.delete(t, "net")
	waits := func(reason, message string) {
		t.Helper()
		n.await(t, "net", func(network *v1alpha1.Network) error {
			blocked := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkDeletionBlocked)
			if blocked == nil || blocked.Reason != reason || blocked.Message != message {
				return fmt.Errorf("the condition DeletionBlocked is %+v, want %s: %s", blocked, reason, message)
			}
			return nil
		})
	}
	const (
		forNIC = "The deletion waits for 1 NetworkInterface that is still in this Network: nic."
		forLB  = "The deletion waits for 1 LoadBalancer that is still in this Network: lb."
		forNAT = "The deletion waits for 1 NATGateway that is still in this Network: nat."
	)
	waits("NetworkInterfacesExist", strings.Join([]string{forNIC, forLB, forNAT}, " "))
	if count := n.get(t, "net").Status.NetworkInterfaces; count != 1 {
		t.Errorf("the Network has %d interfaces, want 1", count)
	}

	_, err := client.LoadBalancers(n.name).Create(t.Context(), newBalancer("late", "net"), metav1.CreateOptions{})
	isRefused(t, err)
	_, err = client.NATGateways(n.name).Create(t.Context(), newGateway("late", "net"), metav1.CreateOptions{})
	isRefused(t, err)
	applied, err := n.runKubectl(t, `{"apiVersion":"networking.ironcore.dev/v1alpha1","kind":"NATGateway","metadata":{"name":"late","namespace":"`+n.name+`"},`+
		`"spec":{"type":"Public","ipFamily":"IPv4","networkRef":{"name":"net"}}}`, "apply", "--server-side", "-f", "-")
	if err == nil || !strings.Contains(applied, "which is being deleted") {
		t.Errorf("a server-side apply was answered with %q", applied)
	}

	n.deleteNIC(t, "nic")
	waits("LoadBalancersExist", forLB+" "+forNAT)
	if err := client.LoadBalancers(n.name).Delete(t.Context(), "lb", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waits("NATGatewaysExist", forNAT)
	if shown := n.kubectl(t, "get", "networks", "-o", "wide"); !strings.Contains(shown, "Terminating,InUse") || !strings.Contains(shown, "NATGatewaysExist") {
		t.Errorf("the table shows\n%s", shown)
	}
	if err := client.NATGateways(n.name).Delete(t.Context(), "nat", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	n.isGone(t, patience, "net")
}

func isRefused(t *testing.T, err error) {
	t.Helper()
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "Network net, which is being deleted") {
		t.Errorf("a new member was answered with %v, want Forbidden", err)
	}
}

// A LoadBalancer or NATGateway and the deletion of its Network come at once. Whatever is accepted holds its Network.
func TestNoNetworkGoesFromUnderALoadBalancerOrNATGateway(t *testing.T) {
	t.Parallel()
	const races, parallel = 200, 8
	n := newNamespace(t, shared)
	client := n.client(t)
	accepted := 0
	var mu sync.Mutex
	slots := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for i := range races {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			name := fmt.Sprintf("race-%d", i)
			if _, err := n.networks.Create(t.Context(), newNetwork(name), metav1.CreateOptions{}); err != nil {
				t.Error(err)
				return
			}
			var both sync.WaitGroup
			var createErr, deleteErr error
			both.Go(func() {
				if i%2 == 0 {
					_, createErr = client.LoadBalancers(n.name).Create(t.Context(), newBalancer(name, name), metav1.CreateOptions{})
				} else {
					_, createErr = client.NATGateways(n.name).Create(t.Context(), newGateway(name, name), metav1.CreateOptions{})
				}
			})
			both.Go(func() {
				<-time.After(time.Duration(rand.IntN(8)) * time.Millisecond)
				deleteErr = n.networks.Delete(t.Context(), name, metav1.DeleteOptions{})
			})
			both.Wait()
			if deleteErr != nil {
				t.Errorf("%s: deleting the Network: %v", name, deleteErr)
			}
			if createErr != nil {
				if !apierrors.IsForbidden(createErr) {
					t.Errorf("%s: %v", name, createErr)
				}
				return
			}
			network, err := n.networks.Get(t.Context(), name, metav1.GetOptions{})
			if err == nil {
				mu.Lock()
				accepted++
				mu.Unlock()
				if network.DeletionTimestamp == nil {
					t.Errorf("%s: the Network lives", name)
				}
				return
			}
			if !apierrors.IsNotFound(err) { // Else it was gone before the member came.
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
	t.Logf("%d of %d members were accepted and hold their Network", accepted, races)
	if accepted == 0 {
		t.Error("no member was accepted")
	}
}
