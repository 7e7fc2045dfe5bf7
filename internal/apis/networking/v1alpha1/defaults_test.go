// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking/install"
)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return scheme
}

func TestDefaults(t *testing.T) {
	// network has one prefix in its second peering.
	network := func(prefix v1alpha1.PeeringPrefix) v1alpha1.Network {
		return v1alpha1.Network{Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{
			{Name: "a"},
			{Name: "b", Prefixes: []v1alpha1.PeeringPrefix{prefix}},
		}}}
	}
	for sentence, tc := range map[string]struct {
		sent, want v1alpha1.PeeringPrefix
	}{
		"an empty prefixRef is none": {
			sent: v1alpha1.PeeringPrefix{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{}},
			want: v1alpha1.PeeringPrefix{Name: "front"},
		},
		"an empty prefixRef beside a prefix is none": {
			sent: v1alpha1.PeeringPrefix{
				Name: "front", Prefix: "10.0.0.0/24", PrefixRef: &v1alpha1.LocalObjectReference{},
			},
			want: v1alpha1.PeeringPrefix{Name: "front", Prefix: "10.0.0.0/24"},
		},
		"a prefixRef that names a Prefix stays": {
			sent: v1alpha1.PeeringPrefix{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{Name: "my-prefix"}},
			want: v1alpha1.PeeringPrefix{Name: "front", PrefixRef: &v1alpha1.LocalObjectReference{Name: "my-prefix"}},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			scheme := newScheme()
			one := network(*tc.sent.DeepCopy())
			scheme.Default(&one)
			if diff := cmp.Diff(network(tc.want), one); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			list := v1alpha1.NetworkList{Items: []v1alpha1.Network{{}, network(*tc.sent.DeepCopy())}}
			scheme.Default(&list)
			if diff := cmp.Diff([]v1alpha1.Network{{}, network(tc.want)}, list.Items); diff != "" {
				t.Errorf("in a list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectableFields(t *testing.T) {
	for sentence, tc := range map[string]struct {
		field string
		want  string // the error, empty if selectable
	}{
		"by name":        {field: "metadata.name"},
		"by namespace":   {field: "metadata.namespace"},
		"by provider ID": {field: "spec.providerID"},
		"by state":       {field: "status.state"},
		"not by anything else": {
			field: "spec.peerings",
			want: "field label not supported: spec.peerings; " +
				"Networks can be selected by metadata.name, metadata.namespace, spec.providerID and status.state",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			kind := v1alpha1.SchemeGroupVersion.WithKind("Network")
			field, value, err := newScheme().ConvertFieldLabel(kind, tc.field, "value")
			if tc.want != "" {
				if err == nil || err.Error() != tc.want {
					t.Errorf("got error %v, want %s", err, tc.want)
				}
				return
			}
			if field != tc.field || value != "value" || err != nil {
				t.Errorf("got %s=%s and error %v", field, value, err)
			}
		})
	}
}
