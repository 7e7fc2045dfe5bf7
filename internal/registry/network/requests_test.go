// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
)

// asking is the Network team-b/NAME with a peering with team-a/a.
func asking(name string) *networking.Network {
	return &networking.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: name, UID: types.UID("uid-of-" + name)},
		Spec: networking.NetworkSpec{Peerings: []networking.NetworkPeering{
			{Name: "to-a", NetworkRef: networking.NetworkPeeringNetworkRef{Namespace: "team-a", Name: "a"}},
		}},
	}
}

func TestWhoAsksForAPeering(t *testing.T) {
	asked := func() *networking.Network {
		return &networking.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a"}}
	}
	naming := func(ref networking.NetworkPeeringNetworkRef) *networking.Network {
		network := asked()
		network.Spec.Peerings = []networking.NetworkPeering{{Name: "p", NetworkRef: ref}}
		return network
	}
	pinned := asking("b")
	pinned.Spec.Peerings[0].NetworkRef.UID = "another"
	deleting := asking("b")
	deleting.DeletionTimestamp = &metav1.Time{}
	elsewhere := asking("b")
	elsewhere.Spec.Peerings[0].NetworkRef.Name = "c"
	declining := asked()
	declining.Annotations = map[string]string{v1alpha1.DeclinedPeeringsAnnotation: "team-c/c, team-b/b"}
	for sentence, tc := range map[string]struct {
		asked, asker *networking.Network
		want         bool
	}{
		"a Network that names it asks":                    {asked: asked(), asker: asking("b"), want: true},
		"one that is named back does not":                 {asked: naming(networking.NetworkPeeringNetworkRef{Namespace: "team-b", Name: "b"}), asker: asking("b")},
		"one that is named back by another uid does":      {asked: naming(networking.NetworkPeeringNetworkRef{Namespace: "team-b", Name: "b", UID: "earlier"}), asker: asking("b"), want: true},
		"one that means an earlier Network does not":      {asked: asked(), asker: pinned},
		"one that is being deleted does not":              {asked: asked(), asker: deleting},
		"one that names another does not":                 {asked: asked(), asker: elsewhere},
		"one that is declined is left out":                {asked: declining, asker: asking("b")},
		"a namesake of a declined one in another is kept": {asked: declining, asker: asking("bb"), want: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := requests(tc.asked, []networking.Network{*tc.asker})
			if (got.Total == 1) != tc.want || len(got.Requests) != int(got.Total) {
				t.Errorf("got %+v, want a request: %v", got, tc.want)
			}
			counting := &RequestsREST{view: askedBy{external(tc.asker)}}
			if counted := counting.count(t.Context(), tc.asked); counted != int64(got.Total) {
				t.Errorf("the table counts %v, and the answer %d", counted, got.Total)
			}
		})
	}
}

// askedBy sees these Networks name any other.
type askedBy []*v1alpha1.Network

func (a askedBy) Related(types.NamespacedName) ([]*v1alpha1.Network, bool) { return a, true }

func (askedBy) Network(types.NamespacedName) *v1alpha1.Network { return nil }

func (askedBy) InterfacesOf(*v1alpha1.Network) []*v1alpha1.NetworkInterface { return nil }

func (askedBy) MayHaveMembers(string) bool { return true }

func TestWhileNotAllIsKnownNothingIsCounted(t *testing.T) {
	if got := (&RequestsREST{view: blind{}}).count(t.Context(), asking("b")); got != unknown {
		t.Errorf("got %v, want %s", got, unknown)
	}
}

func TestAnAnswerHoldsFiveHundredRequestsAndTheTotal(t *testing.T) {
	var askers []networking.Network
	for i := range 1000 {
		askers = append(askers, *asking(fmt.Sprintf("b%03d", 999-i)))
	}
	got := requests(&networking.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"}}, askers)
	if got.Total != 1000 || len(got.Requests) != 500 || got.Requests[0].Name != "b000" || got.Requests[499].Name != "b499" {
		t.Errorf("got total %d, %d requests, want 1000 and the first 500", got.Total, len(got.Requests))
	}
}

func TestRequestsAreReadFromTheStoreAndWriteNothing(t *testing.T) {
	s := newStage(t)
	before := s.get().ResourceVersion
	ctx := genericrequest.WithNamespace(s.ctx, "team-b")
	asker := asking("b")
	asker.UID = ""
	if _, err := s.Network.Create(ctx, asker, nil, &metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	obj, err := s.Requests.Get(s.ctx, "a", &metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := obj.(*networking.NetworkPeeringRequests)
	if got.Total != 1 || got.Requests[0].Namespace != "team-b" || got.Requests[0].PeeringName != "to-a" ||
		got.Requests[0].UID == "" || got.Requests[0].Since.IsZero() {
		t.Errorf("got %+v, want the request of team-b/b", got)
	}
	if diff := cmp.Diff(before, s.get().ResourceVersion); diff != "" {
		t.Errorf("the asked Network was written (-want +got):\n%s", diff)
	}
}

// BenchmarkTable makes tables of 1,000 Networks in a ring, and of a full mesh.
func BenchmarkTable(b *testing.B) {
	for _, mesh := range []int{3, 500} {
		b.Run(fmt.Sprintf("in meshes of %d", mesh), func(b *testing.B) {
			list, view := &networking.NetworkList{}, naming{}
			for i := range 1000 / mesh * mesh {
				network := networking.Network{ObjectMeta: metav1.ObjectMeta{
					Namespace: "team-b", Name: fmt.Sprintf("n%d", i), UID: types.UID(fmt.Sprintf("uid-of-%d", i))}}
				for j := i / mesh * mesh; j < i/mesh*mesh+mesh; j++ {
					if j != i {
						network.Spec.Peerings = append(network.Spec.Peerings, networking.NetworkPeering{
							Name: fmt.Sprint(j), NetworkRef: networking.NetworkPeeringNetworkRef{Name: fmt.Sprintf("n%d", j)}})
					}
				}
				list.Items = append(list.Items, network)
				for _, peering := range network.Spec.Peerings {
					view[peering.NetworkRef.Name] = append(view[peering.NetworkRef.Name], external(&network))
				}
			}
			shown := withRequests(table, (&RequestsREST{view: view}).count)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := shown.ConvertToTable(b.Context(), list, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// naming has the Networks that name another one, by its name.
type naming map[string]askedBy

func (n naming) Related(name types.NamespacedName) ([]*v1alpha1.Network, bool) {
	return n[name.Name], true
}

func (naming) Network(types.NamespacedName) *v1alpha1.Network { return nil }

func (naming) InterfacesOf(*v1alpha1.Network) []*v1alpha1.NetworkInterface { return nil }

func (naming) MayHaveMembers(string) bool { return true }
