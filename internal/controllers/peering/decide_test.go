// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestConcernsPeers(t *testing.T) {
	base := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a"},
		Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{
			{Name: "b", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "b"}},
			{Name: "c", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "c"}},
		}},
		Status: v1alpha1.NetworkStatus{State: v1alpha1.NetworkStatePending},
	}
	with := func(change func(*v1alpha1.Network)) *v1alpha1.Network {
		network := base.DeepCopy()
		change(network)
		return network
	}
	available := with(func(n *v1alpha1.Network) { n.Status.State = v1alpha1.NetworkStateAvailable })
	deleting := with(func(n *v1alpha1.Network) { n.DeletionTimestamp = &metav1.Time{} })

	for sentence, tc := range map[string]struct {
		old, network *v1alpha1.Network
		want         bool
	}{
		"a new Network concerns those that name it": {old: nil, network: base, want: true},
		"a Network that is gone does":               {old: base, network: nil, want: true},
		"a Network created again under its name does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.UID = "2" }),
			want:    true,
		},
		"the begin of a deletion does":             {old: base, network: deleting, want: true},
		"a Network that becomes available does":    {old: base, network: available, want: true},
		"a Network that is available no more does": {old: available, network: base, want: true},
		"an update that changes nothing does not":  {old: base, network: base.DeepCopy()},
		"a deletion that goes on does not":         {old: deleting, network: deleting.DeepCopy()},
		"a state that is no more available does not": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Status.State = "Error" }),
		},
		"a peering less does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings = n.Spec.Peerings[:1] }),
			want:    true,
		},
		"a peering with another Network does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].NetworkRef.Name = "d" }),
			want:    true,
		},
		"a peering with another namespace does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].NetworkRef.Namespace = "d" }),
			want:    true,
		},
		"a pin does": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].NetworkRef.UID = "d" }),
			want:    true,
		},
		"a peering under another name does not": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].Name = "d" }),
		},
		"what a peering exposes does not": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Spec.Peerings[1].Prefixes = []v1alpha1.PeeringPrefix{{}} }),
		},
		"labels do not": {
			old:     base,
			network: with(func(n *v1alpha1.Network) { n.Labels = map[string]string{"app": "web"} }),
		},
		"the outcome of a binding concerns nobody else": {
			old: base,
			network: with(func(n *v1alpha1.Network) {
				n.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{{Name: "b"}}
				n.Status.Peerings = []v1alpha1.NetworkPeeringStatus{{Name: "b", Phase: v1alpha1.NetworkPeeringPhaseBound}}
			}),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := concernsPeers(tc.old, tc.network); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

const (
	bound   = v1alpha1.NetworkPeeringPhaseBound
	pending = v1alpha1.NetworkPeeringPhasePending
)

// peering is the phase of one, with words that follow from it, and the UID of its claim if it is Bound.
type peering struct {
	phase v1alpha1.NetworkPeeringPhase
	words string
	claim types.UID
}

// stored is a Network of generation 2, decided on for generation 2, with peerings p0, p1 and so on.
func stored(peerings ...peering) *v1alpha1.Network {
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
		Namespace: "team-a", Name: "a", UID: "uid-of-a", ResourceVersion: "7", Generation: 2,
	}}
	network.Status.State = v1alpha1.NetworkStateAvailable
	network.Status.ObservedGeneration = 2
	network.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.NetworkAvailable, Status: metav1.ConditionTrue},
		{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: 2},
	}
	for i, p := range peerings {
		name := fmt.Sprintf("p%d", i)
		network.Spec.Peerings = append(network.Spec.Peerings, v1alpha1.NetworkPeering{Name: name})
		network.Status.Peerings = append(network.Status.Peerings, v1alpha1.NetworkPeeringStatus{
			Name: name, Phase: p.phase, Reason: p.words, Message: p.words + ".", NetworkRef: &v1alpha1.NetworkPeeringNetworkRef{},
		})
	}
	network.Spec.IncomingPeerings = claims(peerings)
	return network
}

// decided is the decision on a Network with the peerings.
func decided(peerings ...peering) *v1alpha1.NetworkBinding {
	binding := &v1alpha1.NetworkBinding{IncomingPeerings: claims(peerings)}
	for i, p := range peerings {
		binding.Peerings = append(binding.Peerings, v1alpha1.NetworkPeeringBinding{
			Name: fmt.Sprintf("p%d", i), Phase: p.phase, Reason: p.words, Message: p.words + ".",
		})
	}
	return binding
}

func claims(peerings []peering) []v1alpha1.NetworkPeeringClaimRef {
	var claims []v1alpha1.NetworkPeeringClaimRef
	for i, p := range peerings {
		if p.claim != "" {
			claims = append(claims,
				v1alpha1.NetworkPeeringClaimRef{Namespace: "team-b", Name: fmt.Sprintf("b%d", i), UID: p.claim})
		}
	}
	return claims
}

func TestCompare(t *testing.T) {
	behind := func(network *v1alpha1.Network) *v1alpha1.Network {
		network.Status.ObservedGeneration = 1
		return network
	}
	withoutReady := stored()
	withoutReady.Status.Conditions = withoutReady.Status.Conditions[:1]
	withoutRef := stored(peering{bound, "Bound", "uid-0"})
	withoutRef.Status.Peerings[0].NetworkRef = nil
	otherMessage := decided(peering{phase: pending, words: "Missing"})
	otherMessage.Peerings[0].Message = "In other words."

	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		decided *v1alpha1.NetworkBinding
		want    change
	}{
		"a Network without peerings has nothing to decide on": {
			network: stored(), decided: decided(), want: unchanged,
		},
		"a Network without peerings that another server stored is told that there are none": {
			network: behind(stored()), decided: decided(), want: words,
		},
		"a decision like the one in place changes nothing": {
			network: stored(peering{bound, "Bound", "uid-0"}, peering{phase: pending, words: "Missing"}),
			decided: decided(peering{bound, "Bound", "uid-0"}, peering{phase: pending, words: "Missing"}),
			want:    unchanged,
		},
		"the same decision for a new generation is worth a word": {
			network: behind(stored(peering{bound, "Bound", "uid-0"})),
			decided: decided(peering{bound, "Bound", "uid-0"}),
			want:    words,
		},
		"what a replica of an earlier release left out of the conditions is put back": {
			network: withoutReady, decided: decided(), want: words,
		},
		"what it left out of a peering is, too": {
			network: withoutRef, decided: decided(peering{bound, "Bound", "uid-0"}), want: words,
		},
		"another reason is a matter of words": {
			network: stored(peering{phase: pending, words: "Missing"}),
			decided: decided(peering{phase: pending, words: "Unavailable"}),
			want:    words,
		},
		"another message is a matter of words": {
			network: stored(peering{phase: pending, words: "Missing"}), decided: otherMessage, want: words,
		},
		"a peering that becomes Bound is bound": {
			network: stored(peering{phase: pending, words: "Missing"}),
			decided: decided(peering{bound, "Bound", "uid-0"}),
			want:    bind,
		},
		"new words on one peering don't hide that another becomes Bound": {
			network: stored(peering{phase: pending, words: "Missing"}, peering{phase: pending, words: "Missing"}),
			decided: decided(peering{bound, "Bound", "uid-0"}, peering{phase: pending, words: "Unavailable"}),
			want:    bind,
		},
		"a peering that ends is released": {
			network: stored(peering{bound, "Bound", "uid-0"}),
			decided: decided(peering{phase: pending, words: "Missing"}),
			want:    release,
		},
		"a peering that ends is released whatever else becomes Bound": {
			network: stored(peering{phase: pending, words: "Missing"}, peering{bound, "Bound", "uid-1"}),
			decided: decided(peering{bound, "Bound", "uid-0"}, peering{phase: pending, words: "Missing"}),
			want:    release,
		},
		"a claim that no peering accounts for is released": {
			network: stored(peering{pending, "Missing", "uid-0"}),
			decided: decided(peering{phase: pending, words: "Missing"}),
			want:    release,
		},
		"a claim with another UID is released": {
			network: stored(peering{bound, "Bound", "uid-0"}),
			decided: decided(peering{bound, "Bound", "uid-1"}),
			want:    release,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := compare(tc.network, tc.decided); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestAPeerThatComesAndGoesIsHeldBackAlone(t *testing.T) {
	network := stored(peering{phase: pending, words: "Missing"}, peering{phase: pending, words: "Missing"}, peering{bound, "Bound", "uid-2"})
	for i := range network.Spec.Peerings {
		network.Spec.Peerings[i].NetworkRef = v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: fmt.Sprintf("b%d", i)}
	}
	decision := decided(peering{bound, "Bound", "uid-0"}, peering{bound, "Bound", "uid-1"}, peering{bound, "Bound", "uid-2"})
	wait := holdBack(network, decision, func(peer types.UID) time.Duration {
		return map[types.UID]time.Duration{"uid-0": time.Minute, "uid-2": time.Second}[peer]
	})
	want := decided(peering{phase: pending}, peering{bound, "Bound", "uid-1"}, peering{bound, "Bound", "uid-2"})
	want.Peerings[0].Reason = "Evaluating"
	want.Peerings[0].Message = "This peering ended a moment ago. It is bound again once Network team-b/b0 stays as it is."
	if diff := cmp.Diff(want, decision); wait != time.Minute || diff != "" {
		t.Errorf("look again after %v (-want +got):\n%s", wait, diff)
	}
}

// foreign are statuses that other servers stored beside the peerings p0 and p1, of which p0 is Bound.
var foreign = map[string][]v1alpha1.NetworkPeeringStatus{
	"no items at all":        nil,
	"fewer items":            {{Name: "p0", Phase: bound}},
	"more items":             {{Name: "x", Phase: pending}, {Name: "p0", Phase: bound}, {Name: "p1", Phase: pending}},
	"items in another order": {{Name: "p1", Phase: pending}, {Name: "p0", Phase: bound}},
	"several items of a name": {
		{Name: "p0", Phase: bound}, {Name: "p0", State: "Ready"}, {Name: "p1", Phase: pending}, {Name: "p1"},
	},
	"items without a name or phase": {{}, {State: "Ready"}, {}, {}},
}

func TestAStatusThatDoesNotMirrorItsSpec(t *testing.T) {
	for sentence, items := range foreign {
		t.Run(sentence, func(t *testing.T) {
			network := stored(peering{bound, "Bound", "uid-0"}, peering{phase: pending, words: "Missing"})
			network.Status.Peerings = items
			whole := decided(peering{bound, "Bound", "uid-0"}, peering{bound, "Bound", "uid-1"})
			if got := compare(network, whole); got != bind && got != release {
				t.Errorf("to bind p1 is %d, want a change of phases", got)
			}
			delayBeforeWrite(network, whole, bind, time.Time{}, time.Now())
			if told := transitions(network, whole); !slices.ContainsFunc(told, func(t transition) bool {
				return t.message == "Peering p1 is Bound: Bound."
			}) {
				t.Errorf("got the transitions %v, want one of p1", told)
			}
		})
	}
}

func TestAnEndIsSeenWhateverTheOrderOfTheItems(t *testing.T) {
	network := stored(peering{bound, "Bound", "uid-0"}, peering{phase: pending, words: "Missing"})
	network.Status.Peerings = foreign["items in another order"]
	none := decided(peering{phase: pending, words: "Missing"}, peering{phase: pending, words: "Missing"})
	if got := compare(network, none); got != release {
		t.Errorf("got %d, want %d", got, release)
	}
}

func TestPace(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }
	// network has two peerings; its three times are long past unless set.
	network := func(set func(*v1alpha1.Network)) *v1alpha1.Network {
		n := stored(peering{phase: pending, words: "Missing"}, peering{phase: pending, words: "Missing"})
		long := ago(time.Hour)
		n.CreationTimestamp = long
		n.Status.Conditions = []metav1.Condition{{Type: v1alpha1.NetworkAvailable, LastTransitionTime: long}}
		n.Status.Peerings[0].LastPhaseTransitionTime = &long
		set(n)
		return n
	}
	half := decided(peering{bound, "Bound", "uid-0"}, peering{phase: pending, words: "Missing"})
	whole := decided(peering{bound, "Bound", "uid-0"}, peering{bound, "Bound", "uid-1"})
	fresh := ago(300 * time.Millisecond)

	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		decided *v1alpha1.NetworkBinding
		change  change
		held    time.Duration // ago; 0 is not yet
		want    time.Duration // 0 is at once
	}{
		"a Network to which nothing happened for a while is written at once": {
			network: network(func(*v1alpha1.Network) {}), decided: half, change: bind,
		},
		"a Network that is new waits for its peers": {
			network: network(func(n *v1alpha1.Network) { n.CreationTimestamp = fresh }),
			decided: half, change: words, want: time.Second,
		},
		"a Network that has just become available waits for its peers": {
			network: network(func(n *v1alpha1.Network) { n.Status.Conditions[0].LastTransitionTime = fresh }),
			decided: half, change: bind, want: time.Second,
		},
		"a Network with a peering that was just bound or released waits for the next": {
			network: network(func(n *v1alpha1.Network) { n.Status.Peerings[1].LastPhaseTransitionTime = &fresh }),
			decided: half, change: bind, want: time.Second,
		},
		"the wait goes on from where it began": {
			network: network(func(n *v1alpha1.Network) { n.CreationTimestamp = fresh }),
			decided: half, change: bind, held: 300 * time.Millisecond, want: 700 * time.Millisecond,
		},
		"the wait ends": {
			network: network(func(n *v1alpha1.Network) { n.CreationTimestamp = fresh }),
			decided: half, change: bind, held: time.Second,
		},
		"a time that was cut to whole seconds is new for a second more": {
			network: network(func(n *v1alpha1.Network) { n.CreationTimestamp = ago(1900 * time.Millisecond) }),
			decided: half, change: bind, want: time.Second,
		},
		"the last peering of all that becomes Bound is written at once": {
			network: network(func(n *v1alpha1.Network) { n.CreationTimestamp = fresh }), decided: whole, change: bind,
		},
		"a release is written at once": {
			network: network(func(n *v1alpha1.Network) { n.CreationTimestamp = fresh }), decided: half, change: release,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			var held time.Time
			if tc.held != 0 {
				held = now.Add(-tc.held)
			}
			if got := max(0, delayBeforeWrite(tc.network, tc.decided, tc.change, held, now)); got != tc.want {
				t.Errorf("waits %v, want %v", got, tc.want)
			}
		})
	}
}

func TestTransitions(t *testing.T) {
	network := stored(
		peering{bound, "Bound", "uid-0"},
		peering{phase: pending, words: "Missing"},
		peering{phase: pending, words: "Missing"},
		peering{bound, "Bound", "uid-3"})
	decision := decided(
		peering{bound, "Bound", "uid-0"},
		peering{bound, "Bound", "uid-1"},
		peering{phase: pending, words: "Unavailable"},
		peering{phase: pending, words: "PeerDeleting"})

	if diff := cmp.Diff([]transition{
		{kind: "Normal", reason: "PeeringBound", message: "Peering p1 is Bound: Bound."},
		{kind: "Warning", reason: "PeeringReleased", message: "Peering p3 is Pending: PeerDeleting."},
	}, transitions(network, decision), cmp.AllowUnexported(transition{})); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func TestTakenBack(t *testing.T) {
	ref := func(name string) v1alpha1.NetworkPeeringNetworkRef {
		return v1alpha1.NetworkPeeringNetworkRef{Name: name}
	}
	network := func(phase v1alpha1.NetworkPeeringPhase, generation int64, refs ...v1alpha1.NetworkPeeringNetworkRef) *v1alpha1.Network {
		n := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "a", Generation: generation}}
		for i, ref := range refs {
			name := fmt.Sprintf("p%d", i)
			n.Spec.Peerings = append(n.Spec.Peerings, v1alpha1.NetworkPeering{Name: name, NetworkRef: ref})
			n.Status.Peerings = append(n.Status.Peerings, v1alpha1.NetworkPeeringStatus{Name: name, Phase: phase})
		}
		return n
	}
	withNamespace := v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-a", Name: "b"}
	pinned := v1alpha1.NetworkPeeringNetworkRef{Name: "b", UID: "uid-of-b"}
	other := network(pending, 1)
	other.UID = "created again"

	for sentence, tc := range map[string]struct {
		before, after *v1alpha1.Network
		want          []string
	}{
		"a peering that stays is not": {
			before: network(bound, 1, ref("b")), after: network(bound, 2, ref("b"), ref("c"))},
		"a peering that names its own namespace now stays": {
			before: network(bound, 1, ref("b")), after: network(bound, 2, withNamespace)},
		"a peering that the controller ends is told of by its decision": {
			before: network(bound, 1, ref("b")), after: network(pending, 1, ref("b"))},
		"a peering that was not Bound is no loss": {before: network(pending, 1, ref("b")), after: network(pending, 2)},
		"a Network that was created again has lost nothing": {
			before: network(bound, 2, ref("b")), after: other},
		"a peering that is taken out": {
			before: network(bound, 1, ref("b"), ref("c")), after: network(bound, 2, ref("b")),
			want: []string{"Peering p1 is no longer in spec.peerings."}},
		"a peering that is led to another Network": {
			before: network(bound, 1, ref("b")), after: network(pending, 2, ref("c")),
			want: []string{"Peering p0 names another Network now."}},
		"a peering that is pinned to a UID starts again": {
			before: network(bound, 1, ref("b")), after: network(pending, 2, pinned),
			want: []string{"Peering p0 names another Network now."}},
	} {
		t.Run(sentence, func(t *testing.T) {
			var want []transition
			for _, message := range tc.want {
				want = append(want, transition{kind: "Warning", reason: "PeeringReleased", message: message})
			}
			if diff := cmp.Diff(want, endedBySpec(tc.before, tc.after), cmp.AllowUnexported(transition{})); diff != "" {
				t.Errorf("taken back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHasStaleClaim(t *testing.T) {
	holder := func(claims ...v1alpha1.NetworkPeeringClaimRef) *v1alpha1.Network {
		return &v1alpha1.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "holder", UID: "uid-of-holder"},
			Spec:       v1alpha1.NetworkSpec{IncomingPeerings: claims},
		}
	}
	claim := v1alpha1.NetworkPeeringClaimRef{Namespace: "team-b", Name: "claimant", UID: "uid-of-claimant"}
	claimant := func(change func(*v1alpha1.Network)) *v1alpha1.Network {
		network := &v1alpha1.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "claimant", UID: "uid-of-claimant"},
			Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{{
				NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-a", Name: "holder"},
			}}},
		}
		change(network)
		return network
	}
	good := claimant(func(*v1alpha1.Network) {})

	for sentence, tc := range map[string]struct {
		holder   *v1alpha1.Network
		claimant *v1alpha1.Network
		want     bool
	}{
		"a Network without claims has no stale one": {holder: holder(), claimant: good, want: false},
		"the claim of a Network that names the holder holds": {
			holder: holder(claim), claimant: good, want: false,
		},
		"the claim of a Network that is not available is no matter of release": {
			holder:   holder(claim),
			claimant: claimant(func(n *v1alpha1.Network) { n.Status.State = v1alpha1.NetworkStateError }),
			want:     false,
		},
		"the claim of a Network that is gone is stale": {holder: holder(claim), claimant: nil, want: true},
		"the claim of a Network that was created again is stale": {
			holder: holder(claim), claimant: claimant(func(n *v1alpha1.Network) { n.UID = "uid-of-another" }), want: true,
		},
		"the claim of a Network that is being deleted is stale": {
			holder:   holder(claim),
			claimant: claimant(func(n *v1alpha1.Network) { n.DeletionTimestamp = &metav1.Time{} }),
			want:     true,
		},
		"the claim of a Network that names the holder no more is stale": {
			holder: holder(claim), claimant: claimant(func(n *v1alpha1.Network) { n.Spec.Peerings = nil }), want: true,
		},
		"the claim of a Network that pins an earlier holder is stale": {
			holder: holder(claim),
			claimant: claimant(func(n *v1alpha1.Network) {
				n.Spec.Peerings[0].NetworkRef.UID = "uid-of-an-earlier-holder"
			}),
			want: true,
		},
		"one stale claim among good ones is enough": {
			holder:   holder(claim, v1alpha1.NetworkPeeringClaimRef{Namespace: "team-b", Name: "gone", UID: "uid-of-gone"}),
			claimant: good,
			want:     true,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			lookup := func(name types.NamespacedName) *v1alpha1.Network {
				if name == (types.NamespacedName{Namespace: "team-b", Name: "claimant"}) {
					return tc.claimant
				}
				return nil
			}
			if got := hasStaleClaim(tc.holder, lookup); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestClaimMayEnd(t *testing.T) {
	network := func(uid types.UID, generation int64, deleting bool) *v1alpha1.Network {
		n := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{UID: uid, Generation: generation}}
		if deleting {
			n.DeletionTimestamp = &metav1.Time{}
		}
		return n
	}
	for sentence, tc := range map[string]struct {
		old, network *v1alpha1.Network
		want         bool
	}{
		"by a change of the peerings": {network("1", 1, false), network("1", 2, false), true},
		"by the begin of a deletion":  {network("1", 1, false), network("1", 1, true), true},
		"by a Network created again":  {network("1", 1, false), network("2", 1, false), true},
		"not by a deletion going on":  {network("1", 1, true), network("1", 1, true), false},
		"not by anything else":        {network("1", 1, false), network("1", 1, false), false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := claimMayEnd(tc.old, tc.network); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAPeeringWithANetworkThatCannotBeReadStaysAsItIs(t *testing.T) {
	target := types.NamespacedName{Namespace: "team-b", Name: "b0"}
	network := stored(peering{bound, "Bound", "uid-0"}, peering{bound, "Bound", "uid-1"}, peering{phase: pending, words: "Missing"})
	for i := range network.Spec.Peerings {
		network.Spec.Peerings[i].NetworkRef = v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: fmt.Sprintf("b%d", i)}
	}
	for i := range network.Spec.IncomingPeerings {
		claim := &network.Spec.IncomingPeerings[i]
		claim.Namespace, claim.Name = "team-b", fmt.Sprintf("b%d", i)
	}
	anew := v1alpha1.NetworkPeeringClaimRef{Namespace: "team-b", Name: "b2", UID: "uid-2"}
	lacking := func() *v1alpha1.NetworkBinding {
		decision := decided(peering{phase: pending, words: "PeeringNotAccepted"}, peering{phase: pending, words: "PeeringNotAccepted"},
			peering{phase: pending, words: "PeeringNotAccepted"})
		for i := range decision.Peerings {
			decision.Peerings[i].Reason = v1alpha1.PeeringReasonPeeringNotAccepted
		}
		return decision
	}
	for sentence, tc := range map[string]struct {
		unreadable types.NamespacedName
		change     func(*v1alpha1.NetworkBinding)
		kept       bool
		claims     []v1alpha1.NetworkPeeringClaimRef
	}{
		"it was Bound, and the other that was ends": {unreadable: target, kept: true, claims: network.Spec.IncomingPeerings[:1]},
		"another is bound anew": {unreadable: target, kept: true, change: func(d *v1alpha1.NetworkBinding) {
			d.Peerings[2].Phase, d.Peerings[2].Reason = v1alpha1.NetworkPeeringPhaseBound, v1alpha1.PeeringReasonBound
			d.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{anew}
		}, claims: []v1alpha1.NetworkPeeringClaimRef{network.Spec.IncomingPeerings[0], anew}},
		"one that was Pending is decided on as before": {unreadable: types.NamespacedName{Namespace: "team-b", Name: "b2"}},
		"all can be read": {},
		"what the owner of the Network did ends it all the same": {unreadable: target, change: func(d *v1alpha1.NetworkBinding) {
			d.Peerings[0].Reason = v1alpha1.PeeringReasonPeeringDeclined
		}},
	} {
		decision := lacking()
		if tc.change != nil {
			tc.change(decision)
		}
		want := decision.DeepCopy()
		if tc.kept {
			item := network.Status.Peerings[0]
			want.Peerings[0].Phase, want.Peerings[0].Reason, want.Peerings[0].Message = item.Phase, item.Reason, item.Message
			want.IncomingPeerings = tc.claims
		}
		kept := keepUnreadable(network, decision, func(name types.NamespacedName) bool { return name == tc.unreadable })
		if diff := cmp.Diff(want, decision); kept != tc.kept || diff != "" {
			t.Errorf("%s: kept %t (-want +got):\n%s", sentence, kept, diff)
		}
	}
}
