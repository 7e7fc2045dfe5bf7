// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package compare lists the fields in which the objects of two API servers differ, for a move from one to the other.
package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Difference is a field, or a whole object, that two servers tell differently.
type Difference struct {
	// Object is its kind, namespace and name.
	Object string
	// Field is empty for the whole object.
	Field string
	// From and To are what either server has there, nil for nothing.
	From, To any
}

// IsAddition tells that the second server has something where the first has nothing: nothing was lost.
func (d Difference) IsAddition() bool { return d.From == nil }

func (d Difference) String() string {
	switch {
	case d.Field == "" && d.To == nil:
		return "- " + d.Object
	case d.Field == "":
		return "+ " + d.Object
	case d.To == nil:
		return fmt.Sprintf("- %s: %s: %s", d.Object, d.Field, text(d.From))
	case d.From == nil:
		return fmt.Sprintf("+ %s: %s: %s", d.Object, d.Field, text(d.To))
	}
	return fmt.Sprintf("~ %s: %s: %s became %s", d.Object, d.Field, text(d.From), text(d.To))
}

func text(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// Objects returns in what the objects of two servers differ, in the order of their kinds and names. The resourceVersion and the
// managedFields do not count: they tell when and by whom an object was written, not what it is.
func Objects(from, to []unstructured.Unstructured) []Difference {
	before, after := byName(from), byName(to)
	var differences []Difference
	for _, name := range slices.Sorted(maps.Keys(sets.KeySet(before).Union(sets.KeySet(after)))) {
		switch old, fresh := before[name], after[name]; {
		case fresh == nil:
			differences = append(differences, Difference{Object: name, From: old})
		case old == nil:
			differences = append(differences, Difference{Object: name, To: fresh})
		default:
			differences = append(differences, fields(name, "", old, fresh)...)
		}
	}
	return differences
}

func byName(objects []unstructured.Unstructured) map[string]map[string]any {
	named := make(map[string]map[string]any, len(objects))
	for i := range objects {
		object := objects[i].DeepCopy()
		object.SetResourceVersion("")
		object.SetManagedFields(nil)
		named[fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())] = object.Object
	}
	return named
}

// fields walks down two values.
func fields(object, path string, from, to any) []Difference {
	var differences []Difference
	switch {
	case isMissing(path, from) && isMissing(path, to):
		return nil
	case isMissing(path, from) && isLeaf(to):
		return []Difference{{Object: object, Field: path, To: to}}
	case isMissing(path, to) && isLeaf(from):
		return []Difference{{Object: object, Field: path, From: from}}
	}
	oldMap, ok := from.(map[string]any)
	newMap, alsoOK := to.(map[string]any)
	if (ok || from == nil) && (alsoOK || to == nil) {
		for _, key := range slices.Sorted(maps.Keys(sets.KeySet(oldMap).Union(sets.KeySet(newMap)))) {
			differences = append(differences, fields(object, strings.TrimPrefix(path+"."+key, "."), oldMap[key], newMap[key])...)
		}
		return differences
	}
	oldList, ok := from.([]any)
	newList, alsoOK := to.([]any)
	if ok && alsoOK {
		oldItems, newItems := byKey(oldList, newList)
		for _, key := range slices.Sorted(maps.Keys(sets.KeySet(oldItems).Union(sets.KeySet(newItems)))) {
			from, hadIt := oldItems[key]
			to, hasIt := newItems[key]
			switch path := path + "[" + key + "]"; {
			case !hasIt:
				differences = append(differences, Difference{Object: object, Field: path, From: from})
			case !hadIt:
				differences = append(differences, Difference{Object: object, Field: path, To: to})
			default:
				differences = append(differences, fields(object, path, from, to)...)
			}
		}
		return differences
	}
	if reflect.DeepEqual(from, to) {
		return nil
	}
	return []Difference{{Object: object, Field: path, From: from, To: to}}
}

// byKey names the items of two lists by what they are called, or else by their place.
func byKey(lists ...[]any) (map[string]any, map[string]any) {
	for _, key := range []string{"type", "name"} {
		named := [2]map[string]any{{}, {}}
		isKey := true
		for side, list := range lists {
			for _, item := range list {
				object, _ := item.(map[string]any)
				name, _ := object[key].(string)
				isKey = isKey && name != ""
				named[side][name] = item
			}
			isKey = isKey && len(named[side]) == len(list)
		}
		if isKey {
			return named[0], named[1]
		}
	}
	return byPlace(lists[0]), byPlace(lists[1])
}

func byPlace(list []any) map[string]any {
	placed := make(map[string]any, len(list))
	for i, item := range list {
		placed[strconv.Itoa(i)] = item
	}
	return placed
}

// isLeaf tells what is shown as a whole where the other side has nothing.
func isLeaf(value any) bool {
	object, ok := value.(map[string]any)
	return !ok || len(object) == 0
}

// isMissing takes what is empty for what is not there: encoders leave out the one or the other. But an empty selector
// selects everything, and none selects nothing.
func isMissing(path string, value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		for key, item := range value {
			if !isMissing(key, item) {
				return false
			}
		}
		return !strings.HasSuffix(path, "elector")
	case []any:
		return len(value) == 0
	}
	return reflect.ValueOf(value).IsZero()
}
