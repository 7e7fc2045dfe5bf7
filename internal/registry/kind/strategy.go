// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// APIVersion keys the fields that a strategy resets.
var APIVersion = fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String())

// Strategy is what the strategies of all kinds have in common: namespaced, created by POST alone, updated with or without
// a resourceVersion.
type Strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
}

// NewStrategy returns a Strategy for the types of a scheme.
func NewStrategy(typer runtime.ObjectTyper) Strategy {
	return Strategy{ObjectTyper: typer, NameGenerator: names.SimpleNameGenerator}
}

// NamespaceScoped is true.
func (Strategy) NamespaceScoped() bool { return true }

// AllowCreateOnUpdate is false.
func (Strategy) AllowCreateOnUpdate(context.Context) bool { return false }

// AllowUnconditionalUpdate is true.
func (Strategy) AllowUnconditionalUpdate(context.Context) bool { return true }

// Canonicalize does nothing.
func (Strategy) Canonicalize(runtime.Object) {}

// WarningsOnCreate has none.
func (Strategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }

// WarningsOnUpdate has none.
func (Strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// KeepMetadata puts the stored metadata in the place of those that came with a write of the status, but for the managed
// fields, which are of this write.
func KeepMetadata(sent, stored *metav1.ObjectMeta) {
	managedFields := sent.ManagedFields
	*sent = *stored
	sent.ManagedFields = managedFields
}

// StatusFields are fields of the status, for GetResetFieldsFilter: each whole, or what the matcher lets through.
func StatusFields(fields ...*fieldpath.SetMemberMatcher) map[fieldpath.APIVersion]fieldpath.Filter {
	status := fieldpath.NewSetMatcher(false, fields...)
	return map[fieldpath.APIVersion]fieldpath.Filter{
		APIVersion: fieldpath.NewIncludeMatcherFilter(fieldpath.NewSetMatcher(false, Field("status", status))),
	}
}

// Field matches a field and what is below it.
func Field(name string, child *fieldpath.SetMatcher) *fieldpath.SetMemberMatcher {
	return &fieldpath.SetMemberMatcher{
		Path:  fieldpath.PathElementMatcher{PathElement: fieldpath.PathElement{FieldName: &name}},
		Child: child,
	}
}

// Whole matches everything below a field.
func Whole() *fieldpath.SetMatcher { return fieldpath.MatchAnySet() }
