// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
)

func TestDecide(t *testing.T) {
	since := metav1.NewTime(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC))
	available := func(reason, message string) metav1.Condition {
		return metav1.Condition{
			Type: v1alpha1.NetworkAvailable, Status: metav1.ConditionTrue,
			Reason: reason, Message: message, LastTransitionTime: since,
		}
	}
	// stored is a realized Network with two peerings.
	stored := func(change func(*v1alpha1.Network)) *v1alpha1.Network {
		network := &v1alpha1.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"},
			Spec:       v1alpha1.NetworkSpec{ProviderID: "local://5"},
			Status: v1alpha1.NetworkStatus{
				State:      v1alpha1.NetworkStateAvailable,
				Conditions: []metav1.Condition{available("Available", "The network provider has realized the Network.")},
				Peerings: []v1alpha1.NetworkPeeringStatus{
					{Name: "b", Phase: v1alpha1.NetworkPeeringPhaseBound},
					{Name: "c", Phase: v1alpha1.NetworkPeeringPhasePending, State: v1alpha1.NetworkPeeringStateError},
				},
			},
		}
		change(network)
		return network
	}
	asIs := func(*v1alpha1.Network) {}
	withTrouble := func(n *v1alpha1.Network) {
		n.Status.Conditions = append(n.Status.Conditions, metav1.Condition{
			Type: provider.PeeringsRealized, Status: metav1.ConditionFalse,
			Reason: "PrefixPending", Message: "b: Prefix x has no range.", LastTransitionTime: since,
		})
	}
	prefixes := []v1alpha1.PeeringPrefixStatus{{Name: "front", Prefix: "10.0.0.0/24"}}

	for sentence, tc := range map[string]struct {
		network     *v1alpha1.Network
		realization provider.Realization
		want        *v1alpha1.Network
	}{
		"a Network that is as the provider says is not written": {
			network:     stored(asIs),
			realization: provider.Realization{ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable},
		},
		"a provider that has nothing to say changes nothing": {
			network: stored(asIs),
		},
		"the provider ID and the state come together": {
			network: stored(func(n *v1alpha1.Network) {
				n.Spec.ProviderID, n.Status.State = "", v1alpha1.NetworkStatePending
			}),
			realization: provider.Realization{ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable},
			want:        stored(asIs),
		},
		"a provider ID that is set is left alone": {
			network:     stored(asIs),
			realization: provider.Realization{ProviderID: "local://6", State: v1alpha1.NetworkStateAvailable},
		},
		"a new state is written to the status": {
			network:     stored(func(n *v1alpha1.Network) { n.Status.State = v1alpha1.NetworkStatePending }),
			realization: provider.Realization{ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable},
			want:        stored(asIs),
		},
		"a reason and a message explain the state": {
			network: stored(asIs),
			realization: provider.Realization{
				ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable, Reason: "Degraded", Message: "Half of it.",
			},
			want: stored(func(n *v1alpha1.Network) {
				n.Status.Conditions = []metav1.Condition{available("Degraded", "Half of it.")}
			}),
		},
		"an explanation that is no more is taken back, for the server to word": {
			network: stored(func(n *v1alpha1.Network) {
				n.Status.Conditions = []metav1.Condition{available("Degraded", "Half of it.")}
			}),
			realization: provider.Realization{ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable},
			want:        stored(func(n *v1alpha1.Network) { n.Status.Conditions = []metav1.Condition{} }),
		},
		"an explanation stays while the provider has nothing to say": {
			network: stored(func(n *v1alpha1.Network) {
				n.Status.Conditions = []metav1.Condition{available("Degraded", "Half of it.")}
			}),
		},
		"what is amiss with peerings is told in a condition of its own": {
			network: stored(withTrouble),
			realization: provider.Realization{
				ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable,
				Peerings: map[string]provider.PeeringRealization{
					"b": {Reason: "PrefixPending", Message: "Prefix x has no range."},
					"c": {State: v1alpha1.NetworkPeeringStateError},
				},
			},
		},
		"what is amiss no more is not told any more": {
			network: stored(withTrouble),
			realization: provider.Realization{
				ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable,
				Peerings: map[string]provider.PeeringRealization{"c": {State: v1alpha1.NetworkPeeringStateError}},
			},
			want: stored(asIs),
		},
		"what is amiss stays told while the data plane says nothing": {
			network:     stored(withTrouble),
			realization: provider.Realization{ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable},
		},
		"the word of the data plane goes to its peering, and the others keep theirs": {
			network: stored(asIs),
			realization: provider.Realization{
				ProviderID: "local://5", State: v1alpha1.NetworkStateAvailable,
				Peerings: map[string]provider.PeeringRealization{
					"b":    {State: v1alpha1.NetworkPeeringStateReady, Prefixes: prefixes},
					"gone": {State: v1alpha1.NetworkPeeringStateReady},
				},
			},
			want: stored(func(n *v1alpha1.Network) {
				n.Status.Peerings[0].State = v1alpha1.NetworkPeeringStateReady
				n.Status.Peerings[0].Prefixes = prefixes
			}),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			before := tc.network.DeepCopy()
			if diff := cmp.Diff(tc.want, decide(tc.network, tc.realization)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.network); diff != "" {
				t.Errorf("the cached Network was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// The times of conditions are set by the clock, which the table above leaves out by keeping their status.
func TestDecideTurnsTheConditionWithTheState(t *testing.T) {
	network := &v1alpha1.Network{Status: v1alpha1.NetworkStatus{State: v1alpha1.NetworkStatePending}}
	status := decide(network, provider.Realization{
		State: v1alpha1.NetworkStateError, Reason: "VNIInUse", Message: "VNI 5 is in use.",
	})
	if status == nil || len(status.Status.Conditions) != 1 {
		t.Fatalf("got %v, want a status with one condition", status)
	}
	got := status.Status.Conditions[0]
	if got.LastTransitionTime.IsZero() {
		t.Error("the condition does not say since when")
	}
	got.LastTransitionTime = metav1.Time{}
	if diff := cmp.Diff(metav1.Condition{
		Type: "Available", Status: "False", Reason: "VNIInUse", Message: "VNI 5 is in use.",
	}, got); diff != "" {
		t.Errorf("condition (-want +got):\n%s", diff)
	}
}

func TestExplainPeeringsInOrderAndBounded(t *testing.T) {
	network := &v1alpha1.Network{}
	amiss := map[string]provider.PeeringRealization{}
	for i := range 13 {
		name := string(rune('m' - i)) // from m down to a
		network.Status.Peerings = append(network.Status.Peerings, v1alpha1.NetworkPeeringStatus{Name: name})
		amiss[name] = provider.PeeringRealization{Reason: "For" + name, Message: "Not " + name + "."}
	}
	amiss["l"] = provider.PeeringRealization{State: v1alpha1.NetworkPeeringStateReady}
	status := decide(network, provider.Realization{Peerings: amiss})
	if status == nil || len(status.Status.Conditions) != 1 {
		t.Fatalf("got %v, want a status with one condition", status)
	}
	got := status.Status.Conditions[0]
	got.LastTransitionTime = metav1.Time{}
	if diff := cmp.Diff(metav1.Condition{
		Type: "PeeringsRealized", Status: "False", Reason: "Form",
		Message: "m: Not m. k: Not k. j: Not j. i: Not i. h: Not h. g: Not g. f: Not f. e: Not e. d: Not d. c: Not c. " +
			"And 2 more.",
	}, got); diff != "" {
		t.Errorf("condition (-want +got):\n%s", diff)
	}
}

func TestOverlapsHaveAConditionOfTheirOwn(t *testing.T) {
	network := &v1alpha1.Network{Status: v1alpha1.NetworkStatus{Peerings: []v1alpha1.NetworkPeeringStatus{{Name: "p"}, {Name: "q"}}}}
	realized := decide(network, provider.Realization{Peerings: map[string]provider.PeeringRealization{
		"p": {Reason: "PrefixUnresolved", Message: "No range."},
		"q": {State: v1alpha1.NetworkPeeringStateError, Reason: "RangesOverlap", Message: "Taken."},
	}})
	for i := range realized.Status.Conditions {
		realized.Status.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	if diff := cmp.Diff([]metav1.Condition{
		{Type: "PrefixesOverlap", Status: "True", Reason: "RangesOverlap", Message: "q: Taken."},
		{Type: "PeeringsRealized", Status: "False", Reason: "PrefixUnresolved", Message: "p: No range."},
	}, realized.Status.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	mended := decide(realized, provider.Realization{Peerings: map[string]provider.PeeringRealization{}})
	if len(mended.Status.Conditions) > 0 {
		t.Errorf("these conditions are left: %v", mended.Status.Conditions)
	}
}

func TestAConditionHasRoomForTheLongestWords(t *testing.T) {
	network := &v1alpha1.Network{}
	amiss := map[string]provider.PeeringRealization{}
	for i := range 20 {
		name := string(rune('a' + i))
		network.Status.Peerings = append(network.Status.Peerings, v1alpha1.NetworkPeeringStatus{Name: name})
		amiss[name] = provider.PeeringRealization{Reason: "Long", Message: strings.Repeat("é", 100_000)}
	}
	message := decide(network, provider.Realization{Peerings: amiss}).Status.Conditions[0].Message
	if len(message) > 32<<10 || !utf8.ValidString(message) {
		t.Errorf("the message has %d bytes (valid: %v), want 32 KiB at most", len(message), utf8.ValidString(message))
	}
}

func TestAPolicyThatSelectsTooMuchSaysThatItAllowsNothing(t *testing.T) {
	inForce := provider.PolicyRealization{InForce: true, Reason: v1alpha1.ReasonRealized}
	realized := map[types.UID]provider.PolicyRealization{"large": inForce, "small": inForce}
	markTooLarge(realized, []rules.Policy{{UID: "large", TooLarge: true}, {UID: "small"}, {UID: "left to others", TooLarge: true}})
	large := realized["large"]
	if large.InForce || large.Reason != reasonTooLarge || !strings.Contains(large.Message, "500000") {
		t.Errorf("of the large one: %+v", large)
	}
	if len(realized) != 2 || realized["small"] != inForce {
		t.Errorf("of the others: %+v", realized)
	}
}

func TestBoundPeers(t *testing.T) {
	claiming := v1alpha1.NetworkSpec{IncomingPeerings: []v1alpha1.NetworkPeeringClaimRef{
		{Namespace: "team-a", Name: "a", UID: "uid-of-a"},
	}}
	b := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "b", UID: "uid-of-b"}, Spec: claiming}
	far := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "far", UID: "uid-of-far"}, Spec: claiming}
	again := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "again", UID: "uid-of-another"}, Spec: claiming}
	going := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
		Namespace: "team-a", Name: "going", UID: "uid-of-going", DeletionTimestamp: &metav1.Time{},
	}, Spec: claiming}
	leaving := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "leaving", UID: "uid-of-leaving"}}
	network := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a"},
		Spec: v1alpha1.NetworkSpec{
			Peerings: []v1alpha1.NetworkPeering{
				{Name: "bound", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "b"}},
				{Name: "bound-across", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: "far"}},
				{Name: "pending", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: "b"}},
				{Name: "gone", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "gone"}},
				{Name: "made-again", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "again"}},
				{Name: "deleting", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "going"}},
				{Name: "one-sided", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "leaving"}},
				{Name: "without-an-item", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "b"}},
			},
			IncomingPeerings: []v1alpha1.NetworkPeeringClaimRef{
				{Namespace: "team-a", Name: "b", UID: "uid-of-b"},
				{Namespace: "team-b", Name: "far", UID: "uid-of-far"},
				{Namespace: "team-a", Name: "gone", UID: "uid-of-gone"},
				{Namespace: "team-a", Name: "again", UID: "uid-of-again"},
				{Namespace: "team-a", Name: "going", UID: "uid-of-going"},
				{Namespace: "team-a", Name: "leaving", UID: "uid-of-leaving"},
			},
		},
		Status: v1alpha1.NetworkStatus{Peerings: []v1alpha1.NetworkPeeringStatus{
			{Name: "bound", Phase: v1alpha1.NetworkPeeringPhaseBound},
			{Name: "bound-across", Phase: v1alpha1.NetworkPeeringPhaseBound},
			{Name: "pending", Phase: v1alpha1.NetworkPeeringPhasePending},
			{Name: "gone", Phase: v1alpha1.NetworkPeeringPhaseBound},
			{Name: "made-again", Phase: v1alpha1.NetworkPeeringPhaseBound},
			{Name: "deleting", Phase: v1alpha1.NetworkPeeringPhaseBound},
			{Name: "one-sided", Phase: v1alpha1.NetworkPeeringPhaseBound},
		}},
	}
	lookup := func(name types.NamespacedName) *v1alpha1.Network {
		for _, n := range []*v1alpha1.Network{b, far, again, going, leaving} {
			if n.Namespace == name.Namespace && n.Name == name.Name {
				return n
			}
		}
		return nil
	}
	if diff := cmp.Diff(map[string]*v1alpha1.Network{"bound": b, "bound-across": far},
		boundPeers(network, lookup)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	network.DeletionTimestamp = &metav1.Time{}
	if peers := boundPeers(network, lookup); len(peers) > 0 {
		t.Errorf("while it is being deleted, its peers are %v", peers)
	}
}

func TestManagedElsewhere(t *testing.T) {
	annotated := func(change func(*v1alpha1.Network)) *v1alpha1.Network {
		network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
			Annotations: map[string]string{"common.ironcore.dev/managed-by": "somebody"},
		}}
		change(network)
		return network
	}
	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		want    bool
	}{
		"a Network without the annotation is ours": {&v1alpha1.Network{}, false},
		"a Network with the annotation is not":     {annotated(func(*v1alpha1.Network) {}), true},
		"nor is one that others have given a providerID": {
			annotated(func(n *v1alpha1.Network) { n.Spec.ProviderID = "other://5" }), true,
		},
		"a Network that was begun with stays ours": {
			annotated(func(n *v1alpha1.Network) { n.Finalizers = []string{finalizer} }), false,
		},
		"an empty annotation names nobody": {
			annotated(func(n *v1alpha1.Network) { n.Annotations["common.ironcore.dev/managed-by"] = "" }), false,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := managedElsewhere(tc.network, finalizer); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	network := func(state v1alpha1.NetworkState, conditions ...metav1.Condition) *v1alpha1.Network {
		return &v1alpha1.Network{
			Spec:   v1alpha1.NetworkSpec{ProviderID: "local://5"},
			Status: v1alpha1.NetworkStatus{State: state, Conditions: conditions},
		}
	}
	condition := func(conditionType, reason, message string) metav1.Condition {
		return metav1.Condition{Type: conditionType, Reason: reason, Message: message}
	}
	const (
		pending   = v1alpha1.NetworkStatePending
		available = v1alpha1.NetworkStateAvailable
		failed    = v1alpha1.NetworkStateError
	)
	for sentence, tc := range map[string]struct {
		before, after *v1alpha1.Network
		want          []event
	}{
		"nothing is told of nothing": {before: network(available), after: network(available)},
		"a Network that becomes available": {
			before: network(pending), after: network(available),
			want: []event{{"Normal", "Available", "Realized as local://5"}},
		},
		"a Network that is pending again": {before: network(available), after: network(pending)},
		"an error that nobody explains": {
			before: network(pending), after: network(failed, condition("Available", "Pending", "The server's words.")),
			want: []event{{"Warning", "Error", "The network provider cannot realize the Network"}},
		},
		"an error that the provider explains": {
			before: network(pending), after: network(failed, condition("Available", "NoRoom", "The rack is full.")),
			want: []event{{"Warning", "NoRoom", "The rack is full."}},
		},
		"an explanation that stays": {
			before: network(failed, condition("Available", "NoRoom", "The rack is full.")),
			after:  network(failed, condition("Available", "NoRoom", "The rack is full.")),
		},
		"an explanation in other words": {
			before: network(failed, condition("Available", "NoRoom", "The rack is full.")),
			after:  network(failed, condition("Available", "NoRoom", "All racks are full.")),
			want:   []event{{"Warning", "NoRoom", "All racks are full."}},
		},
		"what is amiss with peerings, beside the state": {
			before: network(pending),
			after:  network(available, condition("PeeringsRealized", "PrefixPending", "b: Prefix x has no range.")),
			want: []event{
				{"Warning", "PrefixPending", "b: Prefix x has no range."},
				{"Normal", "Available", "Realized as local://5"},
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, events(tc.before, tc.after), cmp.AllowUnexported(event{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAChangeConcernsThosePeersWhosePeeringsTurn(t *testing.T) {
	network := func(change func(*v1alpha1.Network)) *v1alpha1.Network {
		network := &v1alpha1.Network{Spec: v1alpha1.NetworkSpec{IncomingPeerings: []v1alpha1.NetworkPeeringClaimRef{
			{Namespace: "team-b", Name: "b", UID: "uid-of-b"}, {Namespace: "team-c", Name: "c", UID: "uid-of-c"},
		}}}
		network.Status.Peerings = []v1alpha1.NetworkPeeringStatus{
			{Name: "c", NetworkRef: &v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-c", Name: "c"}},
		}
		change(network)
		return network
	}
	same := network(func(*v1alpha1.Network) {})
	released := network(func(n *v1alpha1.Network) { n.Spec.IncomingPeerings = n.Spec.IncomingPeerings[1:] })
	inError := network(func(n *v1alpha1.Network) { n.Status.Peerings[0].State = v1alpha1.NetworkPeeringStateError })
	b, c := types.NamespacedName{Namespace: "team-b", Name: "b"}, types.NamespacedName{Namespace: "team-c", Name: "c"}
	for sentence, tc := range map[string]struct {
		before, after *v1alpha1.Network
		want          []types.NamespacedName
	}{
		"nothing changes":   {same, same, nil},
		"a claim is gone":   {same, released, []types.NamespacedName{b}},
		"a claim is there":  {released, same, []types.NamespacedName{b}},
		"an error begins":   {same, inError, []types.NamespacedName{c}},
		"an error has gone": {inError, same, []types.NamespacedName{c}},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, affectedPeers(tc.before, tc.after)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAChangeOfANetworkInterfaceConcerns(t *testing.T) {
	type nic = v1alpha1.NetworkInterface
	with := func(change func(*nic)) *nic {
		nic := &v1alpha1.NetworkInterface{ObjectMeta: metav1.ObjectMeta{UID: "1", Labels: map[string]string{"app": "web"}}}
		nic.Status.State, nic.Status.IPs = v1alpha1.NetworkInterfaceStateAvailable, []string{"10.0.0.1"}
		change(nic)
		return nic
	}
	same := with(func(*nic) {})
	for sentence, tc := range map[string]struct {
		before, after  *nic
		network, peers bool
	}{
		"one that comes":              {nil, same, true, true},
		"one that goes":               {same, nil, true, true},
		"one that was created again":  {same, with(func(n *nic) { n.UID = "2" }), true, true},
		"another state":               {same, with(func(n *nic) { n.Status.State = "Error" }), true, true},
		"another address":             {same, with(func(n *nic) { n.Status.IPs = nil }), true, true},
		"another range":               {same, with(func(n *nic) { n.Status.Prefixes = []string{"10.1.0.0/24"} }), true, true},
		"a label, which policies see": {same, with(func(n *nic) { n.Labels = nil }), true, false},
		"an annotation":               {same, with(func(n *nic) { n.Annotations = map[string]string{"a": "b"} }), false, false},
	} {
		network, peers := concernsNetwork(tc.before, tc.after), concernsPeers(tc.before, tc.after)
		if network != tc.network || peers != tc.peers {
			t.Errorf("%s: concerns its Network %t, peers %t; want %t, %t", sentence, network, peers, tc.network, tc.peers)
		}
	}
}
