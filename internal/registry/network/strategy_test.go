// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/warning"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/install"
	"ironcore.dev/networking/internal/registry"
)

// claimsKept is what a caller reads who sent other claims than those stored.
const claimsKept = "spec.incomingPeerings: the server alone writes it: kept as stored"

var (
	mainStrategy   = registry.NewStrategy(newScheme(), serializer.NewCodecFactory(newScheme()).LegacyCodec(v1alpha1.SchemeGroupVersion), definition)
	statusStrategy = registry.StatusStrategy[*networking.Network]{Strategy: mainStrategy}
)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return scheme
}

// warnings are what a caller is warned of.
type warnings []string

func (w *warnings) AddWarning(_, text string) { *w = append(*w, text) }

func (w *warnings) context() context.Context {
	return warning.WithWarningRecorder(context.Background(), w)
}

// timeless compares Networks but for the times that the clock gave.
func timeless() cmp.Option {
	return cmp.Options{
		cmpopts.IgnoreTypes(metav1.Time{}),
		cmpopts.IgnoreFields(networking.NetworkPeeringStatus{}, "LastPhaseTransitionTime"),
	}
}

func forgedClaims() []networking.NetworkPeeringClaimRef {
	return []networking.NetworkPeeringClaimRef{{Namespace: "team-b", Name: "forged", UID: "uid-of-forged"}}
}

// stored is team-a/a as the store has it, with b bound.
func stored() *networking.Network {
	network := with(inState(networking.NetworkStateAvailable),
		"b", networking.NetworkPeeringNetworkRef{Name: "b"}, boundItem(), "uid-of-b")
	deriveConditions(network, nil, earlier)
	return network
}

// changed is that Network as a caller sends it.
func changed(change func(*networking.Network)) *networking.Network {
	network := stored()
	change(network)
	return network
}

func TestPrepareForCreate(t *testing.T) {
	created := func(change func(*networking.Network)) *networking.Network {
		network := with(inState(networking.NetworkStatePending),
			"b", networking.NetworkPeeringNetworkRef{Name: "b"}, newItem("NetworkNotAvailable", ownUnavailable), "")
		network.Generation, network.Status.ObservedGeneration = 1, 1
		deriveConditions(network, nil, now)
		change(network)
		return network
	}
	asIs := func(*networking.Network) {}

	for sentence, tc := range map[string]struct {
		sent, want *networking.Network
		warnings   warnings
	}{
		"a Network starts as Pending, with an item for each peering": {
			sent: &networking.Network{
				ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a", ResourceVersion: "7"},
				Spec: networking.NetworkSpec{Peerings: []networking.NetworkPeering{
					{Name: "b", NetworkRef: networking.NetworkPeeringNetworkRef{Name: "b"}},
				}},
			},
			want: created(asIs),
		},
		"a status and a generation that are sent along are ignored": {
			sent: changed(func(n *networking.Network) { n.Spec.IncomingPeerings = nil }),
			want: created(asIs),
		},
		"claims that are sent along are dropped, and the caller is told": {
			sent:     changed(func(n *networking.Network) { n.Spec.IncomingPeerings = forgedClaims() }),
			want:     created(asIs),
			warnings: warnings{claimsKept},
		},
		"a provider ID is left to admission": {
			sent: changed(func(n *networking.Network) { n.Spec.IncomingPeerings, n.Spec.ProviderID = nil, "local://5" }),
			want: created(func(n *networking.Network) { n.Spec.ProviderID = "local://5" }),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got warnings
			mainStrategy.PrepareForCreate(got.context(), tc.sent)
			if diff := cmp.Diff(tc.want, tc.sent, timeless()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.warnings, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrepareForUpdate(t *testing.T) {
	for sentence, tc := range map[string]struct {
		sent, want *networking.Network
		warnings   warnings
	}{
		"what is sent back as it is stays identical": {sent: stored(), want: stored()},
		"metadata are the user's, and no new generation": {
			sent: changed(func(n *networking.Network) { n.Labels = map[string]string{"app": "web"} }),
			want: changed(func(n *networking.Network) { n.Labels = map[string]string{"app": "web"} }),
		},
		"a provider ID is no new generation": {
			sent: changed(func(n *networking.Network) { n.Spec.ProviderID = "local://5" }),
			want: changed(func(n *networking.Network) { n.Spec.ProviderID = "local://5" }),
		},
		"a status is ignored, without a word": {
			sent: changed(func(n *networking.Network) { n.Status = networking.NetworkStatus{State: "Error"} }),
			want: stored(),
		},
		"forged claims are kept as stored, and the caller is told": {
			sent:     changed(func(n *networking.Network) { n.Spec.IncomingPeerings = forgedClaims() }),
			want:     stored(),
			warnings: warnings{claimsKept},
		},
		"claims that are left out are kept as stored, without a word": {
			sent: changed(func(n *networking.Network) { n.Spec.IncomingPeerings = nil }),
			want: stored(),
		},
		"a generation cannot be chosen": {
			sent: changed(func(n *networking.Network) { n.Generation = 4; n.Spec.Peerings = nil }),
			want: func() *networking.Network {
				network := inState(networking.NetworkStateAvailable)
				network.Generation, network.Status.ObservedGeneration = 5, 5
				deriveConditions(network, nil, earlier)
				return network
			}(),
		},
		"another target is a new generation, with a new item, without the claim, and Peered no more": {
			sent: changed(func(n *networking.Network) { n.Spec.Peerings[0].NetworkRef.Name = "c" }),
			want: func() *networking.Network {
				network := with(inState(networking.NetworkStateAvailable),
					"b", networking.NetworkPeeringNetworkRef{Name: "c"}, newItem("Evaluating", undecided), "")
				network.Generation = 5
				deriveConditions(network, nil, earlier)
				return network
			}(),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got warnings
			old := stored()
			mainStrategy.PrepareForUpdate(got.context(), tc.sent, old)
			if diff := cmp.Diff(tc.want, tc.sent, timeless(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.warnings, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(stored(), old); diff != "" {
				t.Errorf("the stored Network was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestPrepareForStatusUpdate(t *testing.T) {
	sentFields := []metav1.ManagedFieldsEntry{{Manager: "provider"}}
	for sentence, tc := range map[string]struct {
		sent, want *networking.Network
	}{
		"what is sent back as it is stays identical, times included": {sent: stored(), want: stored()},
		"a provider's whole list without phases that changes nothing stays identical": {
			sent: changed(func(n *networking.Network) {
				item := n.Status.Peerings[0]
				n.Status.Peerings = []networking.NetworkPeeringStatus{
					{Name: item.Name, State: item.State, Prefixes: item.Prefixes},
				}
			}),
			want: stored(),
		},
		"metadata and spec are kept as stored": {
			sent: changed(func(n *networking.Network) {
				n.Labels = map[string]string{"app": "web"}
				n.Finalizers = []string{"forged.example/finalizer"}
				n.Spec = networking.NetworkSpec{ProviderID: "local://5", IncomingPeerings: forgedClaims()}
			}),
			want: stored(),
		},
		"managed fields are those of this write": {
			sent: changed(func(n *networking.Network) { n.ManagedFields = sentFields }),
			want: changed(func(n *networking.Network) { n.ManagedFields = sentFields }),
		},
		"a state turns the condition with it, and nothing else": {
			sent: changed(func(n *networking.Network) { n.Status.State = networking.NetworkStateError }),
			want: changed(func(n *networking.Network) {
				n.Status.State = networking.NetworkStateError
				for i := range 2 { // Available and Ready
					n.Status.Conditions[i].Status, n.Status.Conditions[i].Reason = "False", "Error"
					n.Status.Conditions[i].Message = "The network provider cannot realize the Network."
				}
			}),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			old := stored()
			statusStrategy.PrepareForUpdate(t.Context(), tc.sent, old)
			options := cmp.Options{}
			if tc.want.Status.State != old.Status.State {
				options = append(options, timeless())
			}
			if diff := cmp.Diff(tc.want, tc.sent, options); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(stored(), old); diff != "" {
				t.Errorf("the stored Network was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// What a strategy resets must not become the caller's: server-side apply would later take it away, or refuse it.
func TestWhichFieldsACallerComesToOwn(t *testing.T) {
	path := fieldpath.MakePathOrDie
	item := fieldpath.KeyByFields("name", "b")
	everything := []fieldpath.Path{
		path("metadata", "labels", "app"),
		path("spec", "providerID"),
		path("spec", "peerings", item, "networkRef", "name"),
		path("spec", "incomingPeerings", fieldpath.KeyByFields("uid", "uid-of-b"), "name"),
		path("status", "observedGeneration"),
		path("status", "state"),
		path("status", "conditions", fieldpath.KeyByFields("type", "Programmed"), "reason"),
		path("status", "peerings", item),
		path("status", "peerings", item, "name"),
		path("status", "peerings", item, "phase"),
		path("status", "peerings", item, "reason"),
		path("status", "peerings", item, "message"),
		path("status", "peerings", item, "lastPhaseTransitionTime"),
		path("status", "peerings", item, "state"),
		path("status", "peerings", item, "prefixes", fieldpath.KeyByFields("name", "front"), "prefix"),
	}
	mainFilter := fieldpath.NewExcludeFilterSetMap(mainStrategy.GetResetFields())[registry.APIVersion]
	statusFilter := statusStrategy.GetResetFieldsFilter()[registry.APIVersion]
	for sentence, tc := range map[string]struct {
		filter fieldpath.Filter
		want   *fieldpath.Set
	}{
		"by a write of the Network: all but the status and what the server keeps in spec": {
			filter: mainFilter,
			want: fieldpath.NewSet(
				path("metadata", "labels", "app"),
				path("spec", "peerings", item, "networkRef", "name")),
		},
		"by a write of the status: the state, conditions and the data plane of peerings": {
			filter: statusFilter,
			want: fieldpath.NewSet(
				path("status", "state"),
				path("status", "conditions", fieldpath.KeyByFields("type", "Programmed"), "reason"),
				path("status", "peerings", item),
				path("status", "peerings", item, "name"),
				path("status", "peerings", item, "state"),
				path("status", "peerings", item, "prefixes", fieldpath.KeyByFields("name", "front"), "prefix")),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := tc.filter.Filter(fieldpath.NewSet(everything...)); !got.Equals(tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
