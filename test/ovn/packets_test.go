// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/ovn/lab"
)

func TestIsolationPeeringAndRelease(t *testing.T) {
	w := newWorld(t)
	w.network("a/one")
	w.network("b/two")
	w.network("c/three")
	one := w.guest("a/one", "one", "10.0.0.1", "2001:db8::1")
	one2 := w.guest("a/one", "one2", "10.0.0.2", "2001:db8::2")
	two := w.guest("b/two", "two", "10.1.0.1", "2001:db8:1::1")
	equal := w.guest("c/three", "three", "10.0.0.2", "2001:db8::2")

	// Within a Network, and in no other.
	w.reaches(one, "10.0.0.2")
	w.reaches(one, "2001:db8::2")
	w.silent(one, "10.1.0.1", "2001:db8:1::1")
	w.silent(equal, "10.0.0.1", "2001:db8::1")

	// A peering of one side alone lets nothing through.
	w.network("a/one", to("b/two"))
	w.silent(one, "10.1.0.1")
	w.network("b/two", to("a/one"))
	w.ready("a/one", "b/two")
	for _, address := range []string{"10.1.0.1", "2001:db8:1::1"} {
		w.reaches(one, address)
		w.reaches(one2, address)
	}
	w.reaches(two, "10.0.0.1")
	w.reaches(two, "2001:db8::1")
	w.silent(equal, "10.0.0.1", "10.1.0.1")

	w.stops("unpeer", one, "10.1.0.1", func() { w.network("b/two") })
	w.silent(one, "2001:db8:1::1")
	w.reaches(one, "10.0.0.2")

	bound := func() {
		w.network("b/two", to("a/one"))
		w.ready("a/one", "b/two")
	}
	bound()
	w.stops("a pin that does not match", one, "10.1.0.1", func() {
		pinned := to("a/one")
		pinned.NetworkRef.UID = "00000000-0000-4000-8000-000000000000"
		w.network("b/two", pinned)
	})
	bound()
	w.stops("deletion of a NetworkInterface", one, "10.1.0.1", func() {
		if err := w.NetworkInterfaces("b").Delete(t.Context(), "two", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	w.guest("b/two", "two-again", "10.1.0.1")
	w.stops("deletion of a Network", one, "10.1.0.1", func() {
		if err := w.Networks("b").Delete(t.Context(), "two", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPrefixesExposeWhatTheySay(t *testing.T) {
	w := newWorld(t)
	w.network("a/one", to("b/two", "10.0.0.0/31"))
	w.network("b/two", to("a/one"))
	exposed := w.guest("a/one", "exposed", "10.0.0.1")
	hidden := w.guest("a/one", "hidden", "10.0.0.2")
	two := w.guest("b/two", "two", "10.1.0.1")
	w.ready("a/one", "b/two")
	w.reaches(two, "10.0.0.1")
	w.reaches(exposed, "10.1.0.1")
	w.silent(two, "10.0.0.2")
	w.silent(hidden, "10.1.0.1")

	w.network("a/one", to("b/two", "10.0.0.0/31", "10.0.0.2/32"))
	w.reaches(two, "10.0.0.2")
	w.stops("a narrower filter", two, "10.0.0.2", func() { w.network("a/one", to("b/two", "10.0.0.0/31")) })
	w.reaches(two, "10.0.0.1")

	// A reference that stands for nothing exposes nothing.
	reference := to("b/two")
	reference.Prefixes = []v1alpha1.PeeringPrefix{{Name: "p", PrefixRef: &v1alpha1.LocalObjectReference{Name: "nowhere"}}}
	w.stops("a reference without a range", two, "10.0.0.1", func() { w.network("a/one", reference) })
	w.silent(two, "10.0.0.2")
}

func TestPeeringsAreNotTransitive(t *testing.T) {
	w := newWorld(t)
	// The one in the middle exposes more than it has, and both neighbours are within.
	w.network("a/left", to("a/middle"))
	w.network("a/middle", to("a/left", "10.128.0.0/9"), to("a/right", "10.128.0.0/9"))
	w.network("a/right", to("a/middle"))
	left := w.guest("a/left", "left", "10.0.0.1")
	middle := w.guest("a/middle", "middle", "10.128.0.1")
	right := w.guest("a/right", "right", "10.1.0.1")
	w.ready("a/left", "a/middle")
	w.ready("a/middle", "a/right")
	w.reaches(left, "10.128.0.1")
	w.reaches(right, "10.128.0.1")
	w.reaches(middle, "10.0.0.1")
	w.silent(left, "10.1.0.1")
	w.silent(right, "10.0.0.1")
}

func TestOverlapsAreDecided(t *testing.T) {
	w := newWorld(t)
	w.network("a/hub", to("a/first"))
	w.network("a/first", to("a/hub"))
	hub := w.guest("a/hub", "hub", "10.0.0.1")
	first := w.guest("a/first", "first", "10.1.0.1")
	w.ready("a/hub", "a/first")
	w.reaches(hub, "10.1.0.1")

	w.network("a/second", to("a/hub"))
	w.guest("a/second", "second", "10.1.0.1")
	w.network("a/hub", to("a/first"), to("a/second"))
	w.peering("a/hub", "a/second", v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringStateError)
	w.ready("a/hub", "a/first")
	w.reaches(first, "10.0.0.1")
	w.overlapping("a/hub", "to-a-second: Network a/second exposes 10.1.0.1/32, and Network a/first, which was bound before, exposes "+
		"10.1.0.1/32: no traffic flows until one of the two gives way.")
	// The other side says so too, without a word of whom it is not to know.
	w.peering("a/second", "a/hub", v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringStateError)
	w.overlapping("a/second", "to-a-hub: This Network exposes 10.1.0.1/32, which Network a/hub uses for something else already: no "+
		"traffic flows until one of the two gives way.")

	// It ends by itself.
	w.network("a/first")
	w.ready("a/hub", "a/second")
	w.reaches(hub, "10.1.0.1")
}

// overlapping waits for the words of the condition that tells of overlaps.
func (w *world) overlapping(network, message string) {
	w.t.Helper()
	namespace, name, _ := strings.Cut(network, "/")
	eventually(w.t, network+" tells of the overlap", func() (bool, string) {
		got, err := w.Networks(namespace).Get(w.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		condition := meta.FindStatusCondition(got.Status.Conditions, v1alpha1.NetworkPrefixesOverlap)
		said := slices.ContainsFunc(got.Status.Peerings, func(item v1alpha1.NetworkPeeringStatus) bool {
			return item.Reason == v1alpha1.PeeringReasonPrefixesOverlap
		})
		return said && condition != nil && condition.Status == metav1.ConditionTrue && condition.Message == message,
			fmt.Sprintf("%+v", got.Status)
	})
}

func TestAnAddressChangesAndAPortIsPluggedOut(t *testing.T) {
	w := newWorld(t)
	w.network("a/one", to("a/two"))
	w.network("a/two", to("a/one"))
	one := w.guest("a/one", "one", "10.0.0.1")
	two := w.guest("a/two", "two", "10.1.0.1")
	w.ready("a/one", "a/two")
	w.reaches(one, "10.1.0.1")

	w.stops("another address", one, "10.1.0.1", func() {
		patch := []byte(`{"spec":{"ips":[{"value":"10.1.0.2"}]}}`)
		_, err := w.NetworkInterfaces("a").Patch(t.Context(), "two", types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := two.Configure(w.available("a", "two", "10.1.0.2")); err != nil {
		t.Fatal(err)
	}
	w.reaches(one, "10.1.0.2")
	w.plugged("a", "two", metav1.ConditionTrue)
	if err := two.Unplug(); err != nil {
		t.Fatal(err)
	}
	w.plugged("a", "two", metav1.ConditionFalse)
}

func TestANetworkInterfaceMovesToAnotherNetwork(t *testing.T) {
	w := newWorld(t)
	w.network("a/one", to("a/other"))
	w.network("a/other", to("a/one"))
	w.network("a/third")
	one := w.guest("a/one", "one", "10.0.0.1")
	neighbour := w.guest("a/other", "neighbour", "10.1.0.2")
	third := w.guest("a/third", "third", "10.2.0.1")
	moving := w.guest("a/other", "moving", "10.1.0.1")
	w.ready("a/one", "a/other")
	w.reaches(neighbour, "10.1.0.1")
	w.silent(third, "10.1.0.1")
	var moved *v1alpha1.NetworkInterface
	w.stops("a NetworkInterface that moves", one, "10.1.0.1", func() {
		if err := w.NetworkInterfaces("a").Delete(t.Context(), "moving", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		moved = w.nic("a/third", "moving", nil, "10.1.0.1")
	})
	if err := moving.Unplug(); err != nil {
		t.Fatal(err)
	}
	moving, err := w.Plug(moved)
	if err != nil {
		t.Fatal(err)
	}
	w.reaches(third, "10.1.0.1")
	w.reaches(moving, "10.2.0.1")
	w.silent(one, "10.1.0.1")
	w.silent(neighbour, "10.1.0.1")
	w.silent(moving, "10.0.0.1", "10.1.0.2")
}

func TestARowThatIsRenamedGetsItsNameBack(t *testing.T) {
	w := newWorld(t)
	w.network("a/one")
	w.state("a/one", v1alpha1.NetworkStateAvailable)
	for table, name := range map[string]string{
		"logical_router": "network-" + w.uid("a/one"), "logical_switch": "switch-" + w.uid("a/one"),
	} {
		row, err := w.NBCtl("--bare", "--columns=_uuid", "find", table, "name="+name)
		if err != nil || row == "" {
			t.Fatalf("no %s: %v", name, err)
		}
		if _, err := w.NBCtl("set", table, row, "name=renamed"); err != nil {
			t.Fatal(err)
		}
		eventually(t, name+" has its name back", func() (bool, string) {
			rows, err := w.NBCtl("--bare", "--columns=_uuid,name", "list", table)
			return err == nil && rows == row+"\n"+name, rows
		})
	}
}

// TestAnErrorOfANetworkStopsItsPeers hands a Network to somebody else, who reports an error.
func TestAnErrorOfANetworkStopsItsPeers(t *testing.T) {
	w := newWorld(t)
	w.network("a/one", to("b/two"))
	w.network("b/two", to("a/one"))
	one := w.guest("a/one", "one", "10.0.0.1")
	w.guest("b/two", "two", "10.1.0.1")
	w.ready("a/one", "b/two")
	patch := func(text string, subresources ...string) {
		t.Helper()
		_, err := w.Networks("b").Patch(t.Context(), "two", types.MergePatchType, []byte(text), metav1.PatchOptions{}, subresources...)
		if err != nil {
			t.Fatal(err)
		}
	}
	patch(`{"metadata": {"annotations": {"common.ironcore.dev/managed-by": "somebody else"}, "finalizers": null}}`)
	w.stops("an error", one, "10.1.0.1", func() { patch(`{"status": {"state": "Error"}}`, "status") })
	w.peering("a/one", "b/two", v1alpha1.NetworkPeeringPhasePending, v1alpha1.NetworkPeeringStatePending)
	patch(`{"status": {"state": "Available"}}`, "status")
	w.peering("a/one", "b/two", v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringStateReady)
	w.reaches(one, "10.1.0.1")
}

func TestKillsInTheMiddle(t *testing.T) {
	w := newWorld(t)
	w.network("a/one")
	w.network("a/two", to("a/one"))
	one := w.guest("a/one", "one", "10.0.0.1")
	w.guest("a/two", "two", "10.1.0.1")
	change := func() { w.network("a/one", to("a/two")) }
	back := func() { w.network("a/one") }
	for name, kill := range map[string]struct{ down, up func() }{
		"the server": {
			w.server.Kill,
			func() { w.server.start(t); w.NetworkingV1alpha1Interface = w.server.client(t) },
		},
		"northd":     w.killing(lab.Northd),
		"controller": w.killing(lab.Controller),
		"NB":         w.killing(lab.NB),
		"SB":         w.killing(lab.SB),
	} {
		change()
		kill.down()
		kill.up()
		w.ready("a/one", "a/two")
		w.reaches(one, "10.1.0.1")
		back()
		kill.down()
		kill.up()
		eventually(t, "after "+name+" was killed, the release stops the packets", func() (bool, string) {
			return !one.Ping(t.Context(), "10.1.0.1", answer), "they pass"
		})
		w.silent(one, "10.1.0.1")
		t.Logf("kill -9 of %s in the middle: peered and released", name)
	}
}

// killing ends a daemon and starts it again.
func (w *world) killing(name string) struct{ down, up func() } {
	return struct{ down, up func() }{
		func() { w.Kill(name) },
		func() {
			if err := w.StartDaemon(name); err != nil {
				w.t.Fatal(err)
			}
		},
	}
}

// plugged waits for the condition Plugged.
func (w *world) plugged(namespace, name string, status metav1.ConditionStatus) {
	w.t.Helper()
	eventually(w.t, name+" is plugged in: "+string(status), func() (bool, string) {
		nic, err := w.NetworkInterfaces(namespace).Get(w.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return meta.IsStatusConditionPresentAndEqual(nic.Status.Conditions, v1alpha1.NetworkInterfacePlugged, status), ""
	})
}
