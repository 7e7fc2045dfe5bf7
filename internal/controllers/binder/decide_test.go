// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package binder

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

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
	for i, p := range peerings {
		name := fmt.Sprintf("p%d", i)
		network.Spec.Peerings = append(network.Spec.Peerings, v1alpha1.NetworkPeering{Name: name})
		network.Status.Peerings = append(network.Status.Peerings, v1alpha1.NetworkPeeringStatus{
			Name: name, Phase: p.phase, Reason: p.words, Message: p.words + ".",
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
		"a Network without peerings needs no word on a new generation": {
			network: behind(stored()), decided: decided(), want: unchanged,
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
			if got := max(0, pace(tc.network, tc.decided, tc.change, held, now)); got != tc.want {
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
		{reason: "PeeringBound", message: "Peering p1 is Bound: Bound."},
		{reason: "PeeringReleased", message: "Peering p3 is Pending: PeerDeleting."},
	}, transitions(network, decision), cmp.AllowUnexported(transition{})); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}
