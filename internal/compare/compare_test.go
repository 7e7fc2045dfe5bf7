// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestObjects(t *testing.T) {
	const name = "kind: Network\nmetadata: {namespace: t, name: a, resourceVersion: \"1\"}\n"
	for sentence, tc := range map[string]struct {
		from, to []string
		want     []string
	}{
		"the same objects do not differ":          {from: []string{name + "spec: {x: 1}"}, to: []string{name + "spec: {x: 1}"}},
		"a version says nothing of what was kept": {from: []string{name}, to: []string{"kind: Network\nmetadata: {namespace: t, name: a}"}},
		"an object that is gone is missing":       {from: []string{name}, want: []string{"- Network t/a"}},
		"an object that came is an addition":      {to: []string{name}, want: []string{"+ Network t/a"}},
		"namesakes of two kinds are two objects": {
			from: []string{name}, to: []string{"kind: VirtualIP\nmetadata: {namespace: t, name: a}"},
			want: []string{"- Network t/a", "+ VirtualIP t/a"},
		},
		"a field is gone, another came, a third is another": {
			from: []string{name + "spec: {x: 1, z: [a, b]}"}, to: []string{name + "spec: {w: {b: 2, c: 3}, z: [a, c]}"},
			want: []string{
				"+ Network t/a: spec.w.b: 2", "+ Network t/a: spec.w.c: 3", "- Network t/a: spec.x: 1",
				`~ Network t/a: spec.z[1]: "b" became "c"`,
			},
		},
		"an item is gone or came, even an empty one": {
			from: []string{name + "spec: {x: [1, {}], w: [1]}"}, to: []string{name + "spec: {x: [1], w: [1, {}]}"},
			want: []string{"+ Network t/a: spec.w[1]: {}", "- Network t/a: spec.x[1]: {}"},
		},
		"items that have names or types are known by them": {
			from: []string{name + "spec: {p: [{name: a, v: 1}, {name: b}], c: [{type: X}]}"},
			to:   []string{name + "spec: {p: [{name: b}, {name: a, v: 2}], c: [{type: R}, {type: X}]}"},
			want: []string{`+ Network t/a: spec.c[R]: {"type":"R"}`, "~ Network t/a: spec.p[a].v: 1 became 2"},
		},
		"items of one name are known by their place": {
			from: []string{name + "spec: {p: [{name: a, v: 1}, {name: a, v: 2}]}"}, to: []string{name + "spec: {p: [{name: a, v: 1}]}"},
			want: []string{`- Network t/a: spec.p[1]: {"name":"a","v":2}`},
		},
		"a value of another type is another": {
			from: []string{name + "spec: {x: [1], w: {z: 1}}"}, to: []string{name + "spec: {x: {a: 1}, w: 1}"},
			want: []string{`~ Network t/a: spec.w: {"z":1} became 1`, `~ Network t/a: spec.x: [1] became {"a":1}`},
		},
		"what is empty may be left out": {
			from: []string{name + `spec: {a: {}, b: "", c: null, d: [], e: 0, f: false, g: {h: ""}}`}, to: []string{name + "spec: {}"},
		},
		"an empty selector is not left out": {
			from: []string{name + "spec: {aSelector: {}, selector: {}}"}, to: []string{name},
			want: []string{"- Network t/a: spec.aSelector: {}", "- Network t/a: spec.selector: {}"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got []string
			for _, difference := range Objects(parse(t, tc.from), parse(t, tc.to)) {
				got = append(got, difference.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func parse(t *testing.T, documents []string) []unstructured.Unstructured {
	t.Helper()
	var objects []unstructured.Unstructured
	for _, document := range documents {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, unstructured.Unstructured{Object: object})
	}
	return objects
}
