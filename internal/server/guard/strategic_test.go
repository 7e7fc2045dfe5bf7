// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestMisused(t *testing.T) {
	for sentence, tc := range map[string]struct {
		patch string
		want  string
	}{
		"an item is merged by its name":        {patch: `{"spec":{"peerings":[{"name":"a","networkRef":{"name":"b"}}]}}`},
		"an item is deleted by its name":       {patch: `{"spec":{"peerings":[{"name":"a","$patch":"delete"}]}}`},
		"a list is replaced":                   {patch: `{"spec":{"peerings":[{"$patch":"replace"},{"name":"a"}]}}`},
		"a part is replaced":                   {patch: `{"spec":{"$patch":"replace","peerings":[]}}`},
		"a list is taken away":                 {patch: `{"spec":{"peerings":null}}`},
		"items are put in order":               {patch: `{"spec":{"$setElementOrder/peerings":[{"name":"a"}]}}`},
		"finalizers are put in order":          {patch: `{"metadata":{"$setElementOrder/finalizers":["a/b"]}}`},
		"finalizers are taken off":             {patch: `{"metadata":{"$deleteFromPrimitiveList/finalizers":["a/b"]}}`},
		"fields are retained":                  {patch: `{"spec":{"peerings":[{"name":"a","$retainKeys":["name"]}]}}`},
		"labels are replaced":                  {patch: `{"metadata":{"labels":{"$patch":"replace","a":"b"}}}`},
		"conditions are merged by type":        {patch: `{"status":{"conditions":[{"type":"Mine","status":"True"}]}}`},
		"managed fields are nobody's matter":   {patch: `{"metadata":{"managedFields":[{"fieldsV1":{"f:spec":{".":{}}}}]}}`},
		"unknown fields are for decoding":      {patch: `{"spec":{"color":[{"a":1}]},"what":{"ever":[1]}}`},
		"a malformed document is for decoding": {patch: `{"spec":[`},

		"an unknown action": {
			patch: `{"spec":{"peerings":[{"name":"a","$patch":"sing"}]}}`,
			want:  `spec.peerings[0].$patch: Invalid value: "sing": must be "replace" or "delete"`,
		},
		"an action that is no word": {
			patch: `{"spec":{"$patch":{"a":1}}}`,
			want:  `spec.$patch: Invalid value: {"a":1}: must be "replace" or "delete"`,
		},
		"fields to retain that are no names": {
			patch: `{"spec":{"$retainKeys":[{"a":1}]}}`,
			want:  `spec.$retainKeys: Invalid value: [{"a":1}]: must be a list of names of fields`,
		},
		"fields to retain that are no list": {
			patch: `{"spec":{"$retainKeys":"name"}}`,
			want:  `spec.$retainKeys: Invalid value: "name": must be a list of names of fields`,
		},
		"an order of finalizers that are no strings": {
			patch: `{"metadata":{"$setElementOrder/finalizers":[{"a":1}]}}`,
			want:  `metadata.$setElementOrder/finalizers: Invalid value: [{"a":1}]: must be a list of strings`,
		},
		"an order of items without a name": {
			patch: `{"spec":{"$setElementOrder/peerings":["a"]}}`,
			want:  `spec.$setElementOrder/peerings[0]: Invalid value: "a": must be an object`,
		},
		"an order that is no list": {
			patch: `{"spec":{"$setElementOrder/peerings":{"a":"b"}}}`,
			want:  `spec.$setElementOrder/peerings: Invalid value: {"a":"b"}: must be a list of objects`,
		},
		"an order of what is no list": {
			patch: `{"spec":{"$setElementOrder/providerID":[]}}`,
			want:  "spec.$setElementOrder/providerID: Forbidden: is for a list, by the name after the slash",
		},
		"an order of nothing": {
			patch: `{"spec":{"$setElementOrder":[]}}`,
			want:  "spec.$setElementOrder: Forbidden: is for a list, by the name after the slash",
		},
		"a name that is an object": {
			patch: `{"spec":{"peerings":[{"name":{"a":"b"}}]}}`,
			want:  `spec.peerings[0].name: Invalid value: {"a":"b"}: must be a string: it tells which item is meant`,
		},
		"a name that is a list": {
			patch: `{"spec":{"peerings":[{"name":["b"]}]}}`,
			want:  `spec.peerings[0].name: Invalid value: ["b"]: must be a string: it tells which item is meant`,
		},
		"an item without a name": {
			patch: `{"spec":{"peerings":[{"$patch":"delete"}]}}`,
			want:  "spec.peerings[0].name: Invalid value: null: must be a string: it tells which item is meant",
		},
		"an item of a list below an item": {
			patch: `{"spec":{"peerings":[{"name":"a","prefixes":[{"prefix":"10.0.0.0/8"}]}]}}`,
			want:  "spec.peerings[0].prefixes[0].name: Invalid value: null: must be a string: it tells which item is meant",
		},
		"finalizers that are no strings": {
			patch: `{"metadata":{"finalizers":[{"a":1}]}}`,
			want:  `metadata.finalizers: Invalid value: [{"a":1}]: must be a list of strings`,
		},
		"a list that is a string": {
			patch: `{"spec":{"peerings":"a"}}`,
			want:  `spec.peerings: Invalid value: "a": must be a list`,
		},
		"deletions from a map": {
			patch: `{"metadata":{"$deleteFromPrimitiveList/labels":["a"]}}`,
			want:  "metadata.$deleteFromPrimitiveList/labels: Forbidden: is for a list, by the name after the slash",
		},
		"deletions from a list of objects": {
			patch: `{"spec":{"$deleteFromPrimitiveList/peerings":["a"]}}`,
			want: "spec.$deleteFromPrimitiveList/peerings: Forbidden: is for a list of strings: " +
				"for others, give the item with $patch: delete",
		},
		"deletions from a field that does not exist": {
			patch: `{"spec":{"$deleteFromPrimitiveList/color":["a"]}}`,
			want:  "spec.$deleteFromPrimitiveList/color: Forbidden: is for a list, by the name after the slash",
		},
		"deletions that are a string": {
			patch: `{"metadata":{"$deleteFromPrimitiveList/finalizers":"a/b"}}`,
			want:  `metadata.$deleteFromPrimitiveList/finalizers: Invalid value: "a/b": must be a list of strings`,
		},
		"deletions that are nothing": {
			patch: `{"metadata":{"$deleteFromPrimitiveList/finalizers":null}}`,
			want:  "metadata.$deleteFromPrimitiveList/finalizers: Invalid value: null: must be a list of strings",
		},
		"a directive in a part that is replaced": {
			patch: `{"spec":{"$patch":"replace","peerings":[{"name":"a","$patch":"delete"}]}}`,
			want: "spec.peerings[0].$patch: Forbidden: " +
				"has no meaning in a part that takes the place of the stored one as a whole",
		},
		"a directive at an unknown place": {
			patch: `{"what":[{"$patch":"delete"}]}`,
			want:  "what[0].$patch: Forbidden: has no meaning in a part that takes the place of the stored one as a whole",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := ""
			if err := misused([]byte(tc.patch), reflect.TypeFor[v1alpha1.Network]()); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
	t.Run("an item of a list that is given as a whole can't be deleted", func(t *testing.T) {
		err := misused([]byte(`{"spec":{"ips":[{"value":"10.0.0.1","$patch":"delete"}]}}`), reflect.TypeFor[v1alpha1.NetworkInterface]())
		if err == nil || err.Field != "spec.ips[0].$patch" {
			t.Errorf("got %v", err)
		}
	})
}

// Whatever passes, the library applies without a panic.
func TestWhatIsNotMisusedDoesNotPanic(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	stored := func() map[string]any {
		return map[string]any{
			"metadata": map[string]any{"name": "a", "finalizers": []any{"a/b", "c/d"}, "labels": map[string]any{"a": "b"}},
			"spec": map[string]any{
				"providerID": "x://1",
				"peerings": []any{
					map[string]any{"name": "a", "networkRef": map[string]any{"name": "b"}, "prefixes": []any{map[string]any{"name": "p"}}},
					map[string]any{"name": "c", "networkRef": map[string]any{"name": "d"}},
				},
			},
			"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}},
		}
	}
	keys := []string{
		"metadata", "spec", "status", "peerings", "prefixes", "finalizers", "labels", "conditions", "name", "type", "networkRef",
		"$patch", "$retainKeys", "$setElementOrder/peerings", "$setElementOrder/finalizers", "$setElementOrder/prefixes",
		"$deleteFromPrimitiveList/finalizers", "$deleteFromPrimitiveList/peerings", "$setElementOrder/labels", "x",
	}
	strings := []string{"a", "c", "a/b", "replace", "delete", "merge", "name"}
	var value func(depth int) any
	value = func(depth int) any {
		switch choice := random.IntN(10); {
		case choice < 4 && depth > 0:
			object := map[string]any{}
			for range random.IntN(4) {
				object[keys[random.IntN(len(keys))]] = value(depth - 1)
			}
			return object
		case choice < 7 && depth > 0:
			list := []any{}
			for range random.IntN(3) {
				list = append(list, value(depth-1))
			}
			return list
		case choice == 7:
			return nil
		}
		return strings[random.IntN(len(strings))]
	}
	passed, panicked := 0, 0
	for range 20_000 {
		patch := map[string]any{"metadata": value(3), "spec": value(4), "status": value(3)}
		document, err := json.Marshal(patch)
		if err != nil {
			t.Fatal(err)
		}
		refused := misused(document, reflect.TypeFor[v1alpha1.Network]())
		func() {
			defer func() {
				if reason := recover(); reason != nil {
					panicked++
					if refused == nil {
						t.Fatalf("%s: %v", document, reason)
					}
				}
			}()
			if refused == nil {
				passed++
			}
			_, err = strategicpatch.StrategicMergeMapPatch(stored(), patch, &v1alpha1.Network{})
			_ = fmt.Sprint(err)
		}()
	}
	if passed < 1000 || panicked < 100 {
		t.Errorf("%d patches passed, and the library panicked at %d: too few to tell anything", passed, panicked)
	}
	t.Logf("%d patches passed, %d made the library panic", passed, panicked)
}
