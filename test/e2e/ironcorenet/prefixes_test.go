// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// TestPrefixesFailClosed follows a peering whose prefixes are references, from a host cluster that does not know what a
// Prefix is, to Prefixes that come, change and go.
func TestPrefixesFailClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	a := network("a", "b")
	a.Spec.Peerings[0].Prefixes = []v1alpha1.PeeringPrefix{
		{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{Name: "front"}},
		{Name: "back", PrefixRef: &v1alpha1.LocalObjectReference{Name: "back"}},
	}
	w.create(a, network("b", "a"))
	one, other := w.settles("a", unresolved("does not serve Prefixes")), w.settles("b", available)
	w.wantRemotePeerings(other, "a "+w.id(one))
	w.wantRemotePeerings(one)
	w.wantEvent(one, "PrefixUnresolved")
	// A host cluster without Prefixes is the usual one: no reason to complain again and again.
	w.never(5*time.Second, func(context.Context) error {
		log, err := os.ReadFile(w.server.LogFile)
		if err == nil && bytes.Contains(log, []byte("UnhandledError")) {
			err = errors.New("the log has errors that nobody handles")
		}
		return err
	})

	if err := shared.Install(t.Context(), "testdata/prefixes.yaml", prefixResource); err != nil {
		t.Fatal(err)
	}
	w.settles("a", unresolved("no Prefix front"))
	w.wantRemotePeerings(one)

	w.createPrefix("front", "")
	w.settles("a", unresolved("Prefix front has no range yet"))
	w.patchPrefix("front", `{"spec":{"prefix":"10.0.0.0/24"}}`)
	w.wantRemotePeerings(one)

	w.patchPrefix("front", `{"status":{"phase":"Allocated"}}`, "status")
	w.wantRemotePeerings(one, "b "+w.id(other)+" 10.0.0.0/24")
	w.settles("a", unresolved("no Prefix back"))
	want := []v1alpha1.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}, {Name: "back"}}
	w.settles("a", func(n *v1alpha1.Network) string {
		if got := n.Status.Peerings[0].Prefixes; !slices.Equal(got, want) {
			return fmt.Sprintf("the prefixes in force are %v, want %v", got, want)
		}
		return ""
	})

	w.createPrefix("back", "2001:db8::/32")
	w.patchPrefix("back", `{"status":{"phase":"Allocated"}}`, "status")
	w.wantRemotePeerings(one, "b "+w.id(other)+" 10.0.0.0/24 2001:db8::/32")
	w.report(one, w.id(other), map[string]string{"node-a": "Ready"})
	w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStateReady))
	w.settles("a", func(n *v1alpha1.Network) string {
		if meta.FindStatusCondition(n.Status.Conditions, "PeeringsRealized") != nil {
			return "something is still amiss"
		}
		return ""
	})

	w.restart()
	w.wantRemotePeerings(one, "b "+w.id(other)+" 10.0.0.0/24 2001:db8::/32")
	w.patchPrefix("back", `{"spec":{"prefix":"2001:db8::1/32"}}`)
	w.settles("a", unresolved("not a range"))
	w.wantRemotePeerings(one, "b "+w.id(other)+" 10.0.0.0/24")
	if err := w.prefixes.Delete(t.Context(), "front", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.wantRemotePeerings(one)
	w.settles("a", unresolved("no Prefix front"))
}

// unresolved wants a Network with a Bound peering that is pending, for a reason with certain words.
func unresolved(words string) func(*v1alpha1.Network) string {
	return func(n *v1alpha1.Network) string {
		condition := meta.FindStatusCondition(n.Status.Conditions, "PeeringsRealized")
		switch {
		case peering("b", bound, v1alpha1.NetworkPeeringStatePending)(n) != "":
			return "peering b is not Bound and Pending"
		case condition == nil || condition.Status != metav1.ConditionFalse || condition.Reason != "PrefixUnresolved":
			return "no condition says that a prefix is unresolved"
		case !strings.Contains(condition.Message, words):
			return fmt.Sprintf("the message %q does not say %q", condition.Message, words)
		}
		return available(n)
	}
}

func (w *world) createPrefix(name, prefix string) {
	w.t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{}}}
	if prefix != "" {
		object.Object["spec"] = map[string]any{"prefix": prefix}
	}
	object.SetGroupVersionKind(prefixResource.GroupVersion().WithKind("Prefix"))
	object.SetName(name)
	if _, err := w.prefixes.Create(w.t.Context(), object, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) patchPrefix(name, patch string, subresource ...string) {
	w.t.Helper()
	if _, err := w.prefixes.Patch(w.t.Context(), name, types.MergePatchType, []byte(patch),
		metav1.PatchOptions{}, subresource...); err != nil {
		w.t.Fatal(err)
	}
}
