// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func prefixes(texts ...string) []netip.Prefix {
	var parsed []netip.Prefix
	for _, text := range texts {
		parsed = append(parsed, netip.MustParsePrefix(text))
	}
	return parsed
}

func member(state v1alpha1.NetworkInterfaceState, ip string, ranges ...string) *v1alpha1.NetworkInterface {
	return &v1alpha1.NetworkInterface{Status: v1alpha1.NetworkInterfaceStatus{State: state, IPs: []string{ip}, Prefixes: ranges}}
}

func TestExposed(t *testing.T) {
	members := func(*v1alpha1.Network) []*v1alpha1.NetworkInterface {
		return []*v1alpha1.NetworkInterface{
			member(v1alpha1.NetworkInterfaceStateAvailable, "10.0.0.2", "10.1.0.0/24"),
			member(v1alpha1.NetworkInterfaceStateAvailable, "2001:db8::1"),
			member(v1alpha1.NetworkInterfaceStateError, "10.0.0.9"),
		}
	}
	for sentence, tc := range map[string]struct {
		prefixes []v1alpha1.PeeringPrefix
		status   []v1alpha1.PeeringPrefixStatus
		want     []netip.Prefix
	}{
		"without prefixes it is what the NetworkInterfaces have in force": {
			want: prefixes("10.0.0.2/32", "10.1.0.0/24", "2001:db8::1/128"),
		},
		"with prefixes it is those alone": {
			prefixes: []v1alpha1.PeeringPrefix{{Name: "front", Prefix: "10.0.0.0/31"}},
			want:     prefixes("10.0.0.0/31"),
		},
		"a reference stands for the range in the status": {
			prefixes: []v1alpha1.PeeringPrefix{{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{Name: "p"}}},
			status:   []v1alpha1.PeeringPrefixStatus{{Name: "front", Prefix: "10.2.0.0/16"}},
			want:     prefixes("10.2.0.0/16"),
		},
		"references without a range expose nothing": {
			prefixes: []v1alpha1.PeeringPrefix{{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{Name: "p"}}},
			status:   []v1alpha1.PeeringPrefixStatus{{Name: "front"}},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			network := available("team-a", "a", ref{Name: "other"}, ref{Name: "b"})
			network.Spec.Peerings[1].Prefixes = tc.prefixes
			network.Status.Peerings = []v1alpha1.NetworkPeeringStatus{{Name: "p0"}, {Name: "p1", Prefixes: tc.status}}
			got := Exposed(network, types.NamespacedName{Namespace: "team-a", Name: "b"}, members)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := Exposed(network, types.NamespacedName{Namespace: "team-b", Name: "b"}, members); got != nil {
				t.Errorf("to a Network that it does not name it exposes %v", got)
			}
		})
	}
}

func TestDecideOverlaps(t *testing.T) {
	peer := func(name string) types.NamespacedName { return types.NamespacedName{Namespace: "team-b", Name: name} }
	at := func(name string, second int64, texts ...string) Exposure {
		return Exposure{Peering: "to-" + name, Peer: peer(name), Bound: time.Unix(second, 0), Ranges: prefixes(texts...)}
	}
	with := func(name string) *types.NamespacedName {
		named := peer(name)
		return &named
	}
	overlap := func(one, other string, with *types.NamespacedName) Overlap {
		return Overlap{netip.MustParsePrefix(one), netip.MustParsePrefix(other), with}
	}
	for sentence, tc := range map[string]struct {
		own       []netip.Prefix
		exposures []Exposure
		want      map[string]Overlap
	}{
		"ranges beside each other are all in force": {
			own:       prefixes("10.0.0.1/32"),
			exposures: []Exposure{at("b", 1, "10.0.0.2/32"), at("c", 2, "10.0.1.0/24", "2001:db8::/32")},
		},
		"of two equal ranges the earlier binding is in force": {
			exposures: []Exposure{at("b", 2, "10.0.0.0/24"), at("c", 1, "10.0.0.0/24")},
			want:      map[string]Overlap{"to-b": overlap("10.0.0.0/24", "10.0.0.0/24", with("c"))},
		},
		"a range within one of an earlier peer overlaps": {
			exposures: []Exposure{at("b", 1, "10.0.0.0/8"), at("c", 2, "10.9.0.0/16")},
			want:      map[string]Overlap{"to-c": overlap("10.9.0.0/16", "10.0.0.0/8", with("b"))},
		},
		"a range around one of an earlier peer overlaps": {
			exposures: []Exposure{at("b", 1, "10.9.3.0/24"), at("c", 2, "10.0.0.0/8")},
			want:      map[string]Overlap{"to-c": overlap("10.0.0.0/8", "10.9.3.0/24", with("b"))},
		},
		"a range over the Network's own addresses is never in force": {
			own:       prefixes("10.0.0.7/32"),
			exposures: []Exposure{at("b", 1, "10.0.0.0/24")},
			want:      map[string]Overlap{"to-b": overlap("10.0.0.0/24", "10.0.0.7/32", nil)},
		},
		"what is not in force is in nobody's way": {
			exposures: []Exposure{at("b", 1, "10.0.0.0/24"), at("c", 2, "10.0.0.0/24", "10.1.0.0/24"), at("d", 3, "10.1.0.0/24")},
			want:      map[string]Overlap{"to-c": overlap("10.0.0.0/24", "10.0.0.0/24", with("b"))},
		},
		"of two that were Bound at the same time the names decide": {
			exposures: []Exposure{at("c", 1, "10.0.0.0/24"), at("b", 1, "10.0.0.0/24")},
			want:      map[string]Overlap{"to-c": overlap("10.0.0.0/24", "10.0.0.0/24", with("b"))},
		},
		"ranges of one peer may overlap each other": {
			exposures: []Exposure{at("b", 1, "10.0.0.0/8", "10.0.0.0/24")},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := DecideOverlaps(tc.own, tc.exposures)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecideOverlapsAtRandom holds the search against a comparison of each range with each other.
func TestDecideOverlapsAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var exposures []Exposure
		for i := range 4 {
			exposure := Exposure{Peering: fmt.Sprint(i), Peer: types.NamespacedName{Name: fmt.Sprint(i)}, Bound: time.Unix(int64(i), 0)}
			for range random.IntN(4) {
				var address [4]byte
				binary.BigEndian.PutUint32(address[:], 0x0a000000|random.Uint32N(64))
				exposure.Ranges = append(exposure.Ranges, netip.PrefixFrom(netip.AddrFrom4(address), 26+random.IntN(7)).Masked())
			}
			exposures = append(exposures, exposure)
		}
		want := map[string]bool{}
		var inForce []netip.Prefix
		for _, exposure := range exposures {
			clash := false
			for _, one := range exposure.Ranges {
				for _, other := range inForce {
					clash = clash || one.Overlaps(other)
				}
			}
			if clash {
				want[exposure.Peering] = true
			} else {
				inForce = append(inForce, exposure.Ranges...)
			}
		}
		got := map[string]bool{}
		for name := range DecideOverlaps(nil, exposures) {
			got[name] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%v (-want +got):\n%s", exposures, diff)
		}
	}
}
