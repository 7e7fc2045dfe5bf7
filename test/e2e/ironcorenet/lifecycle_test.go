// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// What happens to Networks when nothing goes wrong.

func TestANetworkIsRealized(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a"))
	n := w.settles("a", available)

	remote, err := w.remote(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := unstructured.NestedString(remote.Object, "spec", "id")
	want := fmt.Sprintf("ironcore-net://%s/%s/%s/%s", w.remoteNamespace, n.UID, id, remote.GetUID())
	if n.Spec.ProviderID != want {
		t.Errorf("providerID is %q, want %q", n.Spec.ProviderID, want)
	}
	if !slices.Contains(n.Finalizers, "apinet.ironcore.dev/network") {
		t.Errorf("finalizers are %q", n.Finalizers)
	}
	labels, annotations := remote.GetLabels(), remote.GetAnnotations()
	if labels["networking.ironcore.dev/network-namespace"] != w.namespace ||
		labels["networking.ironcore.dev/network-uid"] != string(n.UID) ||
		labels["networking.ironcore.dev/owner"] == "" || annotations["networking.ironcore.dev/network-name"] != "a" {
		t.Errorf("the remote object has labels %v and annotations %v", labels, annotations)
	}
	w.wantEvent(n, "Available")

	t.Run("and at rest nobody writes", func(t *testing.T) {
		w.never(2*time.Second, func(ctx context.Context) error {
			again, err := w.networks.Get(ctx, "a", metav1.GetOptions{})
			if err == nil && again.ResourceVersion != n.ResourceVersion {
				err = fmt.Errorf("version %s became %s", n.ResourceVersion, again.ResourceVersion)
			}
			if err != nil {
				return err
			}
			remoteAgain, err := w.remote(ctx, n)
			if err == nil && remoteAgain.GetResourceVersion() != remote.GetResourceVersion() {
				err = fmt.Errorf("remote version %s became %s", remote.GetResourceVersion(), remoteAgain.GetResourceVersion())
			}
			return err
		})
	})
}

func TestAnIDThatComesLaterIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	ids.set(ids.idle, w.remoteNamespace, true)
	w.create(network("a"))
	n := w.settles("a", state(v1alpha1.NetworkStatePending, "WaitingForID"))
	w.patchRemote(n, `{"spec":{"id":"12345"}}`)
	if id := w.id(w.settles("a", available)); id != "12345" {
		t.Errorf("the provider ID has the ID %s, want 12345", id)
	}
}

func TestPeeringsFollowTheirBinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	a := network("a", "b")
	a.Spec.Peerings[0].Prefixes = []v1alpha1.PeeringPrefix{
		{Name: "front", Prefix: "10.0.0.0/24"}, {Name: "back", Prefix: "2001:db8::/32"},
	}
	w.create(a, network("b"))
	one, other := w.settles("a", available), w.settles("b", available)
	w.settles("a", peering("b", v1alpha1.NetworkPeeringPhasePending, v1alpha1.NetworkPeeringStatePending))
	w.wantRemotePeerings(one)

	w.patch("b", `{"spec":{"peerings":[{"name":"a","networkRef":{"name":"a"}}]}}`)
	w.wantRemotePeerings(one, "b "+w.id(other)+" 10.0.0.0/24 2001:db8::/32")
	w.wantRemotePeerings(other, "a "+w.id(one))
	n := w.settles("a", peering("b", v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringStatePending))
	want := []v1alpha1.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}, {Name: "back", Prefix: "2001:db8::/32"}}
	if got := n.Status.Peerings[0].Prefixes; !slices.Equal(got, want) {
		t.Errorf("the prefixes in force are %v, want %v", got, want)
	}

	for _, step := range []struct {
		reports map[string]string
		want    v1alpha1.NetworkPeeringState
	}{
		{map[string]string{"node-a": "Ready", "node-b": "Pending"}, v1alpha1.NetworkPeeringStatePending},
		{map[string]string{"node-a": "Ready", "node-b": "Ready"}, v1alpha1.NetworkPeeringStateReady},
		{map[string]string{"node-a": "Pending", "node-b": "Error"}, v1alpha1.NetworkPeeringStateError},
		{map[string]string{"node-a": "Ready", "node-b": "Ready"}, v1alpha1.NetworkPeeringStateReady},
	} {
		w.report(one, w.id(other), step.reports)
		w.settles("a", peering("b", v1alpha1.NetworkPeeringPhaseBound, step.want))
	}

	// The other end of a peering that is taken back is cut too.
	w.patch("b", `{"spec":{"peerings":null}}`)
	w.wantRemotePeerings(one)
	w.wantRemotePeerings(other)
	w.settles("a", peering("b", v1alpha1.NetworkPeeringPhasePending, v1alpha1.NetworkPeeringStatePending))
}

func TestNoRemotePeeringOutlivesItsPeer(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a", "b"), network("b", "a"))
	one, other := w.settles("a", available), w.settles("b", available)
	w.wantRemotePeerings(one, "b "+w.id(other))
	w.wantRemotePeerings(other, "a "+w.id(one))

	list, err := w.remotes.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := w.remotes.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	w.delete("a")
	w.isGone("a")
	unpeered := false
	for event := range events.ResultChan() {
		remote, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			t.Fatalf("the watch ended: %v", event.Object)
		}
		peerings, _, _ := unstructured.NestedSlice(remote.Object, "spec", "peerings")
		if remote.GetName() == string(other.UID) && len(peerings) == 0 {
			unpeered = true
		}
		if remote.GetName() == string(one.UID) && event.Type == watch.Deleted {
			break
		}
	}
	if !unpeered {
		t.Error("the ID of a was free while b was still peered with it")
	}
	w.settles("b", peering("a", v1alpha1.NetworkPeeringPhasePending, v1alpha1.NetworkPeeringStatePending))
	if ids.take(w.id(one)) {
		ids.free(w.id(one))
	} else {
		t.Error("the ID of a was not freed")
	}
}

func TestPeersThatAreDeletedTogetherDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a", "b", "c"), network("b", "c", "a"), network("c", "a", "b"))
	for _, name := range []string{"a", "b", "c"} {
		w.settles(name, func(n *v1alpha1.Network) string {
			if remote, err := w.remotePeerings(t.Context(), n); err != nil || len(remote) != 2 {
				return fmt.Sprintf("peered with %q in ironcore-net (%v)", remote, err)
			}
			return available(n)
		})
	}
	if err := w.networks.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		w.isGone(name)
	}
	left, err := w.remotes.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("ironcore-net still has %v (%v)", left.Items, err)
	}
}

func TestWhatIsLeftOfNetworksThatVanishedIsCollected(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("kept"), network("vanishes-at-once"), network("vanishes-unseen"))
	kept := w.settles("kept", available)
	atOnce, unseen := w.settles("vanishes-at-once", available), w.settles("vanishes-unseen", available)
	foreign := w.createRemote("foreign", map[string]string{"networking.ironcore.dev/owner": "somebody-else"})
	bare := w.createRemote("bare", nil)

	// Somebody takes the finalizer off while the controllers run, and somebody else while they do not.
	w.delete("vanishes-at-once")
	w.patchIgnoringGone("vanishes-at-once", `{"metadata":{"finalizers":null}}`)
	w.eventually(func(ctx context.Context) error { return w.wantNoRemote(ctx, atOnce) })

	w.restartWithout(func() {
		w.delete("vanishes-unseen")
		w.patch("vanishes-unseen", `{"metadata":{"finalizers":null}}`)
	})
	w.eventually(func(ctx context.Context) error { return w.wantNoRemote(ctx, unseen) })

	for _, name := range []string{string(kept.UID), foreign, bare} {
		if _, err := w.remotes.Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestANetworkThatIsManagedElsewhereIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	n := network("a")
	n.Annotations = map[string]string{"common.ironcore.dev/managed-by": "somebody-else"}
	w.create(n, network("b"))
	w.settles("b", available)
	n, err := w.networks.Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Finalizers) != 0 || n.Spec.ProviderID != "" || n.Status.State != v1alpha1.NetworkStatePending {
		t.Errorf("it was not: %+v", n)
	}
	// Begun with, it stays ours: nobody else would take it down.
	w.patch("b", `{"metadata":{"annotations":{"common.ironcore.dev/managed-by":"somebody-else"}}}`)
	other := w.settles("b", available)
	w.delete("b")
	w.isGone("b")
	if err := w.wantNoRemote(t.Context(), other); err != nil {
		t.Error(err)
	}
}
