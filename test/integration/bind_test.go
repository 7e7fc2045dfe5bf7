// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// The binding subresource, on a server without peering controllers: the tests are the controller.
func serverWithoutBinders(t *testing.T) namespace {
	t.Helper()
	return newNamespace(t, ownServer(t, "--controllers=*,-peering,-release", "--network-provider=external"))
}

// binding returns a decision on all peerings of a Network, each Bound to a peer or, where that is nil, Pending.
func binding(network *v1alpha1.Network, peers ...*v1alpha1.Network) *v1alpha1.NetworkBinding {
	decided := &v1alpha1.NetworkBinding{ObjectMeta: metav1.ObjectMeta{
		Name: network.Name, UID: network.UID, ResourceVersion: network.ResourceVersion,
	}}
	for i, peer := range peers {
		decision := v1alpha1.NetworkPeeringBinding{Name: network.Spec.Peerings[i].Name,
			Phase: v1alpha1.NetworkPeeringPhasePending, Reason: "Waiting", Message: "Waits."}
		if peer != nil {
			decision.Phase, decision.Reason = v1alpha1.NetworkPeeringPhaseBound, v1alpha1.PeeringReasonBound
			decided.IncomingPeerings = append(decided.IncomingPeerings, claimOf(peer))
		}
		decided.Peerings = append(decided.Peerings, decision)
	}
	return decided
}

func (n namespace) bind(t *testing.T, name string, decided *v1alpha1.NetworkBinding) (*v1alpha1.NetworkBinding, error) {
	t.Helper()
	return n.networks.Bind(t.Context(), name, decided, metav1.CreateOptions{})
}

func TestABindingChangesClaimsAndPhasesInOneWriteAndNothingElse(t *testing.T) {
	t.Parallel()
	n := serverWithoutBinders(t)
	b := n.create(t, newNetwork("b", to("a")))
	a := n.create(t, newNetwork("a", to("b"), to("c")))
	watch, err := n.networks.Watch(t.Context(), metav1.SingleObject(a.ObjectMeta))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()

	dryRun, err := n.networks.Bind(t.Context(), "a", binding(a, b, nil),
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	if now := n.get(t, "a"); dryRun.UID != a.UID || now.ResourceVersion != a.ResourceVersion {
		t.Errorf("a dry run made resourceVersion %s of %s", now.ResourceVersion, a.ResourceVersion)
	}

	answer, err := n.bind(t, "a", binding(a, b, nil))
	if err != nil {
		t.Fatal(err)
	}
	bound := (<-watch.ResultChan()).Object.(*v1alpha1.Network)
	if answer.ResourceVersion != bound.ResourceVersion || bound.ResourceVersion == a.ResourceVersion {
		t.Errorf("the answer has resourceVersion %s, the Network has %s after %s",
			answer.ResourceVersion, bound.ResourceVersion, a.ResourceVersion)
	}
	checkItems(t, bound, "b Bound Bound", "c Pending Waiting")
	checkClaims(t, bound, b)
	if bound.Status.ObservedGeneration != 1 || bound.Generation != 1 {
		t.Errorf("generation is %d and observedGeneration %d, want 1 and 1",
			bound.Generation, bound.Status.ObservedGeneration)
	}
	if diff := cmp.Diff(a.ManagedFields, bound.ManagedFields); diff != "" {
		t.Errorf("the binding changed managedFields (-want +got):\n%s", diff)
	}
	before := a.Status.Peerings[1].LastPhaseTransitionTime
	moved, kept := bound.Status.Peerings[0].LastPhaseTransitionTime, bound.Status.Peerings[1].LastPhaseTransitionTime
	if moved.Before(before) || !kept.Equal(before) {
		t.Errorf("the transition times are %s for the peering that became Bound, %s for the other", moved, kept)
	}

	again, err := n.bind(t, "a", binding(bound, b, nil))
	if err != nil {
		t.Fatal(err)
	}
	if again.ResourceVersion != bound.ResourceVersion {
		t.Errorf("the same binding again made resourceVersion %s of %s", again.ResourceVersion, bound.ResourceVersion)
	}
	if _, err := n.bind(t, "a", binding(bound, nil, nil)); err != nil {
		t.Fatal(err)
	}
	released := (<-watch.ResultChan()).Object.(*v1alpha1.Network)
	checkItems(t, released, "b Pending Waiting", "c Pending Waiting")
	checkClaims(t, released)
}

func TestABindingForAnotherStateOfTheNetworkIsAConflict(t *testing.T) {
	t.Parallel()
	n := serverWithoutBinders(t)
	b := n.create(t, newNetwork("b", to("a")))
	decidedOn := n.create(t, newNetwork("a", to("b")))
	n.mergePatch(t, "a", object{"metadata": object{"labels": object{"x": "y"}}})
	stored := n.get(t, "a")

	stale := binding(decidedOn, b)
	other := binding(stored, b)
	other.UID = strangerUID
	for name, decided := range map[string]*v1alpha1.NetworkBinding{"stale resourceVersion": stale, "other uid": other} {
		if _, err := n.bind(t, "a", decided); !apierrors.IsConflict(err) {
			t.Errorf("%s: got %v, want a conflict", name, err)
		}
	}
	if _, err := n.bind(t, "missing", binding(stored, b)); !apierrors.IsBadRequest(err) {
		t.Errorf("a binding posted to another Network: got %v, want a bad request", err)
	}
	missing := binding(stored, b)
	missing.Name = "missing"
	if _, err := n.bind(t, "missing", missing); !apierrors.IsNotFound(err) {
		t.Errorf("a Network that does not exist: got %v, want not found", err)
	}
	if now := n.get(t, "a"); now.ResourceVersion != stored.ResourceVersion {
		t.Errorf("a refused binding made resourceVersion %s of %s", now.ResourceVersion, stored.ResourceVersion)
	}
}

func TestABindingThatDoesNotFitIsRefusedWithEveryError(t *testing.T) {
	t.Parallel()
	n := serverWithoutBinders(t)
	b, stranger := n.create(t, newNetwork("b", to("a"))), n.create(t, newNetwork("stranger"))
	a := n.create(t, newNetwork("a", pinned(to("b"), b.UID), to("c")))

	for name, test := range map[string]struct {
		change func(*v1alpha1.NetworkBinding)
		want   []string
	}{
		"no preconditions, a wrong name, an unknown phase and no reason": {
			func(decided *v1alpha1.NetworkBinding) {
				decided.UID, decided.ResourceVersion = "", ""
				decided.Peerings[1] = v1alpha1.NetworkPeeringBinding{Name: "d", Phase: "Broken"}
			},
			[]string{"FieldValueRequired metadata.uid", "FieldValueRequired metadata.resourceVersion",
				"FieldValueInvalid peerings[1].name", "FieldValueNotSupported peerings[1].phase",
				"FieldValueRequired peerings[1].reason"},
		},
		"a phase without its claim": {
			func(decided *v1alpha1.NetworkBinding) { decided.IncomingPeerings = nil },
			[]string{"FieldValueRequired incomingPeerings"},
		},
		"a claim without its phase, and one of a stranger": {
			func(decided *v1alpha1.NetworkBinding) {
				decided.Peerings[0].Phase = v1alpha1.NetworkPeeringPhasePending
				decided.IncomingPeerings = append(decided.IncomingPeerings, claimOf(stranger))
			},
			[]string{"FieldValueInvalid incomingPeerings[0]", "FieldValueInvalid incomingPeerings[1]"},
		},
		"another uid than the one that the peering asks for": {
			func(decided *v1alpha1.NetworkBinding) { decided.IncomingPeerings[0].UID = stranger.UID },
			[]string{"FieldValueInvalid incomingPeerings[0].uid"},
		},
		"a decision on fewer peerings than there are": {
			func(decided *v1alpha1.NetworkBinding) { decided.Peerings = decided.Peerings[:1] },
			[]string{"FieldValueInvalid peerings"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			decided := binding(a, b, nil)
			test.change(decided)
			_, err := n.bind(t, "a", decided)
			if !apierrors.IsInvalid(err) {
				t.Fatalf("got %v, want an answer 422", err)
			}
			if got, want := causes(err), sets.New(test.want...); !got.Equal(want) {
				t.Errorf("the causes are %q, want %q", sets.List(got), sets.List(want))
			}
		})
	}
	if now := n.get(t, "a"); now.ResourceVersion != a.ResourceVersion {
		t.Errorf("a refused binding made resourceVersion %s of %s", now.ResourceVersion, a.ResourceVersion)
	}
}

// causes returns the field errors in an answer, each as "type path".
func causes(err error) sets.Set[string] {
	found := sets.New[string]()
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		for _, cause := range status.Status().Details.Causes {
			found.Insert(fmt.Sprintf("%s %s", cause.Type, cause.Field))
		}
	}
	return found
}

func TestOnlyPostReachesTheBindingSubresource(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("a"))
	client := n.client(t).RESTClient()
	for method, request := range map[string]*rest.Request{
		"GET":   client.Get(),
		"PUT":   client.Put().Body(newNetwork("a")),
		"PATCH": client.Patch(types.MergePatchType).Body([]byte("{}")),
	} {
		result := request.Namespace(n.name).Resource("networks").Name("a").SubResource("binding").Do(t.Context()).Error()
		if !apierrors.IsMethodNotSupported(result) {
			t.Errorf("%s: got %v, want 405", method, result)
		}
	}
}
