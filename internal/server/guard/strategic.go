// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The directives of a strategic merge patch. The library applies them; of many that are malformed it takes no notice, and
// of some it panics.
const (
	directive       = "$patch"
	retainKeys      = "$retainKeys"
	setElementOrder = "$setElementOrder"
	deleteFromList  = "$deleteFromPrimitiveList"
)

// misused returns the first directive of a strategic merge patch for an object of the given type that is malformed or has no
// meaning where it stands, and the first list that can't be merged, or nil.
func misused(patch []byte, kind reflect.Type) *field.Error {
	var object map[string]any
	_ = json.Unmarshal(patch, &object) // A malformed document is empty here, and refused by the decoding.
	return misusedInMap(object, known(kind), nil)
}

// part is what is known of a part of the patched object.
type part struct {
	schema strategicpatch.PatchMetaFromStruct // with a type, if that is known
	// isWhole tells that the part takes the place of the stored one: no directive has a meaning in it.
	isWhole bool
}

func known(kind reflect.Type) part { return part{schema: strategicpatch.PatchMetaFromStruct{T: kind}} }

// child returns what is known of a field. One that the type does not have is for decoding to refuse or to warn of.
func (p part) child(name string) (child part, strategies []string, mergeKey string) {
	child.isWhole = p.isWhole
	if p.schema.T == nil {
		return child, nil, ""
	}
	schema, meta, err := p.schema.LookupPatchMetadataForStruct(name)
	if err != nil {
		return child, nil, ""
	}
	child.schema = schema.(strategicpatch.PatchMetaFromStruct)
	return child, meta.GetPatchStrategies(), meta.GetPatchMergeKey()
}

// items returns what is known of the items of a list, nil if the part is none.
func (p part) items() *part {
	kind := p.schema.T
	if kind != nil && kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind == nil || kind.Kind() != reflect.Slice {
		return nil
	}
	items := known(kind.Elem())
	items.isWhole = p.isWhole
	return &items
}

func misusedInMap(object map[string]any, of part, path *field.Path) *field.Error {
	if action, ok := object[directive]; ok && !of.isWhole {
		if action != "replace" && action != "delete" {
			return field.Invalid(path.Child(directive), action, `must be "replace" or "delete"`)
		}
		of.isWhole = true
		object = maps.Clone(object)
		delete(object, directive)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value, path := object[key], path.Child(key)
		name, target, isFor := strings.Cut(key, "/")
		isDirective := name == setElementOrder || name == deleteFromList || key == directive || key == retainKeys
		switch {
		case isDirective && of.isWhole:
			return field.Forbidden(path, "has no meaning in a part that takes the place of the stored one as a whole")
		case name == retainKeys && !isFor:
			if !isListOf[string](value) {
				return field.Invalid(path, value, "must be a list of names of fields")
			}
		case name == setElementOrder || name == deleteFromList:
			if err := misusedForList(name, value, target, of, path); err != nil {
				return err
			}
		default:
			if err := misusedInField(key, value, of, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// misusedForList looks at a directive that is for a list beside it.
func misusedForList(name string, value any, target string, of part, path *field.Path) *field.Error {
	child, strategies, mergeKey := of.child(target)
	items := child.items()
	isMerged := slices.Contains(strategies, "merge")
	switch {
	case items == nil:
		return field.Forbidden(path, "is for a list, by the name after the slash")
	case name == deleteFromList && items.schema.T.Kind() != reflect.String:
		return field.Forbidden(path, "is for a list of strings: for others, give the item with $patch: delete")
	case name == setElementOrder && !isMerged:
		return field.Forbidden(path, "is for a list that is merged: give this one as a whole")
	case mergeKey == "" && !isListOf[string](value):
		return field.Invalid(path, value, "must be a list of strings")
	case mergeKey == "":
		return nil
	}
	return unnamed(value, mergeKey, path)
}

// misusedInField looks at a field and what is below it.
func misusedInField(name string, value any, of part, path *field.Path) *field.Error {
	child, strategies, mergeKey := of.child(name)
	items := child.items()
	if value, ok := value.(map[string]any); ok && items == nil {
		return misusedInMap(value, child, path)
	}
	list, ok := value.([]any)
	switch {
	case value == nil:
		return nil
	case items != nil && !ok:
		return field.Invalid(path, value, "must be a list")
	case items == nil || !slices.Contains(strategies, "merge"):
		child.isWhole = true
	case mergeKey == "" && !isListOf[string](value):
		return field.Invalid(path, value, "must be a list of strings")
	case mergeKey != "" && !child.isWhole:
		if err := unnamed(value, mergeKey, path); err != nil {
			return err
		}
	}
	for i, item := range list {
		if item, ok := item.(map[string]any); ok {
			below := part{isWhole: child.isWhole}
			if items != nil {
				below.schema = items.schema
			}
			if err := misusedInMap(item, below, path.Index(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unnamed returns an error for an item of a list that does not say which one it is.
func unnamed(value any, mergeKey string, path *field.Path) *field.Error {
	list, ok := value.([]any)
	if !ok {
		return field.Invalid(path, value, "must be a list of objects")
	}
	for i, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return field.Invalid(path.Index(i), item, "must be an object")
		}
		if object[directive] == "replace" { // It speaks of the list: what else it has would be dropped.
			if len(object) > 1 {
				return field.Forbidden(path.Index(i).Child(directive),
					"replaces the whole list, and stands in an item of its own: give what is to be in the list as further items")
			}
			continue
		}
		if _, ok := object[mergeKey].(string); !ok {
			return field.Invalid(path.Index(i).Child(mergeKey), object[mergeKey], "must be a string: it tells which item is meant")
		}
	}
	return nil
}

func isListOf[T any](value any) bool {
	list, ok := value.([]any)
	return ok && !slices.ContainsFunc(list, func(item any) bool {
		_, ok := item.(T)
		return !ok
	})
}
