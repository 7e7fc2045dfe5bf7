// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// Table prints objects for kubectl get; columns of priority 1 appear with -o wide.
type Table[T Object] struct {
	Columns []metav1.TableColumnDefinition
	// Cells returns what an object has in the columns.
	Cells func(T) []any
	// More, if any, returns what is in the last columns: what the object itself does not hold.
	More func(context.Context, T) []any
}

// ConvertToTable prints an object or a list.
func (t Table[T]) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{Rows: []metav1.TableRow{}}
	tableOptions, ok := options.(*metav1.TableOptions)
	if !ok || !tableOptions.NoHeaders {
		table.ColumnDefinitions = t.Columns
	}
	whole := ok && tableOptions.IncludeObject == metav1.IncludeObject
	add := func(obj runtime.Object) error {
		item, ok := obj.(T)
		if !ok {
			return fmt.Errorf("got a %T where a %T was expected", obj, item)
		}
		row := metav1.TableRow{Object: runtime.RawExtension{Object: item}, Cells: t.Cells(item)}
		if t.More != nil {
			row.Cells = append(row.Cells, t.More(ctx, item)...)
		}
		if !whole {
			row.Object.Object = metadataOf(item)
		}
		table.Rows = append(table.Rows, row)
		return nil
	}
	list, ok := object.(metav1.ListInterface)
	if !ok {
		if err := add(object); err != nil {
			return nil, err
		}
		table.ResourceVersion = object.(T).GetResourceVersion()
		return table, nil
	}
	table.ResourceVersion = list.GetResourceVersion()
	table.Continue = list.GetContinue()
	table.RemainingItemCount = list.GetRemainingItemCount()
	return table, meta.EachListItem(object, add)
}

// metadataOf returns the metadata of an object without managedFields, which are the greater part of a table and which nobody
// prints.
func metadataOf(object metav1.Object) *metav1.PartialObjectMetadata {
	partial := meta.AsPartialObjectMetadata(object)
	partial.ManagedFields = nil
	return partial
}

// OrNone is a cell that is not left blank.
func OrNone(text string) string { return Or(text, "<none>") }

// Or is a cell that is not left blank.
func Or(text, blank string) string {
	if text == "" {
		return blank
	}
	return text
}

// Ready is the cell that tells the status of the condition Ready.
func Ready(conditions []metav1.Condition) string {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return string(metav1.ConditionUnknown)
	}
	return string(ready.Status)
}

// State is the cell that tells the state of an object, or that it is being deleted.
func State[S ~string](object metav1.Object, state S) string {
	if object.GetDeletionTimestamp() != nil {
		return "Terminating"
	}
	return string(state)
}
