// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Table prints objects for kubectl get; columns of priority 1 appear with -o wide.
type Table[T Object] struct {
	Columns []metav1.TableColumnDefinition
	// Cells returns what an object has in the columns.
	Cells func(T) []any
}

// ConvertToTable prints an object or a list.
func (t Table[T]) ConvertToTable(_ context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{Rows: []metav1.TableRow{}}
	if tableOptions, ok := options.(*metav1.TableOptions); !ok || !tableOptions.NoHeaders {
		table.ColumnDefinitions = t.Columns
	}
	add := func(obj runtime.Object) error {
		item, ok := obj.(T)
		if !ok {
			return fmt.Errorf("got a %T where a %T was expected", obj, item)
		}
		table.Rows = append(table.Rows, metav1.TableRow{Object: runtime.RawExtension{Object: item}, Cells: t.Cells(item)})
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

// OrNone is a cell that is not left blank.
func OrNone(text string) string {
	if text == "" {
		return "<none>"
	}
	return text
}

// State is the cell that tells the state of an object, or that it is being deleted.
func State[S ~string](object metav1.Object, state S) string {
	if object.GetDeletionTimestamp() != nil {
		return "Terminating"
	}
	return string(state)
}
