// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Who may do what: by role, and by field.

func TestRoles(t *testing.T) {
	namespace := newNamespace(t)
	owner := admin(t)
	owner.create(t, namespace, network("existing"))
	owner.settles(t, 10*time.Second, namespace, "existing", available)

	// Each verb is tried by everybody; it succeeds for the roles named, and is forbidden to all others.
	verbs := []struct {
		verb    string
		roles   []string
		attempt func(ctx context.Context, a *actor, name string) error
	}{
		{"get", []string{"view", "edit", "admin"}, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.Networks(namespace).Get(ctx, "existing", metav1.GetOptions{})
			return err
		}},
		{"list", []string{"view", "edit", "admin"}, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.Networks(namespace).List(ctx, metav1.ListOptions{})
			return err
		}},
		{"list in all namespaces", nil, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.Networks("").List(ctx, metav1.ListOptions{})
			return err
		}},
		{"watch", []string{"view", "edit", "admin"}, func(ctx context.Context, a *actor, _ string) error {
			watch, err := a.networks.Networks(namespace).Watch(ctx, metav1.ListOptions{})
			if err == nil {
				watch.Stop()
			}
			return err
		}},
		{"create", []string{"edit", "admin"}, func(ctx context.Context, a *actor, name string) error {
			_, err := a.networks.Networks(namespace).Create(ctx, network(name), metav1.CreateOptions{})
			return err
		}},
		{"patch", []string{"edit", "admin"}, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.Networks(namespace).Patch(ctx, "existing", types.MergePatchType,
				[]byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{})
			return err
		}},
		{"delete", []string{"edit", "admin"}, func(ctx context.Context, a *actor, name string) error {
			return a.networks.Networks(namespace).Delete(ctx, name, metav1.DeleteOptions{})
		}},
		{"patch the status", nil, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.Networks(namespace).Patch(ctx, "existing", types.MergePatchType,
				[]byte(`{"status":{"state":"Error"}}`), metav1.PatchOptions{}, "status")
			return err
		}},
		{"bind", nil, func(ctx context.Context, a *actor, _ string) error {
			_, err := a.networks.Networks(namespace).Bind(ctx, "existing", &v1alpha1.NetworkBinding{}, metav1.CreateOptions{})
			return err
		}},
	}
	for _, role := range []string{"", "view", "edit", "admin"} {
		a := tenant(t, namespace, role)
		for _, verb := range verbs {
			err := verb.attempt(t.Context(), a, "of-"+orElse(role, "nobody"))
			allowed := false
			for _, r := range verb.roles {
				allowed = allowed || r == role
			}
			switch {
			case allowed && err != nil:
				t.Errorf("%s may not %s: %v", role, verb.verb, err)
			case !allowed && !apierrors.IsForbidden(err):
				t.Errorf("%s may %s (%v)", orElse(role, "nobody"), verb.verb, err)
			}
		}
	}
}

func TestTheProviderIDTakesThePermissionForTheStatus(t *testing.T) {
	namespace := newNamespace(t)
	user, provider := tenant(t, namespace, "admin"), providerActor(t)
	user.create(t, namespace, unprovided(network("mine")))

	// Of a user it is dropped with a warning, in a change as in a new Network, so that an exported manifest can be applied.
	warnings := &warningLog{}
	user.Config.WarningHandler = warnings
	user = newActor(t, user.User)
	forged, err := user.mergePatch(t, namespace, "mine", `{"spec":{"providerID":"e2e://forged"}}`)
	if err != nil || forged.Spec.ProviderID != "" {
		t.Errorf("a user's provider ID gave %v and error %v, want none", forged.Spec, err)
	}
	warnings.want(t, "spec.providerID")
	exported := unprovided(network("exported"))
	exported.Spec.ProviderID = "e2e://elsewhere"
	if created := user.create(t, namespace, exported); created.Spec.ProviderID != "" {
		t.Errorf("a new Network has the user's provider ID %q", created.Spec.ProviderID)
	}
	warnings.want(t, "spec.providerID")

	if _, err := provider.mergePatch(t, namespace, "mine", `{"spec":{"providerID":"e2e://1"}}`); err != nil {
		t.Fatalf("the provider: %v", err)
	}
	_, err = provider.mergePatch(t, namespace, "mine", `{"spec":{"providerID":"e2e://2"}}`)
	if !apierrors.IsInvalid(err) {
		t.Fatalf("another provider ID: got %v, want 422 Invalid", err)
	}
	wantWords(t, err.Error(), "spec.providerID", "immutable")
	if kept, err := provider.mergePatch(t, namespace, "mine", `{"spec":{"providerID":null}}`); err != nil || kept.Spec.ProviderID != "e2e://1" {
		t.Errorf("without one: got %v and error %v, want it as stored", kept.Spec, err)
	}
	// What the provider set is no obstacle to the owner.
	if _, err := user.mergePatch(t, namespace, "mine", `{"metadata":{"labels":{"a":"b"}}}`); err != nil {
		t.Error(err)
	}
}

func TestClaimsAreNotTheTenantsToWrite(t *testing.T) {
	namespace := newNamespace(t)
	warnings := &warningLog{}
	user := tenant(t, namespace, "admin")
	user.Config.WarningHandler = warnings
	user = newActor(t, user.User)

	forged := []v1alpha1.NetworkPeeringClaimRef{
		{Namespace: namespace, Name: "other", UID: "00000000-0000-0000-0000-000000000001"},
	}
	n := network("mine", "other")
	n.Spec.IncomingPeerings = forged
	n.Status.State = v1alpha1.NetworkStateAvailable
	created := user.create(t, namespace, n)
	if len(created.Spec.IncomingPeerings) != 0 {
		t.Errorf("created with the claims %v", created.Spec.IncomingPeerings)
	}
	if created.Status.State != v1alpha1.NetworkStatePending {
		t.Errorf("created in state %s", created.Status.State)
	}
	waiting := phase(v1alpha1.NetworkPeeringPhasePending, v1alpha1.PeeringReasonNetworkNotAvailable)
	if wrong := waiting(created); wrong != "" {
		t.Errorf("as created: %s", wrong)
	}
	warnings.want(t, "spec.incomingPeerings")

	user.create(t, namespace, network("other", "mine"))
	user.settles(t, 15*time.Second, namespace, "mine", bound)
	for _, patch := range []string{
		`{"spec":{"incomingPeerings":[]}}`,
		fmt.Sprintf(`{"spec":{"incomingPeerings":[{"namespace":%q,"name":"forged","uid":%q}]}}`, namespace, forged[0].UID),
	} {
		patched, err := user.mergePatch(t, namespace, "mine", patch)
		if err != nil {
			t.Fatal(err)
		}
		if claims := patched.Spec.IncomingPeerings; len(claims) != 1 || claims[0].Name != "other" {
			t.Errorf("%s left the claims %v", patch, claims)
		}
	}
	warnings.want(t, "spec.incomingPeerings") // of the forged one; what is left out is as stored
	// The status in a write of the Network itself counts for nothing.
	patched, err := user.mergePatch(t, namespace, "mine", `{"status":{"state":"Error","peerings":[]}}`)
	if err != nil {
		t.Fatal(err)
	}
	if patched.Status.State != v1alpha1.NetworkStateAvailable || bound(patched) != "" {
		t.Errorf("a write of the Network changed its status to %+v", patched.Status)
	}
}

func TestTheProvidersStatusKeepsThePhases(t *testing.T) {
	namespace := newNamespace(t)
	user, provider := tenant(t, namespace, "edit"), providerActor(t)
	user.peered(t, 15*time.Second, namespace, "mine", "other")
	before := user.settles(t, 10*time.Second, namespace, "mine", func(n *v1alpha1.Network) string {
		if n.Status.Peerings[0].State != v1alpha1.NetworkPeeringStateReady {
			return "the provider has not reported the peering"
		}
		return ""
	})

	patch := `{"status":{"state":"Available","peerings":[
		{"name":"other","state":"Error","phase":"Pending","reason":"Forged","message":"Forged."},
		{"name":"invented","state":"Ready"}]}}`
	after, err := provider.mergePatch(t, namespace, "mine", patch, "status")
	if err != nil {
		t.Fatal(err)
	}
	if len(after.Status.Peerings) != 1 {
		t.Fatalf("the provider made items: %+v", after.Status.Peerings)
	}
	want := before.Status.Peerings[0]
	want.State = v1alpha1.NetworkPeeringStateError
	if got := after.Status.Peerings[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("status.peerings is %v, want %v", got, want)
	}
	if after.Generation != before.Generation {
		t.Errorf("a status made generation %d of %d", after.Generation, before.Generation)
	}

	// Without items, the ones there stay; and what changes nothing makes no new version.
	for _, patch := range []string{`{"status":{"peerings":[]}}`, `{"status":{"peerings":[{"name":"other"}]}}`} {
		if after, err = provider.mergePatch(t, namespace, "other", patch, "status"); err != nil {
			t.Fatal(err)
		}
		if wrong := bound(after); len(after.Status.Peerings) != 1 || wrong != "" {
			t.Errorf("%s left %+v", patch, after.Status.Peerings)
		}
	}
	_, err = provider.networks.Networks(namespace).Bind(t.Context(), "mine", &v1alpha1.NetworkBinding{},
		metav1.CreateOptions{})
	wantForbidden(t, err, "networks/binding")
}

func TestAStatusThatChangesNothingIsNotStored(t *testing.T) {
	namespace := newNamespace(t)
	user, provider := tenant(t, namespace, "edit"), providerActor(t)
	user.create(t, namespace, unprovided(network("mine", "absent")))
	patch := `{"status":{"state":"Available","peerings":[{"name":"absent","state":"Ready"}]}}`
	if _, err := provider.mergePatch(t, namespace, "mine", patch, "status"); err != nil {
		t.Fatal(err)
	}
	settled := user.settles(t, 10*time.Second, namespace, "mine",
		phase(v1alpha1.NetworkPeeringPhasePending, v1alpha1.PeeringReasonPeerNotFound))
	for range 3 {
		again, err := provider.mergePatch(t, namespace, "mine", patch, "status")
		if err != nil {
			t.Fatal(err)
		}
		if again.ResourceVersion != settled.ResourceVersion {
			t.Fatalf("the same patch made version %s of %s", again.ResourceVersion, settled.ResourceVersion)
		}
	}
}

func TestABindingNeedsItsPreconditions(t *testing.T) {
	namespace := newNamespace(t)
	root := admin(t)
	created := root.create(t, namespace, unprovided(network("mine")))
	bind := func(uid types.UID, version string) error {
		binding := &v1alpha1.NetworkBinding{}
		binding.UID, binding.ResourceVersion = uid, version
		_, err := root.networks.Networks(namespace).Bind(t.Context(), "mine", binding, metav1.CreateOptions{})
		return err
	}
	if err := bind(created.UID, ""); !apierrors.IsInvalid(err) {
		t.Errorf("without resourceVersion: got %v, want 422 Invalid", err)
	}
	if err := bind("", created.ResourceVersion); !apierrors.IsInvalid(err) {
		t.Errorf("without uid: got %v, want 422 Invalid", err)
	}
	if err := bind("00000000-0000-0000-0000-000000000001", created.ResourceVersion); !apierrors.IsConflict(err) {
		t.Errorf("with another uid: got %v, want 409 Conflict", err)
	}
	if _, err := root.mergePatch(t, namespace, "mine", `{"metadata":{"labels":{"a":"b"}}}`); err != nil {
		t.Fatal(err)
	}
	if err := bind(created.UID, created.ResourceVersion); !apierrors.IsConflict(err) {
		t.Errorf("with the resourceVersion of before: got %v, want 409 Conflict", err)
	}
}

// warningLog takes the warnings that come with answers.
type warningLog struct{ text bytes.Buffer }

var _ rest.WarningHandler = &warningLog{}

func (w *warningLog) HandleWarningHeader(_ int, _ string, text string) { fmt.Fprintln(&w.text, text) }

// want checks that there was a warning with the word, and forgets it.
func (w *warningLog) want(t *testing.T, word string) {
	t.Helper()
	wantWords(t, w.text.String(), word)
	w.text.Reset()
}
