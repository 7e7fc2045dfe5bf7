// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	apply "ironcore.dev/networking/pkg/client/applyconfiguration/networking/v1alpha1"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

// Who writes what, as far as it does not depend on who asks: see identity_test.go for that.

const claimsWarning = "spec.incomingPeerings: the server alone writes it: kept as stored"

// warnings collects the Warning headers of a client's answers.
type warnings struct {
	mu   sync.Mutex
	text []string
}

var _ rest.WarningHandlerWithContext = &warnings{}

func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text)
}

// take returns what was collected since the last call.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.text = nil }()
	return w.text
}

// withWarnings returns a client of the namespace and the warnings that it gets.
func (n namespace) withWarnings(t *testing.T) (clientset.NetworkInterface, *warnings) {
	t.Helper()
	collected := &warnings{}
	config := n.config(t)
	config.WarningHandlerWithContext = collected
	return newClient(t, config).Networks(n.name), collected
}

func TestForgedClaimsAreNotStoredAndWarnedOf(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	forged := v1alpha1.NetworkPeeringClaimRef{Namespace: n.name, Name: "forged", UID: strangerUID}
	patch := encode(t, object{"spec": object{"incomingPeerings": []v1alpha1.NetworkPeeringClaimRef{forged}}})
	networks, warned := n.withWarnings(t)
	_, bound := n.peered(t, "b", "a")
	want := bound.Spec.IncomingPeerings

	for name, forge := range map[string]func(ctx context.Context) (*v1alpha1.Network, error){
		"an update that adds a claim": func(ctx context.Context) (*v1alpha1.Network, error) {
			network := n.get(t, "a")
			network.Spec.IncomingPeerings = append(network.Spec.IncomingPeerings, forged)
			return networks.Update(ctx, network, metav1.UpdateOptions{})
		},
		"an update that drops the claims": func(ctx context.Context) (*v1alpha1.Network, error) {
			network := n.get(t, "a")
			network.Spec.IncomingPeerings = nil
			return networks.Update(ctx, network, metav1.UpdateOptions{})
		},
		"a JSON merge patch": func(ctx context.Context) (*v1alpha1.Network, error) {
			return networks.Patch(ctx, "a", types.MergePatchType, patch, metav1.PatchOptions{})
		},
		"a JSON patch": func(ctx context.Context) (*v1alpha1.Network, error) {
			patch := encode(t, []object{{"op": "replace", "path": "/spec/incomingPeerings/0/uid", "value": forged.UID}})
			return networks.Patch(ctx, "a", types.JSONPatchType, patch, metav1.PatchOptions{})
		},
		"a server-side apply": func(ctx context.Context) (*v1alpha1.Network, error) {
			claim := apply.NetworkPeeringClaimRef().WithNamespace(n.name).WithName("forged").WithUID(forged.UID)
			return networks.Apply(ctx, apply.Network("a", n.name).WithSpec(
				apply.NetworkSpec().WithIncomingPeerings(claim)), metav1.ApplyOptions{FieldManager: "forger", Force: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			network, err := forge(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, network.Spec.IncomingPeerings); diff != "" {
				t.Errorf("the claims changed (-want +got):\n%s", diff)
			}
			wantWarnings := []string{claimsWarning}
			if name == "an update that drops the claims" {
				wantWarnings = nil // What is left out is as stored.
			}
			if got := warned.take(); !slices.Equal(got, wantWarnings) {
				t.Errorf("the answer warned %q, want %q", got, wantWarnings)
			}
			if network.ResourceVersion != bound.ResourceVersion {
				t.Errorf("resourceVersion went from %s to %s, though nothing changed",
					bound.ResourceVersion, network.ResourceVersion)
			}
		})
	}

	t.Run("a create", func(t *testing.T) {
		network := newNetwork("created")
		network.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{forged}
		created, err := networks.Create(t.Context(), network, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(created.Spec.IncomingPeerings) > 0 {
			t.Errorf("the new Network has the claims %v", created.Spec.IncomingPeerings)
		}
		if got := warned.take(); !slices.Equal(got, []string{claimsWarning}) {
			t.Errorf("the answer warned %q, want %q", got, claimsWarning)
		}
	})

	t.Run("a forged claim next to another change does not hold up that change", func(t *testing.T) {
		network, err := networks.Patch(t.Context(), "a", types.MergePatchType, encode(t, object{
			"metadata": object{"labels": object{"tier": "front"}},
			"spec":     object{"incomingPeerings": nil},
		}), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if network.Labels["tier"] != "front" || !cmp.Equal(network.Spec.IncomingPeerings, want) {
			t.Errorf("got labels %v and claims %v", network.Labels, network.Spec.IncomingPeerings)
		}
		warned.take()
	})

	t.Run("a change of something else does not warn", func(t *testing.T) {
		network := n.get(t, "a")
		network.Labels = map[string]string{"tier": "back"}
		if _, err := networks.Update(t.Context(), network, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := warned.take(); len(got) > 0 {
			t.Errorf("the answer warned %q", got)
		}
	})
}

func TestAStatusSentToTheNetworkItselfIsIgnored(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	forged := v1alpha1.NetworkStatus{
		ObservedGeneration: 7,
		State:              v1alpha1.NetworkStateAvailable,
		Peerings: []v1alpha1.NetworkPeeringStatus{{
			Name:  "b",
			Phase: v1alpha1.NetworkPeeringPhaseBound,
			State: v1alpha1.NetworkPeeringStateReady,
		}},
	}
	network := newNetwork("a", to("b"))
	network.Status = forged
	network = n.create(t, network)
	if err := pendingFor(v1alpha1.PeeringReasonNetworkNotAvailable)(network); err != nil {
		t.Error(err)
	}
	if network.Status.State != v1alpha1.NetworkStatePending || network.Status.Peerings[0].State != "" {
		t.Errorf("a new Network starts with status %+v", network.Status)
	}
	stored := n.await(t, "a", func(network *v1alpha1.Network) error {
		return pendingFor(v1alpha1.PeeringReasonNetworkNotAvailable)(network)
	})

	network = stored.DeepCopy()
	network.Status = forged
	updated, err := n.networks.Update(t.Context(), network, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stored.Status, updated.Status); diff != "" {
		t.Errorf("the update changed the status (-want +got):\n%s", diff)
	}
	patched := n.mergePatch(t, "a", object{"status": object{"state": "Available", "peerings": nil}})
	if diff := cmp.Diff(stored.Status, patched.Status); diff != "" {
		t.Errorf("the patch changed the status (-want +got):\n%s", diff)
	}
}

func TestOneWriteOfPeeringsChangesTheirStatusAndClaimsToo(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("a", to("b"), to("c")))
	b, c := n.create(t, newNetwork("b", to("a"))), n.create(t, newNetwork("c", to("a")))
	n.await(t, "a", boundTo(b, c))

	t.Run("a new peering gets its item, and the order is that of the spec", func(t *testing.T) {
		network := n.update(t, "a", func(network *v1alpha1.Network) {
			network.Spec.Peerings = []v1alpha1.NetworkPeering{to("c"), to("d"), to("b")}
		})
		checkItems(t, network, "c Bound Bound", "d Pending Evaluating", "b Bound Bound")
		n.await(t, "a", func(network *v1alpha1.Network) error {
			return expectItems(network, "c Bound Bound", "d Pending PeerNotFound", "b Bound Bound")
		})
	})
	t.Run("a peering with another target starts again, without its claim", func(t *testing.T) {
		network := n.update(t, "a", func(network *v1alpha1.Network) {
			network.Spec.Peerings[0].NetworkRef.Name = "e"
		})
		checkItems(t, network, "c Pending Evaluating", "d Pending PeerNotFound", "b Bound Bound")
		checkClaims(t, network, b)
	})
	t.Run("a peering that is dropped takes its item and its claim along", func(t *testing.T) {
		network := n.update(t, "a", func(network *v1alpha1.Network) {
			network.Spec.Peerings = network.Spec.Peerings[:2]
		})
		checkItems(t, network, "c Pending Evaluating", "d Pending PeerNotFound")
		checkClaims(t, network)
	})
}

// checkItems compares status.peerings, each item as "name phase reason".
func checkItems(t *testing.T, network *v1alpha1.Network, want ...string) {
	t.Helper()
	if err := expectItems(network, want...); err != nil {
		t.Error(err)
	}
}

func checkClaims(t *testing.T, network *v1alpha1.Network, peers ...*v1alpha1.Network) {
	t.Helper()
	var want []v1alpha1.NetworkPeeringClaimRef
	for _, peer := range peers {
		want = append(want, claimOf(peer))
	}
	if diff := cmp.Diff(want, network.Spec.IncomingPeerings); diff != "" {
		t.Errorf("spec.incomingPeerings differs (-want +got):\n%s", diff)
	}
}

func TestGenerationCountsChangesOfPeeringsAlone(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	if network := n.create(t, newNetwork("a", to("b"))); network.Generation != 1 {
		t.Errorf("a new Network has generation %d, want 1", network.Generation)
	}
	n.mergePatch(t, "a", object{"metadata": object{"labels": object{"x": "y"}, "annotations": object{"x": "y"},
		"finalizers": []string{"example.com/provider"}}})
	n.mergePatch(t, "a", object{"spec": object{"providerID": "example://1"}})
	n.mergePatch(t, "a", object{"status": object{"state": "Available"}}, "status")
	n.await(t, "a", pendingFor(v1alpha1.PeeringReasonPeerNotFound))
	n.mergePatch(t, "a", object{"metadata": object{"generation": 17}})
	n.mergePatch(t, "a", object{"status": object{"observedGeneration": 17}}, "status")
	if network := n.get(t, "a"); network.Generation != 1 || network.Status.ObservedGeneration != 1 {
		t.Errorf("generation is %d and observedGeneration %d before any change of spec.peerings, want 1 and 1",
			network.Generation, network.Status.ObservedGeneration)
	}

	network := n.mergePatch(t, "a", object{"spec": object{"peerings": []v1alpha1.NetworkPeering{to("b"), to("c")}}})
	if network.Generation != 2 {
		t.Errorf("generation is %d after a change of spec.peerings, want 2", network.Generation)
	}
	n.await(t, "a", pendingFor(v1alpha1.PeeringReasonPeerNotFound, v1alpha1.PeeringReasonPeerNotFound))
	if network := n.get(t, "a"); network.Status.ObservedGeneration != 2 {
		t.Errorf("observedGeneration is %d, want 2", network.Status.ObservedGeneration)
	}
}

// The provider here is one that knows nothing of phases and writes without a resourceVersion.
func TestAProvidersWholeListPatchLeavesTheBindingAlone(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	a, b := n.create(t, newNetwork("a", to("b"), to("c"))), n.create(t, newNetwork("b", to("a")))
	for _, network := range []*v1alpha1.Network{a, b} {
		id := "ironcore-net://" + n.name + "/" + network.Name + "/7/" + string(network.UID)
		if patched := n.mergePatch(t, network.Name, object{"spec": object{"providerID": id}}); patched.Spec.ProviderID != id {
			t.Errorf("spec.providerID is %q, want %q", patched.Spec.ProviderID, id)
		}
		n.mergePatch(t, network.Name, object{"status": object{"state": "Available"}}, "status")
	}
	settled := n.await(t, "a", func(network *v1alpha1.Network) error {
		return expectItems(network, "b Bound Bound", "c Pending PeerNotFound")
	})

	list := func(items ...object) object { return object{"status": object{"state": "Available", "peerings": items}} }
	ready := list(
		object{"name": "b", "state": "Ready", "prefixes": []object{{"name": "front", "prefix": "10.0.0.0/24"}}},
		object{"name": "gone", "state": "Pending"},
	)
	network := n.mergePatch(t, "a", ready, "status")
	checkBinding(t, settled, network)
	item := network.Status.Peerings[0]
	front := []v1alpha1.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}}
	if item.State != v1alpha1.NetworkPeeringStateReady || !cmp.Equal(item.Prefixes, front) {
		t.Errorf("the provider's word on the peering is state %q, prefixes %v", item.State, item.Prefixes)
	}

	written := network.ResourceVersion
	for range 3 {
		if again := n.mergePatch(t, "a", ready, "status"); again.ResourceVersion != written {
			t.Errorf("the same patch again made resourceVersion %s of %s", again.ResourceVersion, written)
		}
	}

	forgedTime := "2001-01-01T00:00:00Z"
	for name, patch := range map[string]object{
		"sets every field of the binding": list(
			object{"name": "b", "state": "Ready", "phase": "Pending", "reason": "Forged", "message": "Forged.",
				"lastPhaseTransitionTime": forgedTime},
			object{"name": "c", "phase": "Bound", "reason": "Bound", "message": "Forged.",
				"lastPhaseTransitionTime": forgedTime},
		),
		"sends items in another order":         list(object{"name": "c"}, object{"name": "b", "state": "Error"}),
		"leaves items out":                     list(object{"name": "b"}),
		"sends no items":                       list(),
		"removes the list":                     {"status": object{"peerings": nil}},
		"removes the conditions":               {"status": object{"conditions": nil}},
		"removes the whole status":             {"status": nil},
		"erases claims and peerings":           {"spec": object{"incomingPeerings": nil, "peerings": nil}},
		"sets another providerID":              {"spec": object{"providerID": "other://"}},
		"sets a label":                         {"metadata": object{"labels": object{"x": "y"}}},
		"sets a finalizer":                     {"metadata": object{"finalizers": []string{"x.y/z"}}},
		"sends a phase that there is not":      list(object{"name": "b", "phase": "Forged"}),
		"sends an observedGeneration and more": {"status": object{"observedGeneration": 9, "state": "Available"}},
	} {
		t.Run("a patch that "+name, func(t *testing.T) {
			network := n.mergePatch(t, "a", patch, "status")
			checkBinding(t, settled, network)
			if network.Labels["x"] != "" || len(network.Finalizers) > 0 {
				t.Errorf("the patch got at metadata: labels %v, finalizers %v", network.Labels, network.Finalizers)
			}
		})
	}
	t.Run("an update that erases the status", func(t *testing.T) {
		network := n.updateStatus(t, "a", func(status *v1alpha1.NetworkStatus) { *status = v1alpha1.NetworkStatus{} })
		checkBinding(t, settled, network)
	})
	t.Run("a server-side apply", func(t *testing.T) {
		network, err := n.networks.ApplyStatus(t.Context(), apply.Network("a", n.name).WithStatus(apply.NetworkStatus().
			WithState(v1alpha1.NetworkStateAvailable).WithPeerings(
			apply.NetworkPeeringStatus().WithName("b").WithState(v1alpha1.NetworkPeeringStateError).
				WithPhase(v1alpha1.NetworkPeeringPhasePending).WithReason("Forged"),
			apply.NetworkPeeringStatus().WithName("gone").WithState(v1alpha1.NetworkPeeringStateReady))),
			metav1.ApplyOptions{FieldManager: "applier", Force: true})
		if err != nil {
			t.Fatal(err)
		}
		checkBinding(t, settled, network)
		if got := network.Status.Peerings[0].State; got != v1alpha1.NetworkPeeringStateError {
			t.Errorf("the provider's word on the peering is %q, want Error", got)
		}
	})
}

// checkBinding compares what the peering controller alone writes.
func checkBinding(t *testing.T, want, got *v1alpha1.Network) {
	t.Helper()
	binding := func(network *v1alpha1.Network) v1alpha1.Network {
		spec, status := network.Spec.DeepCopy(), v1alpha1.NetworkStatus{}
		for _, item := range network.Status.Peerings {
			item.State, item.Prefixes = "", nil
			status.Peerings = append(status.Peerings, item)
		}
		status.ObservedGeneration = network.Status.ObservedGeneration
		if peered := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkPeered); peered != nil {
			status.Conditions = append(status.Conditions, *peered)
		}
		return v1alpha1.Network{Spec: *spec, Status: status}
	}
	if diff := cmp.Diff(binding(want), binding(got)); diff != "" {
		t.Errorf("spec or binding differ (-want +got):\n%s", diff)
	}
}

func TestTheConditionAvailableAgreesWithTheState(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	n.create(t, newNetwork("a"))
	check := func(network *v1alpha1.Network, want string) {
		t.Helper()
		got := "none"
		if available := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.NetworkAvailable); available != nil {
			got = string(available.Status) + " " + available.Reason
		}
		if got != want {
			t.Errorf("with state %s, the condition Available is %q, want %q", network.Status.State, got, want)
		}
	}
	write := func(status object) *v1alpha1.Network {
		t.Helper()
		return n.mergePatch(t, "a", object{"status": status}, "status")
	}
	condition := func(status, reason string) []object {
		return []object{{"type": "Available", "status": status, "reason": reason, "message": "Says the provider.",
			"lastTransitionTime": "2026-01-01T00:00:00Z"}}
	}
	check(n.get(t, "a"), "False Pending")
	check(write(object{"state": "Available"}), "True Available")
	check(write(object{"conditions": nil}), "True Available")
	check(write(object{"conditions": condition("False", "Lie")}), "True Available")
	check(write(object{"state": "Error", "conditions": condition("False", "OutOfIDs")}), "False OutOfIDs")
	check(write(object{"state": "Available"}), "True Available")

	network := n.updateStatus(t, "a", func(status *v1alpha1.NetworkStatus) {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: "Routed", Status: "True", Reason: "Done"})
	})
	check(network, "True Available")
	if !meta.IsStatusConditionTrue(network.Status.Conditions, "Routed") {
		t.Errorf("the provider's own condition is missing in %v", network.Status.Conditions)
	}
}

func TestServerSideApplyOwnsPeeringsOneByOne(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	applyPeerings := func(manager string, targets ...string) (*v1alpha1.Network, error) {
		spec := apply.NetworkSpec()
		for _, target := range targets {
			spec.WithPeerings(apply.NetworkPeering().WithName("to-" + target[:1]).
				WithNetworkRef(apply.NetworkPeeringNetworkRef().WithName(target)))
		}
		return n.networks.Apply(t.Context(), apply.Network("a", n.name).WithSpec(spec),
			metav1.ApplyOptions{FieldManager: manager})
	}
	targets := func(network *v1alpha1.Network) (names []string) {
		for _, peering := range network.Spec.Peerings {
			names = append(names, peering.NetworkRef.Name)
		}
		return names
	}
	for _, step := range []struct {
		manager string
		targets []string
		want    []string
	}{
		{"first", []string{"b"}, []string{"b"}},
		{"second", []string{"c", "d"}, []string{"b", "c", "d"}},
		{"second", []string{"d"}, []string{"b", "d"}},
		{"first", nil, []string{"d"}},
	} {
		network, err := applyPeerings(step.manager, step.targets...)
		if err != nil {
			t.Fatal(err)
		}
		if got := targets(network); !slices.Equal(got, step.want) {
			t.Errorf("after %s applied %q, the Network names %q, want %q", step.manager, step.targets, got, step.want)
		}
	}
	if _, err := applyPeerings("first", "dd"); !apierrors.IsConflict(err) {
		t.Errorf("applying another target to the second one's peering: got %v, want a conflict", err)
	}
}

func TestServerSideApplyOwnsTheDataPlanesWordOnEachPeering(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	n.create(t, newNetwork("a", to("b")))
	applyState := func(manager string, state v1alpha1.NetworkPeeringState) (*v1alpha1.Network, error) {
		item := apply.NetworkPeeringStatus().WithName("b").WithState(state).
			WithPrefixes(apply.PeeringPrefixStatus().WithName("front").WithPrefix("10.0.0.0/24"))
		return n.networks.ApplyStatus(t.Context(), apply.Network("a", n.name).WithStatus(
			apply.NetworkStatus().WithPeerings(item)), metav1.ApplyOptions{FieldManager: manager})
	}
	if _, err := applyState("provider", v1alpha1.NetworkPeeringStateReady); err != nil {
		t.Fatal(err)
	}
	if _, err := applyState("intruder", v1alpha1.NetworkPeeringStateError); !apierrors.IsConflict(err) {
		t.Errorf("another manager's state of the same peering: got %v, want a conflict", err)
	}
	network, err := n.networks.ApplyStatus(t.Context(), apply.Network("a", n.name).WithStatus(
		apply.NetworkStatus().WithPeerings(apply.NetworkPeeringStatus().WithName("b"))),
		metav1.ApplyOptions{FieldManager: "provider"})
	if err != nil {
		t.Fatal(err)
	}
	if item := network.Status.Peerings[0]; item.State != "" || len(item.Prefixes) > 0 || item.Phase == "" {
		t.Errorf("after the provider took back its word, the item is %+v, want its binding alone", item)
	}
}

func TestDeletionOfAPeeredNetworkWaitsForItsProviderAlone(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	_, b := n.peered(t, "a", "b")
	n.mergePatch(t, "a", object{"metadata": object{"finalizers": []string{"example.com/provider"}}})
	n.delete(t, "a")

	n.await(t, "b", pendingFor(v1alpha1.PeeringReasonPeerDeleting))
	n.await(t, "a", pendingFor(v1alpha1.PeeringReasonNetworkDeleting))
	checkTable(t, n.kubectl(t, "get", "network", "a"), "NAME STATE PEERINGS AGE", "a Terminating 0/1 AGE")

	n.mergePatch(t, "a", object{"metadata": object{"finalizers": nil}})
	poll(t, patience, func() error {
		_, err := n.networks.Get(t.Context(), "a", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errorOr(err, "a is still there")
	})
	n.await(t, "b", pendingFor(v1alpha1.PeeringReasonPeerNotFound))
	if network := n.get(t, "b"); network.UID != b.UID {
		t.Errorf("b has uid %s, want %s", network.UID, b.UID)
	}
}
