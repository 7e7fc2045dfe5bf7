// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/tools/cache"
)

// Fields are what a field selector may use beside metadata.name and metadata.namespace, each with the value that an object
// has there. The conversion of field labels, in internal/apis, lists the same.
type Fields[T Object] map[string]func(T) string

// Attributes are what selectors match.
func (f Fields[T]) Attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	object, ok := obj.(T)
	if !ok {
		return nil, nil, fmt.Errorf("got a %T where a %T was expected", obj, object)
	}
	selectable := make(fields.Set, len(f)+2)
	selectable["metadata.name"] = object.GetName()
	selectable["metadata.namespace"] = object.GetNamespace()
	for field, value := range f {
		selectable[field] = value(object)
	}
	return object.GetLabels(), selectable, nil
}

// Predicate returns what tells whether an object is selected.
func (f Fields[T]) Predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{
		Label:       label,
		Field:       field,
		GetAttrs:    f.Attributes,
		IndexFields: slices.Sorted(maps.Keys(f)),
	}
}

// Indexers let the watch cache answer selections by field without walking all objects.
func (f Fields[T]) Indexers() *cache.Indexers {
	indexers := make(cache.Indexers, len(f))
	for field, value := range f {
		indexers[storage.FieldIndex(field)] = func(obj any) ([]string, error) {
			object, ok := obj.(T)
			if !ok {
				return nil, fmt.Errorf("got a %T where a %T was expected", obj, object)
			}
			return []string{value(object)}, nil
		}
	}
	return &indexers
}
