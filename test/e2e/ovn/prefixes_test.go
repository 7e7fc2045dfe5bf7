// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/e2e/cluster"
	"ironcore.dev/networking/test/ovn/lab"
	"ironcore.dev/networking/test/race"
)

const (
	// namespace is the tests'. Every control plane has it.
	namespace = metav1.NamespaceDefault
	// patience is how long what has to happen soon may take on a busy machine, and answer how long a guest waits for one.
	patience = 30 * time.Second
	answer   = 300 * time.Millisecond
)

var prefixResource = schema.GroupVersionResource{Group: "ipam.ironcore.dev", Version: "v1alpha1", Resource: "prefixes"}

// world is an OVN and a server that uses it, in a host cluster.
type world struct {
	t *testing.T
	*lab.Lab
	clientset.NetworkingV1alpha1Interface
	prefixes dynamic.ResourceInterface
}

func newWorld(t *testing.T) *world {
	t.Helper()
	l, err := lab.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(l.Logs())
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	var server *cluster.Replica
	if server, err = shared.NewServer("network-apiserver", "--network-provider=ovn", "--ovn-nb="+l.NBAddress()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	server.Runs(race.Plain(server.Path)) // It is measured how soon packets stop.
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, Lab: l}
	if w.NetworkingV1alpha1Interface, err = clientset.NewForConfig(shared.Direct(server)); err != nil {
		t.Fatal(err)
	}
	host, err := dynamic.NewForConfig(shared.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	w.prefixes = host.Resource(prefixResource).Namespace(namespace)
	// The server learns whose certificates to trust a moment after it is ready.
	w.eventually("the server answers", func(ctx context.Context) (bool, string) {
		_, err := w.Networks(namespace).List(ctx, metav1.ListOptions{Limit: 1})
		return err == nil, fmt.Sprint(err)
	})
	return w
}

// eventually tries until it is so.
func (w *world) eventually(what string, try func(context.Context) (ok bool, state string)) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for {
		ok, state := try(ctx)
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("not within %s: %s: %s", patience, what, state)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// network makes a Network that is peered with another and exposes what the named Prefixes stand for, or everything.
func (w *world) network(name, peer string, prefixes ...string) {
	w.t.Helper()
	peering := v1alpha1.NetworkPeering{Name: "p", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: peer}}
	for _, prefix := range prefixes {
		peering.Prefixes = append(peering.Prefixes,
			v1alpha1.PeeringPrefix{Name: prefix, PrefixRef: &v1alpha1.LocalObjectReference{Name: prefix}})
	}
	_, err := w.Networks(namespace).Create(w.t.Context(), &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{peering}},
	}, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
}

// guest makes a NetworkInterface and plugs a guest in.
func (w *world) guest(network, name, ip string) *lab.Guest {
	w.t.Helper()
	_, err := w.NetworkInterfaces(namespace).Create(w.t.Context(), &v1alpha1.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.NetworkInterfaceSpec{
			NetworkRef: v1alpha1.LocalObjectReference{Name: network},
			IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol}, IPs: []v1alpha1.IPSource{{Value: ip}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	var nic *v1alpha1.NetworkInterface
	w.eventually(name+" is Available", func(ctx context.Context) (bool, string) {
		if nic, err = w.NetworkInterfaces(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return false, err.Error()
		}
		return nic.Status.State == v1alpha1.NetworkInterfaceStateAvailable && nic.Spec.ProviderID != "", fmt.Sprintf("%+v", nic.Status)
	})
	guest, err := w.Plug(nic)
	if err != nil {
		w.t.Fatal(err)
	}
	return guest
}

// peering waits until the peering of a Network is Bound and in a state, which words of the condition explain.
func (w *world) peering(network string, state v1alpha1.NetworkPeeringState, words string) *v1alpha1.Network {
	w.t.Helper()
	var got *v1alpha1.Network
	w.eventually(fmt.Sprintf("%s is %s %s", network, state, words), func(ctx context.Context) (bool, string) {
		var err error
		if got, err = w.Networks(namespace).Get(ctx, network, metav1.GetOptions{}); err != nil {
			return false, err.Error()
		}
		message := ""
		for _, told := range []string{provider.PeeringsRealized, v1alpha1.NetworkPrefixesOverlap} {
			if condition := meta.FindStatusCondition(got.Status.Conditions, told); condition != nil {
				message += condition.Message
			}
		}
		item := got.Status.Peerings[0]
		return item.Phase == v1alpha1.NetworkPeeringPhaseBound && item.State == state && strings.Contains(message, words) &&
			(message == "") == (words == ""), fmt.Sprintf("%+v: %s", item, message)
	})
	return got
}

// createPrefix makes a Prefix that has its range.
func (w *world) createPrefix(name, prefix string) {
	w.t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"prefix": prefix}}}
	object.SetGroupVersionKind(prefixResource.GroupVersion().WithKind("Prefix"))
	object.SetName(name)
	if _, err := w.prefixes.Create(w.t.Context(), object, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.patchPrefix(name, `{"status":{"phase":"Allocated"}}`, "status")
}

func (w *world) patchPrefix(name, patch string, subresource ...string) {
	w.t.Helper()
	_, err := w.prefixes.Patch(w.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresource...)
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) reaches(guest *lab.Guest, address string) {
	w.t.Helper()
	w.eventually(address+" answers", func(ctx context.Context) (bool, string) { return guest.Ping(ctx, address, answer), "" })
}

// silent fails if an address answers any of a few packets.
func (w *world) silent(guest *lab.Guest, addresses ...string) {
	w.t.Helper()
	for _, address := range addresses {
		for range 2 {
			if guest.Ping(w.t.Context(), address, answer) {
				w.t.Errorf("%s answers", address)
			}
		}
	}
}

// stops does something and fails unless an address is silent a second later.
func (w *world) stops(guest *lab.Guest, address string, do func()) {
	w.t.Helper()
	w.reaches(guest, address)
	do()
	began := time.Now()
	w.eventually(address+" is silent", func(ctx context.Context) (bool, string) {
		return !guest.Ping(ctx, address, answer), ""
	})
	if took := time.Since(began) - answer; took > time.Second {
		w.t.Errorf("%s still answers after %s", address, took)
	}
	w.silent(guest, address)
}

// TestAPrefixRefExposesTheRangeOfItsPrefix follows a filter from a host cluster that does not know what a Prefix is to one that
// comes, changes and goes.
func TestAPrefixRefExposesTheRangeOfItsPrefix(t *testing.T) {
	w := newWorld(t)
	w.network("one", "two", "front")
	w.network("two", "one")
	exposed, hidden := w.guest("one", "exposed", "10.0.0.1"), w.guest("one", "hidden", "10.0.0.2")
	two := w.guest("two", "two", "10.1.0.1")
	w.peering("one", v1alpha1.NetworkPeeringStatePending, "does not serve Prefixes")
	w.peering("two", v1alpha1.NetworkPeeringStateReady, "")
	w.silent(two, "10.0.0.1", "10.0.0.2")
	w.silent(exposed, "10.1.0.1")

	if err := shared.Install(t.Context(), "../ironcorenet/testdata/prefixes.yaml", prefixResource); err != nil {
		t.Fatal(err)
	}
	w.peering("one", v1alpha1.NetworkPeeringStatePending, "no Prefix front")
	w.silent(two, "10.0.0.1", "10.0.0.2")

	w.createPrefix("front", "10.0.0.0/31")
	w.peering("one", v1alpha1.NetworkPeeringStateReady, "")
	w.reaches(two, "10.0.0.1")
	w.reaches(exposed, "10.1.0.1")
	w.silent(two, "10.0.0.2")
	w.silent(hidden, "10.1.0.1")

	w.patchPrefix("front", `{"spec":{"prefix":"10.0.0.0/30"}}`)
	w.reaches(two, "10.0.0.2")
	w.stops(two, "10.0.0.2", func() { w.patchPrefix("front", `{"spec":{"prefix":"10.0.0.0/31"}}`) })
	w.reaches(two, "10.0.0.1")
	w.stops(two, "10.0.0.1", func() {
		if err := w.prefixes.Delete(t.Context(), "front", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	w.peering("one", v1alpha1.NetworkPeeringStatePending, "no Prefix front")

	t.Run("two that expose what the other has itself come to rest", func(t *testing.T) {
		w.createPrefix("common", "10.2.0.0/24")
		w.network("left", "right", "common")
		w.network("right", "left", "common")
		w.guest("left", "left", "10.2.0.1")
		w.guest("right", "right", "10.2.0.1")
		left := w.peering("left", v1alpha1.NetworkPeeringStateError, "where this Network has 10.2.0.1/32 itself")
		w.peering("right", v1alpha1.NetworkPeeringStateError, "where this Network has 10.2.0.1/32 itself")
		if left.Status.Peerings[0].Prefixes[0].Prefix != "10.2.0.0/24" {
			t.Errorf("the prefixes of the peering that overlaps are %+v", left.Status.Peerings[0].Prefixes)
		}
		w.eventually("they are left alone for three seconds", func(ctx context.Context) (bool, string) {
			networks, err := w.Networks(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return false, err.Error()
			}
			changes, err := w.Networks(namespace).Watch(ctx, metav1.ListOptions{
				ResourceVersion: networks.ResourceVersion, TimeoutSeconds: new(int64(3)),
			})
			if err != nil {
				return false, err.Error()
			}
			defer changes.Stop()
			writes := 0
			for range changes.ResultChan() {
				writes++
			}
			return writes == 0, fmt.Sprintf("%d writes", writes)
		})
		w.peering("left", v1alpha1.NetworkPeeringStateError, "10.2.0.1/32")
		w.peering("right", v1alpha1.NetworkPeeringStateError, "10.2.0.1/32")
	})
}
