// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package prefixes

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestDecide(t *testing.T) {
	resolve := func(name string) (string, string) {
		switch name {
		case "allocated":
			return "10.1.0.0/16", ""
		case "crooked":
			return "10.1.0.1/16", ""
		}
		return "", "there is no Prefix " + name + "."
	}
	inline := v1alpha1.PeeringPrefix{Name: "inline", Prefix: "10.0.0.0/24"}
	ref := func(name string) v1alpha1.PeeringPrefix {
		return v1alpha1.PeeringPrefix{Name: "ref", PrefixRef: &v1alpha1.LocalObjectReference{Name: name}}
	}
	item := func(name, prefix string) v1alpha1.PeeringPrefixStatus {
		return v1alpha1.PeeringPrefixStatus{Name: name, Prefix: prefix}
	}
	for sentence, tc := range map[string]struct {
		prefixes []v1alpha1.PeeringPrefix
		want     Resolved
	}{
		"no prefixes stand for nothing": {},
		"a range stands for itself, and a reference for the range of its Prefix": {
			prefixes: []v1alpha1.PeeringPrefix{inline, ref("allocated")},
			want:     Resolved{Items: []v1alpha1.PeeringPrefixStatus{item("inline", "10.0.0.0/24"), item("ref", "10.1.0.0/16")}},
		},
		"a reference to nothing has an item without a range, and the others keep theirs": {
			prefixes: []v1alpha1.PeeringPrefix{ref("absent"), inline},
			want: Resolved{
				Items:  []v1alpha1.PeeringPrefixStatus{item("ref", ""), item("inline", "10.0.0.0/24")},
				Reason: "PrefixUnresolved", Message: "Prefix item ref exposes nothing: there is no Prefix absent.",
			},
		},
		"a range with host bits is none": {
			prefixes: []v1alpha1.PeeringPrefix{ref("crooked")},
			want: Resolved{
				Items:  []v1alpha1.PeeringPrefixStatus{item("ref", "")},
				Reason: "PrefixUnresolved", Message: `Prefix item ref exposes nothing: "10.1.0.1/16" is not a range in canonical CIDR notation.`,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Decide(&v1alpha1.NetworkPeering{Prefixes: tc.prefixes}, resolve)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
