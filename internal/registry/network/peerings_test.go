// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The Networks of the tables are written the way that they are read: a peering is a name and a target, an item of its
// status is a name, a phase and a word that stands for everything else in it.
package network

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/internal/apis/networking"
)

const (
	bound   = networking.NetworkPeeringPhaseBound
	pending = networking.NetworkPeeringPhasePending

	ownUnavailable = "This Network is not available yet: its network provider has to realize it first."
	undecided      = "The peering controller has not decided on this peering yet."
)

var (
	earlier = metav1.NewTime(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC))
	now     = metav1.NewTime(time.Date(2026, 8, 1, 13, 0, 0, 0, time.UTC))
)

// inState is the Network team-a/a in a state, of generation 4 and decided on for generation 4, without peerings.
func inState(state networking.NetworkState) *networking.Network {
	return &networking.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a", ResourceVersion: "7", Generation: 4},
		Status:     networking.NetworkStatus{State: state, ObservedGeneration: 4},
	}
}

// with adds a peering, its item and, where the UID is not empty, its claim.
func with(network *networking.Network, name string, ref networking.NetworkPeeringNetworkRef,
	item networking.NetworkPeeringStatus, claim types.UID) *networking.Network {
	item.Name = name
	item.NetworkRef = peerRef(network, &networking.NetworkPeering{NetworkRef: ref})
	network.Spec.Peerings = append(network.Spec.Peerings, networking.NetworkPeering{Name: name, NetworkRef: ref})
	network.Status.Peerings = append(network.Status.Peerings, item)
	if claim != "" {
		target := target(network, &networking.NetworkPeering{NetworkRef: ref})
		network.Spec.IncomingPeerings = append(network.Spec.IncomingPeerings,
			networking.NetworkPeeringClaimRef{Namespace: target.Namespace, Name: target.Name, UID: claim})
		mirror := &network.Status.Peerings[len(network.Status.Peerings)-1]
		mirror.NetworkRef.UID = claim
	}
	return network
}

// deriveConditions gives the network its conditions, after those stored.
func deriveConditions(network *networking.Network, stored []metav1.Condition, now metav1.Time) {
	before := network.DeepCopy()
	before.Status.Conditions = stored
	definition.Derive(network, before, now)
}

// boundItem is a peering in force, data plane included.
func boundItem() networking.NetworkPeeringStatus {
	return networking.NetworkPeeringStatus{
		Phase: bound, Reason: "Bound", Message: "As it should be.", LastPhaseTransitionTime: &earlier,
		State:    networking.NetworkPeeringStateReady,
		Prefixes: []networking.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}},
	}
}

func pendingItem() networking.NetworkPeeringStatus {
	return networking.NetworkPeeringStatus{
		Phase: pending, Reason: "PeerNotFound", Message: "Not there.", LastPhaseTransitionTime: &earlier,
	}
}

// newItem is a peering that nobody has decided on.
func newItem(reason, message string) networking.NetworkPeeringStatus {
	return networking.NetworkPeeringStatus{
		Phase: pending, Reason: reason, Message: message, LastPhaseTransitionTime: &now,
	}
}

func TestMirrorPeeringsOfANewNetwork(t *testing.T) {
	for sentence, tc := range map[string]struct {
		want *networking.Network
	}{
		"a Network without peerings has no items, and nothing to wait for": {
			want: inState(networking.NetworkStatePending),
		},
		"each peering has its item, in order, with the reason that the Network alone tells": {
			want: with(with(inState(networking.NetworkStatePending),
				"q", networking.NetworkPeeringNetworkRef{Name: "b"}, newItem("NetworkNotAvailable", ownUnavailable), ""),
				"p", networking.NetworkPeeringNetworkRef{Name: "c"}, newItem("NetworkNotAvailable", ownUnavailable), ""),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			network := tc.want.DeepCopy()
			network.Status.Peerings, network.Status.ObservedGeneration = nil, 0
			mirrorPeerings(network, &networking.Network{}, now)
			if diff := cmp.Diff(tc.want, network); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Another server of the group knows no phases, and lets anybody put any items into the status.
func TestMirrorPeeringsOfANetworkThatAnotherServerStored(t *testing.T) {
	item := func(name string, state networking.NetworkPeeringState, prefixes ...string) networking.NetworkPeeringStatus {
		item := networking.NetworkPeeringStatus{Name: name, State: state}
		for _, prefix := range prefixes {
			item.Prefixes = append(item.Prefixes, networking.PeeringPrefixStatus{Name: prefix})
		}
		return item
	}
	stored := func(state networking.NetworkState, claim types.UID, items ...networking.NetworkPeeringStatus) *networking.Network {
		network := inState(state)
		network.Spec.Peerings = []networking.NetworkPeering{{Name: "p", NetworkRef: networking.NetworkPeeringNetworkRef{Name: "b"}}}
		if claim != "" {
			network.Spec.IncomingPeerings = []networking.NetworkPeeringClaimRef{{Namespace: "team-a", Name: "b", UID: claim}}
		}
		network.Status.Peerings, network.Status.ObservedGeneration = items, 0
		return network
	}
	of := func(status, reported networking.NetworkPeeringStatus) networking.NetworkPeeringStatus {
		status.State, status.Prefixes = reported.State, reported.Prefixes
		return status
	}
	evaluating := newItem("Evaluating", undecided)
	claimed := evaluating
	claimed.Phase = bound
	unavailable := newItem("NetworkNotAvailable", ownUnavailable)
	for sentence, tc := range map[string]struct {
		stored *networking.Network
		want   networking.NetworkPeeringStatus
		claim  types.UID
	}{
		"a peering without an item gets one": {stored: stored("Available", ""), want: evaluating},
		"a claim keeps a peering in force until the controller has decided": {
			stored: stored("Available", "uid-of-b"), want: claimed, claim: "uid-of-b",
		},
		"a claim of a Network that is not available goes": {stored: stored("Error", "uid-of-b"), want: unavailable},
		"what the provider reported stays": {
			stored: stored("Available", "uid-of-b", item("p", "Ready", "x")), want: of(claimed, item("p", "Ready", "x")), claim: "uid-of-b",
		},
		"items of no peering and without a name go": {
			stored: stored("Available", "", item("", "Error"), item("old", "Ready"), item("p", "Ready")), want: of(evaluating, item("p", "Ready")),
		},
		"of several items the worst stays, and no unknown state": {
			stored: stored("Available", "", item("p", "Ready"), item("p", "Error"), item("p", "NotAState")), want: of(evaluating, item("p", "Error")),
		},
		"of several prefixes with one name the first stays, of those without none": {
			stored: stored("Available", "", item("p", "Ready", "x", "", "x")), want: of(evaluating, item("p", "Ready", "x")),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			network := tc.stored.DeepCopy()
			mirrorPeerings(network, tc.stored, now)
			want := with(inState(tc.stored.Status.State), "p", networking.NetworkPeeringNetworkRef{Name: "b"}, tc.want, tc.claim)
			if diff := cmp.Diff(want.Status.Peerings, network.Status.Peerings); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want.Spec, network.Spec, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANetworkWithoutPeeringsThatAnotherServerStoredHasNothingToWaitFor(t *testing.T) {
	network := inState(networking.NetworkStateAvailable)
	network.Status.ObservedGeneration = 0
	mirrorPeerings(network, network.DeepCopy(), now)
	if network.Status.ObservedGeneration != network.Generation {
		t.Errorf("the status speaks for generation %d, want %d", network.Status.ObservedGeneration, network.Generation)
	}
}

func TestMirrorPeeringsOfAChangedNetwork(t *testing.T) {
	type ref = networking.NetworkPeeringNetworkRef
	available := func() *networking.Network { return inState(networking.NetworkStateAvailable) }
	// stored has b bound and c pending.
	stored := func() *networking.Network {
		return with(with(available(), "b", ref{Name: "b"}, boundItem(), "uid-of-b"), "c", ref{Name: "c"}, pendingItem(), "")
	}
	changed := func(change func(peerings []networking.NetworkPeering) []networking.NetworkPeering) *networking.Network {
		network := stored()
		network.Spec.Peerings = change(network.Spec.Peerings)
		network.Generation = 5
		return network
	}
	evaluating := newItem("Evaluating", undecided)

	for sentence, tc := range map[string]struct {
		stored  *networking.Network
		changed *networking.Network
		want    *networking.Network // its generation is that of the changed one
		// wantObserved is the generation that the phases speak for.
		wantObserved int64
	}{
		"an added peering starts as Pending and leaves the others alone": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				return append(peerings, networking.NetworkPeering{Name: "d", NetworkRef: ref{Name: "d"}})
			}),
			want:         with(stored(), "d", ref{Name: "d"}, evaluating, ""),
			wantObserved: 4,
		},
		"an added peering of a Network that is not available starts with that reason, which is final": {
			stored: inState(networking.NetworkStateError),
			changed: func() *networking.Network {
				network := inState(networking.NetworkStateError)
				network.Spec.Peerings = []networking.NetworkPeering{{Name: "b", NetworkRef: ref{Name: "b"}}}
				network.Generation = 5
				return network
			}(),
			want: with(inState(networking.NetworkStateError), "b", ref{Name: "b"},
				newItem("NetworkNotAvailable", ownUnavailable), ""),
			wantObserved: 5,
		},
		"a dropped peering takes its item and its claim along": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				return peerings[1:]
			}),
			want:         with(available(), "c", ref{Name: "c"}, pendingItem(), ""),
			wantObserved: 5,
		},
		"the last peering to go leaves nothing behind": {
			stored: stored(),
			changed: changed(func([]networking.NetworkPeering) []networking.NetworkPeering {
				return nil
			}),
			want:         available(),
			wantObserved: 5,
		},
		"a peering with another target starts anew, without the claim of the old one": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				peerings[0].NetworkRef.Name = "d"
				return peerings
			}),
			want: with(with(available(), "b", ref{Name: "d"}, evaluating, ""),
				"c", ref{Name: "c"}, pendingItem(), ""),
			wantObserved: 4,
		},
		"a peering with a namesake in another namespace starts anew": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				peerings[0].NetworkRef.Namespace = "team-b"
				return peerings
			}),
			want: with(with(available(), "b", ref{Namespace: "team-b", Name: "b"}, evaluating, ""),
				"c", ref{Name: "c"}, pendingItem(), ""),
			wantObserved: 4,
		},
		"writing out the own namespace changes no target": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				peerings[0].NetworkRef.Namespace = "team-a"
				return peerings
			}),
			want: with(with(available(), "b", ref{Namespace: "team-a", Name: "b"}, boundItem(), "uid-of-b"),
				"c", ref{Name: "c"}, pendingItem(), ""),
			wantObserved: 5,
		},
		"a pin starts the peering anew": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				peerings[0].NetworkRef.UID = "uid-of-b"
				return peerings
			}),
			want: with(with(available(), "b", ref{Name: "b", UID: "uid-of-b"}, evaluating, ""),
				"c", ref{Name: "c"}, pendingItem(), ""),
			wantObserved: 4,
		},
		"a peering under another name is another peering": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				peerings[0].Name = "renamed"
				return peerings
			}),
			want: with(with(available(), "renamed", ref{Name: "b"}, evaluating, ""),
				"c", ref{Name: "c"}, pendingItem(), ""),
			wantObserved: 4,
		},
		"two peerings that swap their names both start anew": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				peerings[0].Name, peerings[1].Name = peerings[1].Name, peerings[0].Name
				return peerings
			}),
			want:         with(with(available(), "c", ref{Name: "b"}, evaluating, ""), "b", ref{Name: "c"}, evaluating, ""),
			wantObserved: 4,
		},
		"items follow the order of the peerings": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				peerings[0], peerings[1] = peerings[1], peerings[0]
				return peerings
			}),
			want: with(with(available(), "c", ref{Name: "c"}, pendingItem(), ""),
				"b", ref{Name: "b"}, boundItem(), "uid-of-b"),
			wantObserved: 5,
		},
		"what a peering exposes is no matter of its phase": {
			stored: stored(),
			changed: changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
				peerings[0].Prefixes = []networking.PeeringPrefix{{Name: "front", Prefix: "10.0.0.0/24"}}
				return peerings
			}),
			want: func() *networking.Network {
				network := stored()
				network.Spec.Peerings[0].Prefixes = []networking.PeeringPrefix{{Name: "front", Prefix: "10.0.0.0/24"}}
				return network
			}(),
			wantObserved: 5,
		},
		"phases that are behind stay behind": {
			stored: func() *networking.Network {
				network := stored()
				network.Status.ObservedGeneration = 3
				return network
			}(),
			changed: func() *networking.Network {
				network := changed(func(peerings []networking.NetworkPeering) []networking.NetworkPeering {
					return peerings[:1]
				})
				network.Status.ObservedGeneration = 3
				return network
			}(),
			want:         with(available(), "b", ref{Name: "b"}, boundItem(), "uid-of-b"),
			wantObserved: 3,
		},
		"a Network whose peerings are as stored is left as it is": {
			stored:       stored(),
			changed:      stored(),
			want:         stored(),
			wantObserved: 4,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			tc.want.Generation = tc.changed.Generation
			tc.want.Status.ObservedGeneration = tc.wantObserved
			before := tc.stored.DeepCopy()
			mirrorPeerings(tc.changed, tc.stored, now)
			if diff := cmp.Diff(tc.want, tc.changed, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.stored); diff != "" {
				t.Errorf("the stored Network was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestMergeProviderStatus(t *testing.T) {
	condition := func(conditionType, reason string) metav1.Condition {
		return metav1.Condition{Type: conditionType, Status: "True", Reason: reason, LastTransitionTime: earlier}
	}
	ready := []networking.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}}
	stored := func() networking.NetworkStatus {
		return networking.NetworkStatus{
			ObservedGeneration: 4,
			State:              networking.NetworkStatePending,
			Conditions:         []metav1.Condition{condition("Available", "Pending"), condition("Programmed", "Half")},
			Peerings: []networking.NetworkPeeringStatus{
				{Name: "b", Phase: bound, Reason: "Bound", Message: "Yes.", LastPhaseTransitionTime: &earlier},
				{Name: "c", Phase: pending, Reason: "PeerNotFound", Message: "No.", LastPhaseTransitionTime: &earlier,
					State: networking.NetworkPeeringStateError},
			},
		}
	}
	changed := func(change func(*networking.NetworkStatus)) networking.NetworkStatus {
		status := stored()
		change(&status)
		return status
	}

	for sentence, tc := range map[string]struct {
		sent, want networking.NetworkStatus
	}{
		"what is sent back as it is changes nothing": {sent: stored(), want: stored()},
		"a state is taken over": {
			sent: changed(func(s *networking.NetworkStatus) { s.State = networking.NetworkStateAvailable }),
			want: changed(func(s *networking.NetworkStatus) { s.State = networking.NetworkStateAvailable }),
		},
		"a state that is left out stays": {
			sent: changed(func(s *networking.NetworkStatus) { s.State = "" }),
			want: stored(),
		},
		"conditions are taken over": {
			sent: changed(func(s *networking.NetworkStatus) {
				s.Conditions = []metav1.Condition{condition("Available", "Pending"), condition("Programmed", "Whole")}
			}),
			want: changed(func(s *networking.NetworkStatus) {
				s.Conditions = []metav1.Condition{condition("Available", "Pending"), condition("Programmed", "Whole")}
			}),
		},
		"a whole list by a provider that knows nothing of phases gives each peering its data plane": {
			sent: changed(func(s *networking.NetworkStatus) {
				s.Peerings = []networking.NetworkPeeringStatus{
					{Name: "b", State: networking.NetworkPeeringStateReady, Prefixes: ready},
					{Name: "c", State: networking.NetworkPeeringStatePending},
				}
			}),
			want: changed(func(s *networking.NetworkStatus) {
				s.Peerings[0].State, s.Peerings[0].Prefixes = networking.NetworkPeeringStateReady, ready
				s.Peerings[1].State = networking.NetworkPeeringStatePending
			}),
		},
		"a list in another order changes no order": {
			sent: changed(func(s *networking.NetworkStatus) {
				s.Peerings = []networking.NetworkPeeringStatus{
					{Name: "c"}, {Name: "b", State: networking.NetworkPeeringStateReady, Prefixes: ready},
				}
			}),
			want: changed(func(s *networking.NetworkStatus) {
				s.Peerings[0].State, s.Peerings[0].Prefixes = networking.NetworkPeeringStateReady, ready
				s.Peerings[1].State = ""
			}),
		},
		"phases, reasons, messages and times are restored": {
			sent: changed(func(s *networking.NetworkStatus) {
				s.Peerings[0].Phase, s.Peerings[0].Reason, s.Peerings[0].Message = pending, "Forged", "Forged."
				s.Peerings[0].LastPhaseTransitionTime = &now
				s.Peerings[1].Phase, s.Peerings[1].Reason = bound, ""
				s.Peerings[1].LastPhaseTransitionTime = nil
			}),
			want: stored(),
		},
		"an item that no peering has is dropped": {
			sent: changed(func(s *networking.NetworkStatus) {
				s.Peerings = append(s.Peerings, networking.NetworkPeeringStatus{Name: "forged", Phase: bound})
			}),
			want: stored(),
		},
		"an item that is left out takes back what was reported of it": {
			sent: changed(func(s *networking.NetworkStatus) { s.Peerings = s.Peerings[:1] }),
			want: changed(func(s *networking.NetworkStatus) { s.Peerings[1].State = "" }),
		},
		"of several reports on one peering, the worst counts": {
			sent: changed(func(s *networking.NetworkStatus) {
				s.Peerings = []networking.NetworkPeeringStatus{
					{Name: "b", State: networking.NetworkPeeringStateReady, Prefixes: ready},
					{Name: "b", State: networking.NetworkPeeringStatePending},
					{Name: "b", State: networking.NetworkPeeringStateReady},
					{Name: "c", State: networking.NetworkPeeringStateError},
					{Name: "c", State: networking.NetworkPeeringStatePending},
				}
			}),
			want: changed(func(s *networking.NetworkStatus) { s.Peerings[0].State = networking.NetworkPeeringStatePending }),
		},
		"the generation that the phases speak for is not the provider's to say": {
			sent: changed(func(s *networking.NetworkStatus) { s.ObservedGeneration = 9 }),
			want: stored(),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			before := stored()
			if diff := cmp.Diff(tc.want, mergeProviderStatus(tc.sent, before)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(stored(), before); diff != "" {
				t.Errorf("the stored status was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestApplyBinding(t *testing.T) {
	type ref = networking.NetworkPeeringNetworkRef
	stored := func() *networking.Network {
		network := with(with(with(inState(networking.NetworkStateAvailable),
			"b", ref{Name: "b"}, boundItem(), "uid-of-b"),
			"c", ref{Name: "c"}, pendingItem(), ""),
			"d", ref{Name: "d"}, pendingItem(), "")
		network.Generation = 5
		network.Status.Conditions = []metav1.Condition{
			{Type: "Available", Status: "True", Reason: "Available",
				Message: "The network provider has realized the Network.", LastTransitionTime: earlier},
			{Type: "Peered", Status: "False", Reason: "PeeringsPending", Message: "1 of 3 peerings bound.",
				LastTransitionTime: earlier, ObservedGeneration: 4},
			{Type: "Programmed", Status: "True", Reason: "Yes", LastTransitionTime: earlier},
		}
		return network
	}
	claimOfC := []networking.NetworkPeeringClaimRef{{Namespace: "team-a", Name: "c", UID: "uid-of-c"}}

	network := stored()
	applyBinding(network, &networking.NetworkBinding{
		IncomingPeerings: claimOfC,
		Peerings: []networking.NetworkPeeringBinding{
			{Name: "b", Phase: pending, Reason: "PeerDeleting", Message: "It goes."},
			{Name: "c", Phase: bound, Reason: "Bound", Message: "It came."},
			{Name: "d", Phase: pending, Reason: "PeerNotAvailable", Message: "Not yet."},
		},
	}, now)

	want := stored()
	want.Spec.IncomingPeerings = claimOfC
	b, c, d := &want.Status.Peerings[0], &want.Status.Peerings[1], &want.Status.Peerings[2]
	b.Phase, b.Reason, b.Message, b.LastPhaseTransitionTime = pending, "PeerDeleting", "It goes.", &now
	b.State, b.Prefixes, b.NetworkRef.UID = "", nil, "" // What was reported of the peering ends with it.
	c.Phase, c.Reason, c.Message, c.LastPhaseTransitionTime = bound, "Bound", "It came.", &now
	c.NetworkRef.UID = "uid-of-c"
	d.Reason, d.Message = "PeerNotAvailable", "Not yet." // Its phase is as it was, so the time stays.
	want.Status.ObservedGeneration = 5
	if diff := cmp.Diff(want, network); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	again := network.DeepCopy()
	applyBinding(again, &networking.NetworkBinding{
		IncomingPeerings: claimOfC,
		Peerings: []networking.NetworkPeeringBinding{
			{Name: "b", Phase: pending, Reason: "PeerDeleting", Message: "It goes."},
			{Name: "c", Phase: bound, Reason: "Bound", Message: "It came."},
			{Name: "d", Phase: pending, Reason: "PeerNotAvailable", Message: "Not yet."},
		},
	}, metav1.NewTime(now.Add(time.Hour)))
	if diff := cmp.Diff(network, again); diff != "" {
		t.Errorf("the same binding an hour later changes something (-before +after):\n%s", diff)
	}
}

func TestDeriveConditions(t *testing.T) {
	condition := func(conditionType string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{
			Type: conditionType, Status: status, Reason: reason, Message: message, LastTransitionTime: earlier,
			ObservedGeneration: 4,
		}
	}
	var (
		isPending   = condition("Available", "False", "Pending", "The network provider has not realized the Network yet.")
		isAvailable = condition("Available", "True", "Available", "The network provider has realized the Network.")
		isError     = condition("Available", "False", "Error", "The network provider cannot realize the Network.")
		noRoom      = condition("Available", "False", "NoRoom", "The rack is full.")
		programmed  = condition("Programmed", "True", "Yes", "All of it.")
	)
	at := func(condition metav1.Condition, time metav1.Time) metav1.Condition {
		condition.LastTransitionTime = time
		return condition
	}
	peered := func(status metav1.ConditionStatus, reason, message string, time metav1.Time) metav1.Condition {
		condition := at(condition("Peered", status, reason, message), time)
		condition.ObservedGeneration = 4
		return condition
	}
	onePending := func(network *networking.Network) *networking.Network {
		return with(with(network, "b", networking.NetworkPeeringNetworkRef{Name: "b"}, boundItem(), "uid-of-b"),
			"c", networking.NetworkPeeringNetworkRef{Name: "c"}, pendingItem(), "")
	}
	allBound := func(network *networking.Network) *networking.Network {
		return with(network, "b", networking.NetworkPeeringNetworkRef{Name: "b"}, boundItem(), "uid-of-b")
	}

	for sentence, tc := range map[string]struct {
		network      *networking.Network
		sent, stored []metav1.Condition
		want         []metav1.Condition
	}{
		"a new Network is not available from now on": {
			network: inState(networking.NetworkStatePending),
			want:    []metav1.Condition{at(isPending, now)},
		},
		"a Network that becomes available is so from now on": {
			network: inState(networking.NetworkStateAvailable),
			sent:    []metav1.Condition{isPending}, stored: []metav1.Condition{isPending},
			want: []metav1.Condition{at(isAvailable, now)},
		},
		"a Network that stays available is so since it was": {
			network: inState(networking.NetworkStateAvailable),
			sent:    []metav1.Condition{at(isAvailable, now)}, stored: []metav1.Condition{isAvailable},
			want: []metav1.Condition{isAvailable},
		},
		"a Network whose provider gives up is unavailable as long as before": {
			network: inState(networking.NetworkStateError),
			sent:    []metav1.Condition{isPending}, stored: []metav1.Condition{isPending},
			want: []metav1.Condition{isError},
		},
		"a condition that is taken away is put back": {
			network: inState(networking.NetworkStateAvailable),
			stored:  []metav1.Condition{isAvailable},
			want:    []metav1.Condition{isAvailable},
		},
		"a provider's reason stays while it fits the state": {
			network: inState(networking.NetworkStateError),
			sent:    []metav1.Condition{noRoom}, stored: []metav1.Condition{isPending},
			want: []metav1.Condition{noRoom},
		},
		"a provider's reason goes with the state that it was given for": {
			network: inState(networking.NetworkStateAvailable),
			sent:    []metav1.Condition{noRoom}, stored: []metav1.Condition{noRoom},
			want: []metav1.Condition{at(isAvailable, now)},
		},
		"a condition that contradicts the state is set right": {
			network: inState(networking.NetworkStatePending),
			sent:    []metav1.Condition{isAvailable}, stored: []metav1.Condition{isPending},
			want: []metav1.Condition{isPending},
		},
		"a condition without a reason is given one": {
			network: inState(networking.NetworkStatePending),
			sent:    []metav1.Condition{condition("Available", "False", "", "So what.")},
			stored:  []metav1.Condition{isPending},
			want:    []metav1.Condition{isPending},
		},
		"Peered counts the Bound": {
			network: onePending(inState(networking.NetworkStatePending)),
			stored:  []metav1.Condition{isPending},
			want: []metav1.Condition{isPending,
				peered("False", "PeeringsPending", "1 of 2 peerings bound.", now)},
		},
		"Peered is True when all are": {
			network: allBound(inState(networking.NetworkStatePending)),
			stored: []metav1.Condition{isPending,
				peered("False", "PeeringsPending", "0 of 1 peerings bound.", earlier)},
			want: []metav1.Condition{isPending, peered("True", "AllBound", "1 of 1 peerings bound.", now)},
		},
		"Peered is not the provider's to write": {
			network: onePending(inState(networking.NetworkStatePending)),
			sent:    []metav1.Condition{isPending, condition("Peered", "True", "Forged", "Forged.")},
			stored: []metav1.Condition{isPending,
				peered("False", "PeeringsPending", "1 of 2 peerings bound.", earlier)},
			want: []metav1.Condition{isPending,
				peered("False", "PeeringsPending", "1 of 2 peerings bound.", earlier)},
		},
		"Peered is True without peerings": {
			network: inState(networking.NetworkStatePending),
			stored:  []metav1.Condition{isPending, peered("False", "PeeringsPending", "0 of 1 peerings bound.", earlier)},
			want:    []metav1.Condition{isPending, peered("True", "NoPeerings", "The Network has no peerings.", now)},
		},
		"Peered is being evaluated while the decision is coming": {
			network: func() *networking.Network {
				network := onePending(inState(networking.NetworkStatePending))
				network.Status.ObservedGeneration = 3
				return network
			}(),
			stored: []metav1.Condition{isPending},
			want: []metav1.Condition{isPending, func() metav1.Condition {
				condition := peered("False", "Evaluating", "1 of 2 peerings bound.", now)
				condition.ObservedGeneration = 3
				return condition
			}()},
		},
		"Ready follows Available": {
			network: inState(networking.NetworkStateAvailable),
			stored:  []metav1.Condition{isAvailable},
			want: []metav1.Condition{isAvailable,
				at(condition("Ready", "True", "Available", "The network provider has realized the Network."), now)},
		},
		"Ready is False until the newest generation is decided on": {
			network: func() *networking.Network {
				network := inState(networking.NetworkStateAvailable)
				network.Status.ObservedGeneration = 3
				return network
			}(),
			stored: []metav1.Condition{isAvailable},
			want: []metav1.Condition{isAvailable, func() metav1.Condition {
				ready := at(condition("Ready", "False", "Pending", "What was asked last is not in force yet."), now)
				ready.ObservedGeneration = 3
				return ready
			}()},
		},
		"conditions of the provider's own come last, as they are": {
			network: inState(networking.NetworkStateAvailable),
			sent:    []metav1.Condition{at(programmed, now), isAvailable},
			stored:  []metav1.Condition{isAvailable, programmed},
			want:    []metav1.Condition{isAvailable, at(programmed, now)},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			tc.network.Status.Conditions = tc.sent
			deriveConditions(tc.network, tc.stored, now)
			// Ready and Peered are always there; a case looks at those that it names.
			got := slices.DeleteFunc(tc.network.Status.Conditions, func(c metav1.Condition) bool {
				return (c.Type == "Ready" || c.Type == "Peered") && meta.FindStatusCondition(tc.want, c.Type) == nil
			})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
