// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/ovn/lab"
)

// TestRing makes a ring of Networks with two NetworkInterfaces each, and tells how long it takes until all peerings are
// Ready, in how many transactions, and what they cost; and the same of single changes after that. OVN_RING says how many
// Networks: make bench-ovn has 1,000.
func TestRing(t *testing.T) {
	size, err := strconv.Atoi(os.Getenv("OVN_RING"))
	if err != nil {
		size = 20
	}
	r := &ring{world: &world{t: t, Lab: newLab(t, lab.NB, lab.SB, lab.Northd)}, size: size}
	r.server = newServer(t, r.NBAddress())
	r.server.start(t)
	r.NetworkingV1alpha1Interface = r.server.client(t)

	before := r.costs()
	var working sync.WaitGroup
	for worker := range 8 {
		working.Go(func() {
			for i := worker; i < size; i += 8 {
				r.create(i)
			}
		})
	}
	working.Wait()
	t.Logf("%d Networks with two NetworkInterfaces each: created after %s", size, time.Since(before.at).Round(time.Second/10))
	for deadline := time.Now().Add(15 * time.Minute); r.readyPeerings() < 2*size; {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d peerings are Ready", r.readyPeerings(), 2*size)
		}
		time.Sleep(200 * time.Millisecond)
	}
	r.report("all peerings are Ready", before, size+2*size+size) // Networks, NetworkInterfaces, peerings

	before = r.costs()
	const changes = 10
	var northd time.Duration
	for i := range changes / 2 {
		a, b := r.name(2*i), r.name(2*i+1)
		r.network(a, to(r.name(2*i-1)))
		r.becomes(b, a, v1alpha1.NetworkPeeringStatePending)
		r.network(a, to(r.name(2*i-1)), to(b))
		r.becomes(a, b, v1alpha1.NetworkPeeringStateReady)
		r.becomes(b, a, v1alpha1.NetworkPeeringStateReady)
		northd += r.lastPass()
	}
	t.Logf("ovn-northd took %s until a peering was Ready", (northd / (changes / 2)).Round(time.Millisecond))
	r.report("peerings released and bound again, one after the other", before, changes)
}

// becomes waits until a peering is in a state. It watches: to ask again and again would be measured.
func (r *ring) becomes(network, peer string, state v1alpha1.NetworkPeeringState) {
	r.t.Helper()
	namespace, name, _ := strings.Cut(network, "/")
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	events, err := r.Networks(namespace).Watch(ctx, metav1.SingleObject(metav1.ObjectMeta{Name: name}))
	if err != nil {
		r.t.Fatal(err)
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		got, ok := event.Object.(*v1alpha1.Network)
		if ok && slices.ContainsFunc(got.Status.Peerings, func(item v1alpha1.NetworkPeeringStatus) bool {
			return item.Name == to(peer).Name && item.State == state
		}) {
			return
		}
	}
	r.t.Fatalf("the peering of %s with %s does not become %s", network, peer, state)
}

// lastPass is how long ovn-northd worked on what was changed last, once it is done.
func (r *ring) lastPass() time.Duration {
	r.t.Helper()
	output, err := r.NBCtl("get", "nb_global", ".", "nb_cfg_timestamp", "sb_cfg_timestamp")
	var began, ended int64
	if err == nil {
		_, err = fmt.Sscan(output, &began, &ended)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return time.Duration(ended-began) * time.Millisecond
}

type ring struct {
	*world
	size int
}

func (r *ring) name(i int) string { return fmt.Sprintf("ring/network-%d", (i+r.size)%r.size) }

func (r *ring) create(i int) {
	r.network(r.name(i), to(r.name(i-1)), to(r.name(i+1)))
	for j := range 2 {
		nic := &v1alpha1.NetworkInterface{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ring", Name: fmt.Sprintf("nic-%d-%d", i, j)},
			Spec: v1alpha1.NetworkInterfaceSpec{
				NetworkRef: v1alpha1.LocalObjectReference{Name: strings.TrimPrefix(r.name(i), "ring/")},
				IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol},
				IPs:        []v1alpha1.IPSource{{Value: fmt.Sprintf("10.%d.%d.%d", i>>8, i&255, j+1)}},
			},
		}
		if _, err := r.NetworkInterfaces("ring").Create(r.t.Context(), nic, metav1.CreateOptions{}); err != nil {
			r.t.Error(err)
		}
	}
}

// readyPeerings counts both sides of each.
func (r *ring) readyPeerings() (ready int) {
	r.t.Helper()
	networks, err := r.Networks("ring").List(r.t.Context(), metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range networks.Items {
		for _, item := range networks.Items[i].Status.Peerings {
			if item.State == v1alpha1.NetworkPeeringStateReady {
				ready++
			}
		}
	}
	return ready
}

// costs are what was used up to a time.
type costs struct {
	at             time.Time
	transactions   int
	server, northd time.Duration
}

func (r *ring) costs() costs {
	r.t.Helper()
	now := costs{at: time.Now()}
	count, err := r.NBCtl("get", "nb_global", ".", "nb_cfg")
	if err != nil {
		r.t.Fatal(err)
	}
	if now.transactions, err = strconv.Atoi(count); err != nil {
		r.t.Fatal(err)
	}
	if now.server, err = lab.CPU(r.server.PID()); err != nil {
		r.t.Fatal(err)
	}
	if now.northd, err = r.CPU(lab.Northd); err != nil {
		r.t.Fatal(err)
	}
	return now
}

// report tells what a number of changes took, which is a transaction each. On a busy machine the two sides of a peering may
// take one each; half as many again are let pass.
func (r *ring) report(what string, before costs, changes int) {
	r.t.Helper()
	after := r.costs()
	transactions := after.transactions - before.transactions
	r.t.Logf("%s after %s: %d changes in %d transactions; CPU of the server %s, of ovn-northd %s", what,
		after.at.Sub(before.at).Round(time.Second/10), changes, transactions, (after.server - before.server).Round(time.Second/100),
		(after.northd - before.northd).Round(time.Second/100))
	if transactions > changes+changes/2 {
		r.t.Errorf("%s: %d changes took %d transactions", what, changes, transactions)
	}
}
