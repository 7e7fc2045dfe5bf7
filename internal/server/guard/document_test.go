// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func paths(errs field.ErrorList) []string {
	var paths []string
	for _, err := range errs {
		paths = append(paths, err.Field)
	}
	return paths
}

func TestExposedByMistake(t *testing.T) {
	for sentence, tc := range map[string]struct {
		document string
		want     []string
	}{
		"an empty list of prefixes is refused, each by its path": {
			document: `{"spec":{"peerings":[{"name":"a","prefixes":[]},{"name":"b"},{"name":"c","prefixes":[]}]}}`,
			want:     []string{"spec.peerings[0].prefixes", "spec.peerings[2].prefixes"},
		},
		"an order of no prefixes is an empty list": {
			document: `{"spec":{"peerings":[{"name":"a","$setElementOrder/prefixes":[]}]}}`,
			want:     []string{"spec.peerings[0].prefixes"},
		},
		"prefixes with items are not":                    {document: `{"spec":{"peerings":[{"prefixes":[{"name":"p"}]}]}}`},
		"prefixes that are left out are not":             {document: `{"spec":{"peerings":[{"name":"a"}]}}`},
		"no peerings are not":                            {document: `{"spec":{"peerings":[]}}`},
		"a malformed document is for decoding to refuse": {document: `{"spec":[`},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := paths(emptyPrefixes([]byte(tc.document))); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCheckSizes(t *testing.T) {
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat("{},", n), ",") }
	for sentence, tc := range map[string]struct {
		document string
		want     []string
	}{
		"a list of 1,000 items passes":         {document: `{"spec":{"peerings":[` + many(1000) + `]}}`},
		"a longer one is refused by its path":  {document: `{"spec":{"peerings":[` + many(1001) + `]}}`, want: []string{"spec.peerings"}},
		"a malformed document is for decoding": {document: `{"spec":{"peerings":[`},
		"no document is for decoding":          {document: ``},
		"an empty document passes":             {document: `{}`},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := paths(checkSizes([]byte(tc.document))); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEmptied(t *testing.T) {
	for sentence, tc := range map[string]struct {
		patch     string
		patchType types.PatchType
		want      []string
	}{
		"a merge patch with null":             {`{"spec":{"providerID":null}}`, types.MergePatchType, []string{"providerID"}},
		"a merge patch with an empty string":  {`{"spec":{"providerID":""}}`, types.MergePatchType, []string{"providerID"}},
		"a merge patch of something else":     {`{"spec":{"machineRef":{"name":"m"}}}`, types.MergePatchType, nil},
		"a JSON patch that removes":           {`[{"op":"remove","path":"/spec/providerID"}]`, types.JSONPatchType, []string{"providerID"}},
		"a JSON patch that tests":             {`[{"op":"test","path":"/spec/providerID","value":""}]`, types.JSONPatchType, nil},
		"a server-side apply empties nothing": {`{"spec":{"providerID":""}}`, types.ApplyYAMLPatchType, nil},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := clearedFields([]byte(tc.patch), tc.patchType); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
