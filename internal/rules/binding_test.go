// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Each case is a sentence about two Networks and what the owner of each then reads of the peering. Random worlds prove
// that deciding again and again ends in the rule, wherever it began.
package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

type (
	ref   = v1alpha1.NetworkPeeringNetworkRef
	claim = v1alpha1.NetworkPeeringClaimRef
)

// available is a Network as its provider leaves it, with the UID "uid-of-<name>" and a peering with each of the
// targets, named p0, p1 and so on.
func available(namespace, name string, targets ...ref) *v1alpha1.Network {
	network := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: types.UID("uid-of-" + name), ResourceVersion: "7",
		},
		Status: v1alpha1.NetworkStatus{State: v1alpha1.NetworkStateAvailable},
	}
	for i, target := range targets {
		network.Spec.Peerings = append(network.Spec.Peerings,
			v1alpha1.NetworkPeering{Name: fmt.Sprintf("p%d", i), NetworkRef: target})
	}
	return network
}

func inState(state v1alpha1.NetworkState, network *v1alpha1.Network) *v1alpha1.Network {
	network.Status.State = state
	return network
}

func declining(annotation string, network *v1alpha1.Network) *v1alpha1.Network {
	network.Annotations = map[string]string{v1alpha1.DeclinedPeeringsAnnotation: annotation}
	return network
}

func deleting(network *v1alpha1.Network) *v1alpha1.Network {
	network.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	return network
}

func claimedBy(claim claim, network *v1alpha1.Network) *v1alpha1.Network {
	network.Spec.IncomingPeerings = append(network.Spec.IncomingPeerings, claim)
	return network
}

// world is all Networks there are.
type world []*v1alpha1.Network

func (w world) lookup(name types.NamespacedName) *v1alpha1.Network {
	for _, network := range w {
		if network != nil && network.Namespace == name.Namespace && network.Name == name.Name {
			return network
		}
	}
	return nil
}

func TestDecideOnAPairOfNetworks(t *testing.T) {
	const (
		bound          = v1alpha1.PeeringReasonBound
		ownDeleting    = v1alpha1.PeeringReasonNetworkDeleting
		ownUnavailable = v1alpha1.PeeringReasonNetworkNotAvailable
		notFound       = v1alpha1.PeeringReasonPeerNotFound
		notAccepted    = v1alpha1.PeeringReasonPeeringNotAccepted
		otherUID       = v1alpha1.PeeringReasonPeerUIDMismatch
		peerDeleting   = v1alpha1.PeeringReasonPeerDeleting
		replaced       = v1alpha1.PeeringReasonPeerReplaced
		unavailable    = v1alpha1.PeeringReasonPeerNotAvailable
	)
	var (
		toA = ref{Namespace: "team-a", Name: "a"}
		toB = ref{Namespace: "team-b", Name: "b"}

		bDoesNotAccept = "Network team-b/b does not exist or does not name team-a/a in its spec.peerings: " +
			"its owner accepts by adding such a peering."
		aDoesNotAccept = "Network team-a/a does not exist or does not name team-b/b in its spec.peerings: " +
			"its owner accepts by adding such a peering."
		ownIsUnavailable = "This Network is not available yet: its network provider has to realize it first."
	)
	pinned := func(target ref, uid types.UID) ref {
		target.UID = uid
		return target
	}

	type seen struct{ reason, message string }
	for sentence, tc := range map[string]struct {
		a, b  *v1alpha1.Network
		wantA seen // of the only peering of a
		wantB seen // of the only peering of b, empty if b has none
	}{
		"two available Networks that name each other across namespaces are Bound": {
			a:     available("team-a", "a", toB),
			b:     available("team-b", "b", toA),
			wantA: seen{bound, "This Network and team-b/b name each other and are available."},
			wantB: seen{bound, "This Network and team-a/a name each other and are available."},
		},
		"a reference without a namespace means the Network's own": {
			a:     available("team-a", "a", ref{Name: "b"}),
			b:     available("team-a", "b", ref{Name: "a"}),
			wantA: seen{bound, "This Network and team-a/b name each other and are available."},
			wantB: seen{bound, "This Network and team-a/a name each other and are available."},
		},
		"the own namespace may as well be written out": {
			a:     available("team-a", "a", ref{Namespace: "team-a", Name: "b"}),
			b:     available("team-a", "b", ref{Name: "a"}),
			wantA: seen{bound, "This Network and team-a/b name each other and are available."},
			wantB: seen{bound, "This Network and team-a/a name each other and are available."},
		},
		"a namesake in another namespace is not meant": {
			a:     available("team-a", "a", ref{Name: "b"}),
			b:     available("team-b", "b", toA),
			wantA: seen{notFound, "There is no Network b: create it, with a peering that names a."},
			wantB: seen{notAccepted, aDoesNotAccept},
		},

		"a Network that declines the other keeps both Pending, though each names the other": {
			a: available("team-a", "a", toB),
			b: declining("team-c/c, team-a/a", available("team-b", "b", toA)),
			wantA: seen{v1alpha1.PeeringReasonPeeringDeclined,
				"The owner of Network team-b/b declined this peering: remove it, or ask the owner to accept."},
			wantB: seen{v1alpha1.PeeringReasonPeeringDeclined, "This Network declines team-a/a: take it out of the annotation " +
				"networking.ironcore.dev/declined-peerings, or remove the peering."},
		},
		"a Network that declines one that it does not name tells so": {
			a: available("team-a", "a", toB),
			b: declining("team-a/a", available("team-b", "b")),
			wantA: seen{v1alpha1.PeeringReasonPeeringDeclined,
				"The owner of Network team-b/b declined this peering: remove it, or ask the owner to accept."},
		},
		"a Network that declines others alone reads as one that does not exist": {
			a:     available("team-a", "a", toB),
			b:     declining("team-a/aa,team-c/a", available("team-b", "b")),
			wantA: seen{notAccepted, bDoesNotAccept},
		},

		"a Network of the same namespace that does not exist is told of": {
			a:     available("team-a", "a", ref{Name: "b"}),
			wantA: seen{notFound, "There is no Network b: create it, with a peering that names a."},
		},
		"a Network of the same namespace that names nobody is told of": {
			a: available("team-a", "a", ref{Name: "b"}),
			b: available("team-a", "b"),
			wantA: seen{notAccepted, "Network b does not name team-a/a in its spec.peerings: " +
				"its owner accepts by adding such a peering."},
		},
		"a Network of another namespace that does not exist has not accepted": {
			a:     available("team-a", "a", toB),
			wantA: seen{notAccepted, bDoesNotAccept},
		},
		"a Network of another namespace that names nobody has not accepted": {
			a:     available("team-a", "a", toB),
			b:     available("team-b", "b"),
			wantA: seen{notAccepted, bDoesNotAccept},
		},
		"a Network that names a Network of its own namespace has not accepted the namesake in another": {
			a:     available("team-a", "a", toB),
			b:     available("team-b", "b", ref{Name: "a"}),
			wantA: seen{notAccepted, bDoesNotAccept},
			wantB: seen{notFound, "There is no Network a: create it, with a peering that names b."},
		},

		"pins that match bind": {
			a:     available("team-a", "a", pinned(toB, "uid-of-b")),
			b:     available("team-b", "b", pinned(toA, "uid-of-a")),
			wantA: seen{bound, "This Network and team-b/b name each other and are available."},
			wantB: seen{bound, "This Network and team-a/a name each other and are available."},
		},
		"a pin on another Network's UID does not accept this one": {
			a: available("team-a", "a", pinned(toB, "uid-of-an-earlier-b")),
			b: available("team-b", "b", toA),
			wantA: seen{otherUID, "Network team-b/b has another uid than networkRef.uid asks for: " +
				"correct or remove it to accept this Network."},
			wantB: seen{notAccepted, aDoesNotAccept},
		},
		"two pins on Networks that are no more tell neither of the other": {
			a:     available("team-a", "a", pinned(toB, "uid-of-an-earlier-b")),
			b:     available("team-b", "b", pinned(toA, "uid-of-an-earlier-a")),
			wantA: seen{notAccepted, bDoesNotAccept},
			wantB: seen{notAccepted, aDoesNotAccept},
		},

		"a Network that is being deleted takes part in nothing": {
			a:     deleting(available("team-a", "a", toB)),
			b:     available("team-b", "b", toA),
			wantA: seen{ownDeleting, "This Network is being deleted."},
			wantB: seen{peerDeleting, "Network team-a/a is being deleted."},
		},
		"two Networks that are being deleted each say so of themselves": {
			a:     deleting(available("team-a", "a", toB)),
			b:     deleting(available("team-b", "b", toA)),
			wantA: seen{ownDeleting, "This Network is being deleted."},
			wantB: seen{ownDeleting, "This Network is being deleted."},
		},
		"a Network that its provider has not realized takes part in nothing": {
			a:     inState(v1alpha1.NetworkStatePending, available("team-a", "a", toB)),
			b:     available("team-b", "b", toA),
			wantA: seen{ownUnavailable, ownIsUnavailable},
			wantB: seen{unavailable, "Network team-a/a is not available yet: its network provider has to realize it first."},
		},
		"a Network that its provider gave up on takes part in nothing": {
			a:     inState(v1alpha1.NetworkStateError, available("team-a", "a", toB)),
			b:     inState(v1alpha1.NetworkStateError, available("team-b", "b", toA)),
			wantA: seen{ownUnavailable, ownIsUnavailable},
			wantB: seen{ownUnavailable, ownIsUnavailable},
		},
		"a Network without any state takes part in nothing": {
			a:     inState("", available("team-a", "a", toB)),
			b:     available("team-b", "b", toA),
			wantA: seen{ownUnavailable, ownIsUnavailable},
			wantB: seen{unavailable, "Network team-a/a is not available yet: its network provider has to realize it first."},
		},

		"of two reasons the one that waiting can't mend is told: deletion before the provider": {
			a:     inState(v1alpha1.NetworkStateError, deleting(available("team-a", "a", toB))),
			b:     available("team-b", "b", toA),
			wantA: seen{ownDeleting, "This Network is being deleted."},
			wantB: seen{peerDeleting, "Network team-a/a is being deleted."},
		},
		"of two reasons the one that waiting can't mend is told: the pin before deletion": {
			a: available("team-a", "a", pinned(toB, "uid-of-an-earlier-b")),
			b: deleting(available("team-b", "b", toA)),
			wantA: seen{otherUID, "Network team-b/b has another uid than networkRef.uid asks for: " +
				"correct or remove it to accept this Network."},
			wantB: seen{ownDeleting, "This Network is being deleted."},
		},

		"a claim that is in place stays": {
			a:     claimedBy(claim{Namespace: "team-b", Name: "b", UID: "uid-of-b"}, available("team-a", "a", toB)),
			b:     claimedBy(claim{Namespace: "team-a", Name: "a", UID: "uid-of-a"}, available("team-b", "b", toA)),
			wantA: seen{bound, "This Network and team-b/b name each other and are available."},
			wantB: seen{bound, "This Network and team-a/a name each other and are available."},
		},
		"the claim of a Network that was created again is released first": {
			a: claimedBy(claim{Namespace: "team-b", Name: "b", UID: "uid-of-an-earlier-b"}, available("team-a", "a", toB)),
			b: available("team-b", "b", toA),
			wantA: seen{replaced, "Network team-b/b was deleted and created again: " +
				"the claim of the earlier one is released first."},
			wantB: seen{bound, "This Network and team-a/a name each other and are available."},
		},
		"a Network that was created again, pinned to its new UID, is released first as well": {
			a: claimedBy(claim{Namespace: "team-b", Name: "b", UID: "uid-of-an-earlier-b"},
				available("team-a", "a", pinned(toB, "uid-of-b"))),
			b: inState(v1alpha1.NetworkStatePending, available("team-b", "b", toA)),
			wantA: seen{replaced, "Network team-b/b was deleted and created again: " +
				"the claim of the earlier one is released first."},
			wantB: seen{ownUnavailable, ownIsUnavailable},
		},
		"the claim of another Network does not stand in the way": {
			a:     claimedBy(claim{Namespace: "team-c", Name: "b", UID: "uid-of-c"}, available("team-a", "a", toB)),
			b:     available("team-b", "b", toA),
			wantA: seen{bound, "This Network and team-b/b name each other and are available."},
			wantB: seen{bound, "This Network and team-a/a name each other and are available."},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			all := world{tc.a, tc.b}
			for _, end := range []struct {
				network, peer *v1alpha1.Network
				want          seen
			}{{tc.a, tc.b, tc.wantA}, {tc.b, tc.a, tc.wantB}} {
				if end.network == nil {
					continue
				}
				want := &v1alpha1.NetworkBinding{ObjectMeta: metav1.ObjectMeta{
					Namespace: end.network.Namespace, Name: end.network.Name, UID: end.network.UID, ResourceVersion: "7",
				}}
				if end.want.reason != "" {
					decision := v1alpha1.NetworkPeeringBinding{
						Name: "p0", Phase: v1alpha1.NetworkPeeringPhasePending, Reason: end.want.reason, Message: end.want.message,
					}
					if end.want.reason == bound {
						decision.Phase = v1alpha1.NetworkPeeringPhaseBound
						want.IncomingPeerings = []claim{
							{Namespace: end.peer.Namespace, Name: end.peer.Name, UID: end.peer.UID},
						}
					}
					want.Peerings = []v1alpha1.NetworkPeeringBinding{decision}
				}
				if diff := cmp.Diff(want, DecideBinding(end.network, all.lookup)); diff != "" {
					t.Errorf("decision on %s (-want +got):\n%s", end.network.Name, diff)
				}
			}
		})
	}
}

func TestDecideOnEveryPeeringInOrder(t *testing.T) {
	hub := available("team-a", "hub", ref{Name: "c"}, ref{Name: "missing"}, ref{Name: "b"}, ref{Name: "d"})
	all := world{
		hub,
		available("team-a", "b", ref{Name: "c"}, ref{Name: "hub"}),
		available("team-a", "c", ref{Name: "hub"}),
		inState(v1alpha1.NetworkStatePending, available("team-a", "d", ref{Name: "hub"})),
	}

	got := DecideBinding(hub, all.lookup)
	var phases []string
	for _, decision := range got.Peerings {
		phases = append(phases, fmt.Sprintf("%s %s %s", decision.Name, decision.Phase, decision.Reason))
	}
	if diff := cmp.Diff([]string{
		"p0 Bound Bound", "p1 Pending PeerNotFound", "p2 Bound Bound", "p3 Pending PeerNotAvailable",
	}, phases); diff != "" {
		t.Errorf("peerings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]claim{
		{Namespace: "team-a", Name: "c", UID: "uid-of-c"}, {Namespace: "team-a", Name: "b", UID: "uid-of-b"},
	}, got.IncomingPeerings); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestABoundPeeringTellsOfPrefixesWithoutARange(t *testing.T) {
	const nameEachOther = "This Network and team-a/b name each other and are available"
	withRange := v1alpha1.PeeringPrefixStatus{Name: "front", Prefix: "10.0.0.0/24"}
	without := func(names ...string) (prefixes []v1alpha1.PeeringPrefixStatus) {
		for _, name := range names {
			prefixes = append(prefixes, v1alpha1.PeeringPrefixStatus{Name: name})
		}
		return prefixes
	}
	for sentence, tc := range map[string]struct {
		prefixes []v1alpha1.PeeringPrefixStatus
		peer     v1alpha1.NetworkState
		want     v1alpha1.NetworkPeeringBinding
	}{
		"where all have one, it is Bound": {
			prefixes: []v1alpha1.PeeringPrefixStatus{withRange},
			peer:     v1alpha1.NetworkStateAvailable,
			want: v1alpha1.NetworkPeeringBinding{
				Name: "p0", Phase: "Bound", Reason: "Bound", Message: nameEachOther + ".",
			},
		},
		"where one has none, it is Bound nevertheless": {
			prefixes: append(without("back"), withRange),
			peer:     v1alpha1.NetworkStateAvailable,
			want: v1alpha1.NetworkPeeringBinding{
				Name: "p0", Phase: "Bound", Reason: "PrefixUnresolved",
				Message: nameEachOther + ", but nothing is exposed through prefix back: " +
					"the condition PeeringsRealized says what is missing.",
			},
		},
		"where many have none, it names the first": {
			prefixes: without("a", "b", "c", "d", "e"),
			peer:     v1alpha1.NetworkStateAvailable,
			want: v1alpha1.NetworkPeeringBinding{
				Name: "p0", Phase: "Bound", Reason: "PrefixUnresolved",
				Message: nameEachOther + ", but nothing is exposed through prefix a, b, c and 2 more: " +
					"the condition PeeringsRealized says what is missing.",
			},
		},
		"and not where it is Pending for another reason": {
			prefixes: without("back"),
			peer:     v1alpha1.NetworkStatePending,
			want: v1alpha1.NetworkPeeringBinding{
				Name: "p0", Phase: "Pending", Reason: "PeerNotAvailable",
				Message: "Network team-a/b is not available yet: its network provider has to realize it first.",
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			a := available("team-a", "a", ref{Name: "b"})
			a.Status.Peerings = []v1alpha1.NetworkPeeringStatus{{Name: "p0", Prefixes: tc.prefixes}}
			all := world{a, inState(tc.peer, available("team-a", "b", ref{Name: "a"}))}
			if diff := cmp.Diff([]v1alpha1.NetworkPeeringBinding{tc.want}, DecideBinding(a, all.lookup).Peerings); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestABoundPeeringTellsOfOverlaps(t *testing.T) {
	a := available("team-a", "a", ref{Name: "b"}, ref{Name: "c"})
	a.Status.Peerings = []v1alpha1.NetworkPeeringStatus{
		{Name: "p0", State: v1alpha1.NetworkPeeringStateError}, {Name: "p1", State: v1alpha1.NetworkPeeringStateReady},
	}
	a.Status.Conditions = []metav1.Condition{{Type: v1alpha1.NetworkPrefixesOverlap, Status: metav1.ConditionTrue}}
	all := world{a, available("team-a", "b", ref{Name: "a"}), available("team-a", "c", ref{Name: "a"})}
	want := []v1alpha1.NetworkPeeringBinding{
		{Name: "p0", Phase: "Bound", Reason: "PrefixesOverlap", Message: "This Network and team-a/b name each other and are available, " +
			"but no traffic flows, since addresses are in use elsewhere: the condition PrefixesOverlap says which."},
		{Name: "p1", Phase: "Bound", Reason: "Bound", Message: "This Network and team-a/c name each other and are available."},
	}
	if diff := cmp.Diff(want, DecideBinding(a, all.lookup).Peerings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestANetworkMadeAgainBindsInTwoSteps(t *testing.T) {
	a := claimedBy(claim{Namespace: "team-b", Name: "b", UID: "uid-of-an-earlier-b"},
		available("team-a", "a", ref{Namespace: "team-b", Name: "b"}))
	all := world{a, available("team-b", "b", ref{Namespace: "team-a", Name: "a"})}

	first := DecideBinding(a, all.lookup)
	if len(first.IncomingPeerings) != 0 || first.Peerings[0].Reason != v1alpha1.PeeringReasonPeerReplaced {
		t.Fatalf("the first decision has claims %v and reason %s", first.IncomingPeerings, first.Peerings[0].Reason)
	}
	a.Spec.IncomingPeerings = first.IncomingPeerings
	second := DecideBinding(a, all.lookup)
	if diff := cmp.Diff([]claim{{Namespace: "team-b", Name: "b", UID: "uid-of-b"}}, second.IncomingPeerings); diff != "" {
		t.Errorf("claims after the second decision (-want +got):\n%s", diff)
	}
}

// Whoever may write a peering could otherwise learn which Networks there are in namespaces that are closed to them.
func TestNothingIsToldOfANetworkThatDidNotAccept(t *testing.T) {
	target := ref{Namespace: "team-b", Name: "b"}
	strangers := map[string]*v1alpha1.Network{
		"names nobody":                          available("team-b", "b"),
		"names another Network":                 available("team-b", "b", ref{Namespace: "team-a", Name: "other"}),
		"names a namesake in its own namespace": available("team-b", "b", ref{Name: "a"}),
		"names an earlier Network of the name": available("team-b", "b",
			ref{Namespace: "team-a", Name: "a", UID: "uid-of-an-earlier-a"}),
		"is being deleted":      deleting(available("team-b", "b")),
		"is not realized":       inState(v1alpha1.NetworkStatePending, available("team-b", "b")),
		"could not be realized": inState(v1alpha1.NetworkStateError, available("team-b", "b")),
		"is deleted while it names an earlier Network": deleting(available("team-b", "b",
			ref{Namespace: "team-a", Name: "a", UID: "uid-of-an-earlier-a"})),
	}
	for sentence, own := range map[string]*v1alpha1.Network{
		"to an available Network": available("team-a", "a", target),
		"to a Network that pins the UID": available("team-a", "a",
			ref{Namespace: "team-b", Name: "b", UID: "uid-of-b"}),
		"to a Network that pins another UID": available("team-a", "a",
			ref{Namespace: "team-b", Name: "b", UID: "uid-of-an-earlier-b"}),
		"to a Network with the claim of the peer": claimedBy(
			claim{Namespace: "team-b", Name: "b", UID: "uid-of-b"}, available("team-a", "a", target)),
		"to a Network with the claim of an earlier peer": claimedBy(
			claim{Namespace: "team-b", Name: "b", UID: "uid-of-an-earlier-b"}, available("team-a", "a", target)),
		"to a Network that is not realized":  inState(v1alpha1.NetworkStatePending, available("team-a", "a", target)),
		"to a Network that is being deleted": deleting(available("team-a", "a", target)),
	} {
		t.Run(sentence, func(t *testing.T) {
			missing := DecideBinding(own, world{own}.lookup)
			for state, stranger := range strangers {
				if diff := cmp.Diff(missing, DecideBinding(own, world{own, stranger}.lookup)); diff != "" {
					t.Errorf("a Network that %s reads unlike one that does not exist (-missing +existing):\n%s", state, diff)
				}
			}
		})
	}
}

func TestDecidingAgainEndsInTheRule(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(5_000) {
		all := randomWorld(rand.New(rand.NewPCG(seed, 0)))
		settle(t, seed, all)
		for _, network := range all {
			checkRule(t, seed, network, all, seen)
		}
		if t.Failed() {
			return
		}
	}
	// A generator that never gets so far would prove nothing.
	for _, reason := range []string{"Bound", "NetworkDeleting", "NetworkNotAvailable", "PeerNotFound",
		"PeeringNotAccepted", "PeerUIDMismatch", "PeerDeleting", "PeerNotAvailable"} {
		if seen[reason] == 0 {
			t.Errorf("no world ended with a peering for the reason %s", reason)
		}
	}
}

// randomWorld has up to six Networks in two namespaces, with whatever claims an earlier time may have left behind.
func randomWorld(r *rand.Rand) world {
	var all world
	for _, namespace := range []string{"team-a", "team-b"} {
		for _, name := range []string{"x", "y", "z"} {
			if r.IntN(8) == 0 {
				continue
			}
			network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
			network.UID = randomUID(r, namespace, name)
			network.Status.State = v1alpha1.NetworkStateAvailable
			if r.IntN(6) == 0 {
				network.Status.State = v1alpha1.NetworkStatePending
			}
			if r.IntN(8) == 0 {
				deleting(network)
			}
			for _, target := range r.Perm(6) {
				peer := types.NamespacedName{Namespace: "team-a", Name: string("xyz"[target%3])}
				if target > 2 {
					peer.Namespace = "team-b"
				}
				if peer.Namespace == namespace && peer.Name == name {
					continue
				}
				if r.IntN(3) != 0 {
					network.Spec.Peerings = append(network.Spec.Peerings, v1alpha1.NetworkPeering{
						Name: fmt.Sprintf("p%d", target), NetworkRef: randomRef(r, namespace, peer),
					})
				}
				if r.IntN(3) == 0 {
					network.Spec.IncomingPeerings = append(network.Spec.IncomingPeerings, claim{
						Namespace: peer.Namespace, Name: peer.Name, UID: randomUID(r, peer.Namespace, peer.Name),
					})
				}
			}
			all = append(all, network)
		}
	}
	return all
}

// randomUID is one of the two that ever had the name.
func randomUID(r *rand.Rand, namespace, name string) types.UID {
	return types.UID(fmt.Sprintf("%s-%s-%d", namespace, name, r.IntN(2)))
}

func randomRef(r *rand.Rand, from string, peer types.NamespacedName) ref {
	target := ref{Namespace: peer.Namespace, Name: peer.Name}
	if peer.Namespace == from && r.IntN(2) == 0 {
		target.Namespace = ""
	}
	if r.IntN(4) == 0 {
		target.UID = randomUID(r, peer.Namespace, peer.Name)
	}
	return target
}

// settle decides on the Networks, in an order that depends on the seed, until a whole round changes nothing.
func settle(t *testing.T, seed uint64, all world) {
	order := rand.New(rand.NewPCG(seed, 1))
	for round := 0; ; round++ {
		changed := false
		for _, i := range order.Perm(len(all)) {
			network := all[i]
			decided := DecideBinding(network, all.lookup)
			for _, after := range decided.IncomingPeerings {
				for _, before := range network.Spec.IncomingPeerings {
					if before.Namespace == after.Namespace && before.Name == after.Name && before.UID != after.UID {
						t.Errorf("seed %d: one step hands the claim of %s over to %s", seed, before.UID, after.UID)
					}
				}
			}
			changed = changed || !slices.Equal(network.Spec.IncomingPeerings, decided.IncomingPeerings)
			network.Spec.IncomingPeerings = decided.IncomingPeerings
		}
		if !changed {
			return
		}
		if round == 2 { // one to release, one to bind, one to see that this was all
			t.Errorf("seed %d: a third round still changes something", seed)
			return
		}
	}
}

// checkRule holds a Network against the rule, which it spells out anew, for pairs of Networks instead of for peerings.
func checkRule(t *testing.T, seed uint64, network *v1alpha1.Network, all world, seen map[string]int) {
	t.Helper()
	takesPart := func(n *v1alpha1.Network) bool {
		return n.DeletionTimestamp.IsZero() && n.Status.State == v1alpha1.NetworkStateAvailable
	}
	accepts := func(n, other *v1alpha1.Network) bool {
		return slices.ContainsFunc(n.Spec.Peerings, func(p v1alpha1.NetworkPeering) bool {
			inNamespace := p.NetworkRef.Namespace == other.Namespace ||
				p.NetworkRef.Namespace == "" && n.Namespace == other.Namespace
			return inNamespace && p.NetworkRef.Name == other.Name &&
				(p.NetworkRef.UID == "" || p.NetworkRef.UID == other.UID)
		})
	}
	var claims []claim
	for _, other := range all {
		if other != network && takesPart(network) && takesPart(other) && accepts(network, other) && accepts(other, network) {
			claims = append(claims, claim{Namespace: other.Namespace, Name: other.Name, UID: other.UID})
		}
	}
	decided := DecideBinding(network, all.lookup)
	byUID := cmpopts.SortSlices(func(a, b claim) bool { return a.UID < b.UID })
	if diff := cmp.Diff(claims, decided.IncomingPeerings, byUID, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("seed %d: claims of %s/%s (-want +got):\n%s", seed, network.Namespace, network.Name, diff)
	}
	for i, decision := range decided.Peerings {
		target := network.Spec.Peerings[i].NetworkRef
		bound := slices.ContainsFunc(claims, func(c claim) bool {
			return c.Name == target.Name &&
				(c.Namespace == target.Namespace || target.Namespace == "" && c.Namespace == network.Namespace)
		})
		want := v1alpha1.NetworkPeeringPhasePending
		if bound {
			want = v1alpha1.NetworkPeeringPhaseBound
		}
		if decision.Phase != want || (decision.Reason == v1alpha1.PeeringReasonBound) != bound || decision.Message == "" {
			t.Errorf("seed %d: peering %s of %s/%s is %+v, want %s with a reason and a message",
				seed, decision.Name, network.Namespace, network.Name, decision, want)
		}
		seen[decision.Reason]++
	}
}
