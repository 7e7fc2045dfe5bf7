// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/race"
)

// What happens when ironcore-net is in trouble, or somebody else makes it.

const (
	pending = v1alpha1.NetworkPeeringPhasePending
	bound   = v1alpha1.NetworkPeeringPhaseBound
)

func TestTheRemoteServerIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.proxy.setAway(true)
	w.start()
	w.create(network("a"))
	n := w.settles("a", state(v1alpha1.NetworkStatePending, "RemoteUnavailable"))
	w.wantEvent(n, "RemoteUnavailable")
	w.wantMetric("RemoteUnavailable")
	w.proxy.setAway(false)
	w.settles("a", state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))
}

func TestTheRemoteServerIsAwayInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a", "b"), network("b", "a"), network("c"))
	first := w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStatePending))
	second := w.settles("b", peering("a", bound, v1alpha1.NetworkPeeringStatePending))
	w.wantRemotePeerings(first, "b "+w.id(second))
	w.wantRemotePeerings(second, "a "+w.id(first))
	c := w.settles("c", available)

	w.proxy.setAway(true)
	w.create(network("d"))
	w.settles("d", state(v1alpha1.NetworkStatePending, "RemoteUnavailable"))
	w.delete("c")
	w.settles("c", func(n *v1alpha1.Network) string {
		if n.DeletionTimestamp == nil {
			return "not being deleted"
		}
		return state(v1alpha1.NetworkStateAvailable, "ReleaseFailed")(n)
	})
	w.wantEvent(c, "ReleaseFailed")
	// What is in place stays in place: only the way to change it is lost.
	w.patch("a", `{"spec":{"peerings":[
		{"name":"b","networkRef":{"name":"b"},"prefixes":[{"name":"x","prefix":"10.0.0.0/8"}]}]}}`)
	a := w.settles("a", state(v1alpha1.NetworkStateAvailable, "RemoteUnavailable"))
	w.settles("b", state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))

	w.proxy.setAway(false)
	w.settles("d", state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))
	b := w.settles("b", available)
	w.wantRemotePeerings(a, "b "+w.id(b)+" 10.0.0.0/8")
	w.settles("a", state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))
	w.isGone("c")
	if err := w.wantNoRemote(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestAServerThatIsAwayAtARestartCostsNoPeering(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a", "b"), network("b", "a"))
	w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStatePending))
	b := w.settles("b", peering("a", bound, v1alpha1.NetworkPeeringStatePending))
	w.proxy.setAway(true)
	w.restart()
	w.wantMetric("RemoteUnavailable")
	again, err := w.networks.Get(t.Context(), "b", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The conditions may tell that the server is away: it may have gone in the middle of a look at b.
	if diff := cmp.Diff(b.Status.Peerings, again.Status.Peerings); diff != "" || again.Status.State != b.Status.State {
		t.Errorf("b became %s (-before +after):\n%s", again.Status.State, diff)
	}
}

func TestAnAPIThatIsServedLaterHealsWithinSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Runs(race.Plain(w.server.Path)) // It is measured.
	var asked atomic.Int64
	w.proxy.setBare(true)
	w.proxy.meddle(func(r *http.Request, pass func()) {
		if r.URL.Query().Get("sendInitialEvents") == "" { // An informer that asks for them asks for a list too.
			asked.Add(1)
		}
		pass()
	})
	w.start()
	w.create(network("a"))
	w.settles("a", state(v1alpha1.NetworkStateError, "RemoteNotFound"))
	// By then, whoever asks at growing intervals has come to long ones.
	w.eventually(func(context.Context) error {
		if times := asked.Load(); times < 7 {
			return fmt.Errorf("it was asked %d times", times)
		}
		return nil
	})
	w.proxy.setBare(false)
	served := time.Now()
	w.settles("a", state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))
	if took := time.Since(served); took > 5*time.Second {
		t.Errorf("it took %s from the API's coming", took)
	}
}

func TestASlowRemoteServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.proxy.meddle(func(r *http.Request, pass func()) {
		select {
		case <-time.After(500 * time.Millisecond):
			pass()
		case <-r.Context().Done():
		}
	})
	w.start()
	w.create(network("a", "b"), network("b", "a"))
	w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStatePending))
	a, b := w.settles("a", available), w.settles("b", available)
	w.wantRemotePeerings(a, "b "+w.id(b))
	w.delete("a")
	w.isGone("a")
}

func TestTheRemoteServerForbids(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("before"))
	w.settles("before", available)
	w.allow(false)
	// The API server may take a moment to learn of a role that is gone: only what it refused can be seen.
	var n *v1alpha1.Network
	w.eventually(func(ctx context.Context) error {
		if n == nil || available(n) == "" {
			next := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{GenerateName: "a-"}}
			created, err := w.networks.Create(ctx, next, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			n = created
		}
		now, err := w.networks.Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		n = now
		if wrong := state(v1alpha1.NetworkStateError, "RemoteForbidden")(n); wrong != "" {
			return fmt.Errorf("%s: %s", n.Name, wrong)
		}
		return nil
	})
	w.wantEvent(n, "RemoteForbidden")
	w.wantMetric("RemoteForbidden")
	w.settles("before", available)
	w.allow(true)
	w.settles(n.Name, state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))
}

func TestTheRemoteServerIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	ids.set(ids.full, w.remoteNamespace, true)
	w.create(network("a"))
	n := w.settles("a", state(v1alpha1.NetworkStatePending, "RemoteFull"))
	w.wantEvent(n, "RemoteFull")
	w.wantMetric("RemoteFull")
	ids.set(ids.full, w.remoteNamespace, false)
	w.settles("a", state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))
}

func TestTheRemoteNamespaceIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.AddFlags("--ironcore-net-namespace=nowhere")
	w.server.AddFlags("--ironcore-net-kubeconfig=" + shared.Admin.Kubeconfig)
	w.start()
	w.create(network("a"))
	w.settles("a", state(v1alpha1.NetworkStateError, "RemoteNotFound"))
}

func TestWhatSomebodyElseChangesIsPutBack(t *testing.T) {
	tampering := map[string]func(peerID string) string{
		"a peering is added": func(id string) string {
			return `{"spec":{"peerings":[{"name":"b","id":"` + id + `"},{"name":"x","id":"999"}]}}`
		},
		"a filter is added": func(id string) string {
			return `{"spec":{"peerings":[
				{"name":"b","id":"` + id + `","prefixes":[{"name":"x","prefix":"10.0.0.0/8"}]}]}}`
		},
		"the peerings are taken out": func(string) string { return `{"spec":{"peerings":null}}` },
		"the labels are taken off":   func(string) string { return `{"metadata":{"labels":null}}` },
		"the way back is taken off":  func(string) string { return `{"metadata":{"annotations":null}}` },
		"the owner is taken off":     func(string) string { return label("owner", `null`) },
		"its namespace is another":   func(string) string { return label("network-namespace", `"elsewhere"`) },
		"its namespace is taken off": func(string) string { return label("network-namespace", `null`) },
		"its UID is another":         func(string) string { return label("network-uid", `"another"`) },
		"its name is nobody's":       func(string) string { return leadTo(`"nobody"`) },
		"its name is another's":      func(string) string { return leadTo(`"b"`) },
		"the whole way back is wrong": func(string) string {
			return `{"metadata":{"labels":{"networking.ironcore.dev/network-namespace":"elsewhere"},
				"annotations":{"networking.ironcore.dev/network-name":"nobody"}}}`
		},
	}
	for name, patch := range tampering {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).start()
			w.create(network("a", "b"), network("b", "a"))
			w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStatePending))
			a, b := w.settles("a", available), w.settles("b", available)
			w.wantRemotePeerings(a, "b "+w.id(b))

			w.patchRemote(a, patch(w.id(b)))
			w.wantRemotePeerings(a, "b "+w.id(b))
			w.eventually(func(ctx context.Context) error { return w.wantWayBack(ctx, a) })
			w.wantEvent(a, "RemoteChanged")
			w.wantMetric("RemoteChanged")
			w.settles("a", state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))
			if again := w.settles("a", available); again.Spec.ProviderID != a.Spec.ProviderID {
				t.Errorf("the provider ID %s became %s", a.Spec.ProviderID, again.Spec.ProviderID)
			}
		})
	}
}

func label(name, value string) string {
	return `{"metadata":{"labels":{"networking.ironcore.dev/` + name + `":` + value + `}}}`
}

func leadTo(name string) string {
	return `{"metadata":{"annotations":{"networking.ironcore.dev/network-name":` + name + `}}}`
}

// wantWayBack complains unless the same remote Network as ever leads back to a Network.
func (w *world) wantWayBack(ctx context.Context, n *v1alpha1.Network) error {
	remote, err := w.remote(ctx, n)
	if err != nil {
		return err
	}
	labels, annotations := remote.GetLabels(), remote.GetAnnotations()
	if labels["networking.ironcore.dev/owner"] == "" ||
		labels["networking.ironcore.dev/network-namespace"] != n.Namespace ||
		labels["networking.ironcore.dev/network-uid"] != string(n.UID) ||
		annotations["networking.ironcore.dev/network-name"] != n.Name {
		return fmt.Errorf("labels %v, annotations %v", labels, annotations)
	}
	if !strings.HasSuffix(n.Spec.ProviderID, "/"+string(remote.GetUID())) {
		return fmt.Errorf("%s was deleted and created again: it is %s now", n.Spec.ProviderID, remote.GetUID())
	}
	return nil
}

func TestAWayBackThatIsChangedWhileNobodyLooksIsPutBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a"))
	a := w.settles("a", available)
	w.restartWithout(func() {
		w.patchRemote(a, label("network-namespace", `"elsewhere"`))
		w.patchRemote(a, leadTo("null"))
	})
	w.eventually(func(ctx context.Context) error { return w.wantWayBack(ctx, a) })
	w.wantEvent(a, "RemoteChanged")
}

func TestTwoWritersThatInsistDoNotChaseEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a"))
	a := w.settles("a", available)

	// Somebody who puts a peering back as soon as it is gone.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var insisted atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if got, err := w.remotePeerings(ctx, a); err != nil || len(got) > 0 {
				continue
			}
			if _, err := w.remotes.Patch(ctx, string(a.UID), types.MergePatchType,
				[]byte(`{"spec":{"peerings":[{"name":"x","id":"999"}]}}`), metav1.PatchOptions{}); err == nil {
				insisted.Add(1)
			}
		}
	}()
	w.settles("a", state(v1alpha1.NetworkStateAvailable, "RemoteChanged"))
	w.never(5*time.Second, func(context.Context) error {
		if times := insisted.Load(); times > 5 {
			return fmt.Errorf("put back %d times within seconds", times)
		}
		return nil
	})
	cancel()
	<-done
	w.wantRemotePeerings(a)
	w.settles("a", state(v1alpha1.NetworkStateAvailable, v1alpha1.NetworkReasonAvailable))
}

func TestARemoteNetworkThatIsDeletedByHandIsPutBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a", "b"), network("b", "a"))
	w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStatePending))
	a, b := w.settles("a", available), w.settles("b", available)
	w.wantRemotePeerings(a, "b "+w.id(b))

	t.Run("with its ID while that is free", func(t *testing.T) {
		w := w.in(t)
		w.deleteRemote(a)
		w.wantRemotePeerings(a, "b "+w.id(b))
		w.settles("a", state(v1alpha1.NetworkStateAvailable, "RemoteReplaced"))
		w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStatePending))
		remote, err := w.remote(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if spec := remote.Object["spec"].(map[string]any); spec["id"] != w.id(a) {
			t.Errorf("the ID is %v, want %s", spec["id"], w.id(a))
		}
	})
	t.Run("or is in error until it is", func(t *testing.T) {
		w := w.in(t)
		ids.set(ids.keep, w.remoteNamespace, true)
		w.deleteRemote(a)
		w.settles("a", state(v1alpha1.NetworkStateError, "RemoteIDTaken"))
		w.settles("b", peering("a", pending, v1alpha1.NetworkPeeringStatePending))
		w.wantRemotePeerings(b)
		ids.set(ids.keep, w.remoteNamespace, false)
		ids.free(w.id(a))
		w.settles("a", state(v1alpha1.NetworkStateAvailable, "RemoteReplaced"))
		w.wantRemotePeerings(b, "a "+w.id(a))
	})
	t.Run("or is in error as long as it has another", func(t *testing.T) {
		w := w.in(t)
		w.proxy.setAway(true)
		w.deleteRemote(a)
		w.createRemote(string(a.UID), nil)
		w.proxy.setAway(false)
		w.settles("a", state(v1alpha1.NetworkStateError, "RemoteIDChanged"))
		w.wantRemotePeerings(b)
		w.deleteRemote(a)
		w.settles("a", state(v1alpha1.NetworkStateAvailable, "RemoteReplaced"))
		w.wantRemotePeerings(b, "a "+w.id(a))
	})
}

func TestAFinalizerOfSomebodyElseIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	w.create(network("a"))
	a := w.settles("a", available)
	w.patchRemote(a, `{"metadata":{"finalizers":["somebody.else/holds"]}}`)
	w.delete("a")
	w.eventually(func(ctx context.Context) error {
		remote, err := w.remote(ctx, a)
		if err == nil && remote.GetDeletionTimestamp() == nil {
			err = fmt.Errorf("the remote Network is not being deleted")
		}
		return err
	})
	w.never(time.Second, func(ctx context.Context) error {
		_, err := w.networks.Get(ctx, "a", metav1.GetOptions{})
		return err
	})
	w.patchRemote(a, `{"metadata":{"finalizers":null}}`)
	w.isGone("a")
}

func TestANetworkOfAnotherServerIsNotTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.proxy.setAway(true)
	w.start()
	w.create(network("a"))
	a := w.settles("a", state(v1alpha1.NetworkStatePending, "RemoteUnavailable"))
	w.createRemote(string(a.UID), map[string]string{"networking.ironcore.dev/owner": "another-server"})
	w.proxy.setAway(false)
	w.settles("a", state(v1alpha1.NetworkStateError, "RemoteOwned"))
	w.delete("a")
	w.isGone("a")
	remote, err := w.remote(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if owner := remote.GetLabels()["networking.ironcore.dev/owner"]; owner != "another-server" {
		t.Errorf("it belongs to %q now", owner)
	}
}

func TestAForeignProviderIDIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	for name, providerID := range map[string]string{
		"of-another-provider": "local://7",
		"of-another-object":   "ironcore-net://" + w.remoteNamespace + "/somebody/1234/uid",
		"malformed":           "ironcore-net://a",
	} {
		n := network(name)
		n.Spec.ProviderID = providerID
		w.create(n)
		w.settles(name, state(v1alpha1.NetworkStateError, "ForeignProviderID"))
		w.delete(name)
		w.isGone(name)
	}
}
