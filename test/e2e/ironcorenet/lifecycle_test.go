// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
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

	t.Run("and at rest nobody writes", func(*testing.T) {
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
	w.settles("a", peering("b", v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringStatePending))
	want := []v1alpha1.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}, {Name: "back", Prefix: "2001:db8::/32"}}
	w.settles("a", func(n *v1alpha1.Network) string {
		if got := n.Status.Peerings[0].Prefixes; !slices.Equal(got, want) {
			return fmt.Sprintf("the prefixes in force are %v, want %v", got, want)
		}
		return ""
	})

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

	events := w.watchRemotes()
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
	remote, err := w.remote(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{"networking.ironcore.dev/owner": remote.GetLabels()["networking.ironcore.dev/owner"]}
	isCollected := func(name string) {
		t.Helper()
		w.eventually(func(ctx context.Context) error {
			_, err := w.remotes.Get(ctx, name, metav1.GetOptions{})
			switch {
			case apierrors.IsNotFound(err):
				return nil
			case err == nil:
				return fmt.Errorf("%s is still in ironcore-net", name)
			}
			return err
		})
	}
	// One of ours that leads nowhere, while the controllers run and while they do not.
	isCollected(w.createRemote("leads-nowhere", ours))

	// Somebody takes the finalizer off while the controllers run, and somebody else while they do not.
	w.delete("vanishes-at-once")
	w.patchIgnoringGone("vanishes-at-once", `{"metadata":{"finalizers":null}}`)
	w.eventually(func(ctx context.Context) error { return w.wantNoRemote(ctx, atOnce) })

	w.restartWithout(func() {
		w.delete("vanishes-unseen")
		w.patch("vanishes-unseen", `{"metadata":{"finalizers":null}}`)
		w.createRemote("led-nowhere", ours)
	})
	isCollected("led-nowhere")
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

// Who may write to a Network, and who keeps it in use, has no say in the deletion of another's.
func TestADeletionWaitsForNobodyElse(t *testing.T) {
	for name, hinder := range map[string]func(w *world){
		"whose binding a policy refuses": func(w *world) {
			w.refuse("networks/binding", "object.metadata.name == 'b'")
			w.eventually(func(ctx context.Context) error {
				_, err := w.networks.Bind(ctx, "b", &v1alpha1.NetworkBinding{ObjectMeta: metav1.ObjectMeta{Name: "b"}},
					metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
				if err == nil || !strings.Contains(err.Error(), "refuse-"+w.namespace) {
					return fmt.Errorf("the policy is not in force: %v", err)
				}
				return nil
			})
		},
		"whose own deletion waits for its interfaces": func(w *world) {
			nic := &v1alpha1.NetworkInterface{
				ObjectMeta: metav1.ObjectMeta{Name: "nic"},
				Spec: v1alpha1.NetworkInterfaceSpec{
					NetworkRef: v1alpha1.LocalObjectReference{Name: "b"},
					IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol},
					IPs:        []v1alpha1.IPSource{{Value: "10.0.0.1"}},
				},
			}
			if _, err := w.all.NetworkInterfaces(w.namespace).Create(w.t.Context(), nic, metav1.CreateOptions{}); err != nil {
				w.t.Fatal(err)
			}
			w.delete("b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).start()
			w.create(network("a", "b"), network("b", "a"))
			one, other := w.settles("a", available), w.settles("b", available)
			w.wantRemotePeerings(one, "b "+w.id(other))
			w.wantRemotePeerings(other, "a "+w.id(one))
			hinder(w)
			w.delete("a")
			w.isGone("a")
			w.wantRemotePeerings(other)
			if err := w.wantNoRemote(t.Context(), one); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsLeftToTheAgentSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	ref := v1alpha1.LocalObjectReference{Name: "a"}
	w.create(network("a"))
	balancer, err := w.all.LoadBalancers(w.namespace).Create(t.Context(), &v1alpha1.LoadBalancer{
		ObjectMeta: metav1.ObjectMeta{Name: "lb"},
		Spec: v1alpha1.LoadBalancerSpec{
			Type: v1alpha1.LoadBalancerTypePublic, IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol}, NetworkRef: ref,
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := w.all.NATGateways(w.namespace).Create(t.Context(), &v1alpha1.NATGateway{
		ObjectMeta: metav1.ObjectMeta{Name: "nat"},
		Spec: v1alpha1.NATGatewaySpec{
			Type: v1alpha1.NATGatewayTypePublic, IPFamily: v1alpha1.IPv4Protocol, NetworkRef: ref,
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := w.all.NetworkPolicies(w.namespace).Create(t.Context(), &v1alpha1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "policy"},
		Spec:       v1alpha1.NetworkPolicySpec{NetworkRef: ref, PolicyTypes: []v1alpha1.PolicyType{v1alpha1.PolicyTypeIngress}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	vip, err := w.all.VirtualIPs(w.namespace).Create(t.Context(), &v1alpha1.VirtualIP{
		ObjectMeta: metav1.ObjectMeta{Name: "vip"},
		Spec:       v1alpha1.VirtualIPSpec{Type: v1alpha1.VirtualIPTypePublic, IPFamily: v1alpha1.IPv4Protocol},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for kind, conditions := range map[string][]metav1.Condition{
		"LoadBalancer": balancer.Status.Conditions, "NATGateway": gateway.Status.Conditions,
		"NetworkPolicy": policy.Status.Conditions, "VirtualIP": vip.Status.Conditions,
	} {
		ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Reason != "LeftToAgent" || !strings.Contains(ready.Message, "apinetlet") {
			t.Errorf("%s: Ready is %+v, want the reason LeftToAgent and a message that names apinetlet", kind, ready)
		}
	}
	vip, err = w.all.VirtualIPs(w.namespace).Patch(t.Context(), "vip", types.MergePatchType, []byte(`{"status":{"ip":"192.0.2.1"}}`),
		metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	if ready := meta.FindStatusCondition(vip.Status.Conditions, v1alpha1.ConditionReady); ready.Status != metav1.ConditionTrue ||
		ready.Reason != v1alpha1.ReasonRealized {
		t.Errorf("with an address, Ready is %+v", ready)
	}
}
