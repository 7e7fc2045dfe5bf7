// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// APIVersion keys the fields that a strategy resets.
var APIVersion = fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String())

// Strategy is for writes of the object itself: it keeps what is not the users' to write, counts the generation and starts
// the status.
type Strategy[T Object] struct {
	runtime.ObjectTyper
	names.NameGenerator
	kind Definition[T]
	// size tells how many bytes of an object are stored.
	size func(runtime.Object) int
}

var _ rest.RESTCreateUpdateStrategy = Strategy[Object]{}
var _ rest.RESTGracefulDeleteStrategy = Strategy[Object]{}
var _ rest.ResetFieldsStrategy = Strategy[Object]{}

// NewStrategy returns the strategy of a kind whose types a scheme has, and which a codec stores.
func NewStrategy[T Object](scheme *runtime.Scheme, codec runtime.Encoder, kind Definition[T]) Strategy[T] {
	return Strategy[T]{ObjectTyper: scheme, NameGenerator: names.SimpleNameGenerator, kind: kind,
		size: sizeBy(scheme, codec, kind.New())}
}

// NamespaceScoped is true.
func (Strategy[T]) NamespaceScoped() bool { return true }

// AllowCreateOnUpdate is false: PUT does not create.
func (Strategy[T]) AllowCreateOnUpdate(context.Context) bool { return false }

// AllowUnconditionalUpdate is true: a write may come without a resourceVersion.
func (Strategy[T]) AllowUnconditionalUpdate(context.Context) bool { return true }

// Canonicalize does nothing: the canonical form is made before validation.
func (Strategy[T]) Canonicalize(runtime.Object) {}

// WarningsOnCreate are the kind's. What is dropped is warned of where it is dropped.
func (s Strategy[T]) WarningsOnCreate(ctx context.Context, obj runtime.Object) []string {
	return s.warnings(ctx, obj.(T), s.kind.New())
}

// WarningsOnUpdate are the kind's.
func (s Strategy[T]) WarningsOnUpdate(ctx context.Context, obj, old runtime.Object) []string {
	return s.warnings(ctx, obj.(T), old.(T))
}

func (s Strategy[T]) warnings(ctx context.Context, object, stored T) []string {
	if s.kind.Warnings == nil {
		return nil
	}
	return s.kind.Warnings(ctx, object, stored)
}

// GetResetFields lists what nobody comes to own by a write of the object itself: the status, and the server's fields in
// spec. So an exported manifest can be applied without a conflict, and leaving such a field out takes nothing away.
func (s Strategy[T]) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	reset := fieldpath.NewSet()
	if s.kind.hasStatus() {
		reset.Insert(fieldpath.MakePathOrDie("status"))
	}
	for _, field := range s.kind.Kept {
		reset.Insert(fieldpath.MakePathOrDie("spec", field.name))
	}
	return map[fieldpath.APIVersion]*fieldpath.Set{APIVersion: reset}
}

// PrepareForCreate starts the generation and the status.
func (s Strategy[T]) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	object, none := obj.(T), s.kind.New()
	object.SetGeneration(1)
	s.prepare(ctx, object, none)
}

// PrepareForUpdate keeps what is not the users' to write, and counts a change of what is.
func (s Strategy[T]) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	object, stored := obj.(T), old.(T)
	object.SetGeneration(stored.GetGeneration())
	keepFinalizer(object, stored, s.kind.Finalizer)
	s.prepare(ctx, object, stored)
	s.makeRoom(object, stored)
}

// prepare makes of a sent object what is stored of it; stored is empty on create.
func (s Strategy[T]) prepare(ctx context.Context, object, stored T) {
	kind, now := s.kind, metav1.Now()
	if kind.hasStatus() {
		kind.Status.copy(object, stored)
	}
	if kind.Canonical != nil {
		kind.Canonical(ctx, object)
	}
	for _, field := range kind.Kept {
		field.keep(ctx, object, stored)
	}
	if isStored(stored) && !equality.Semantic.DeepEqual(kind.usersSpec(object), kind.usersSpec(stored)) {
		object.SetGeneration(stored.GetGeneration() + 1)
	}
	if kind.ObservedAtOnce {
		generation, _ := kind.Observed(object)
		*generation = object.GetGeneration()
	}
	if kind.Prepare != nil {
		kind.Prepare(ctx, object, stored, now)
	}
	kind.Derive(object, stored, now)
}

// isStored tells a stored object from the empty one that stands for it on create.
func isStored[T Object](object T) bool { return object.GetName() != "" }

// keepFinalizer keeps the server's finalizer on an object that is being deleted, whatever a writer knows of it.
func keepFinalizer[T Object](object, stored T, finalizer string) {
	if finalizer != "" && stored.GetDeletionTimestamp() != nil && slices.Contains(stored.GetFinalizers(), finalizer) &&
		!slices.Contains(object.GetFinalizers(), finalizer) {
		object.SetFinalizers(append(slices.Clone(object.GetFinalizers()), finalizer))
	}
}

// CheckGracefulDelete puts the server's finalizer on, in the write that begins the deletion. There is no grace period.
func (s Strategy[T]) CheckGracefulDelete(_ context.Context, obj runtime.Object, _ *metav1.DeleteOptions) bool {
	object, finalizer := obj.(T), s.kind.Finalizer
	if finalizer != "" && object.GetDeletionTimestamp() == nil && !slices.Contains(object.GetFinalizers(), finalizer) {
		object.SetFinalizers(append(slices.Clone(object.GetFinalizers()), finalizer))
	}
	return false
}

// Validate validates a new object.
func (s Strategy[T]) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	object := obj.(T)
	if errs := s.kind.ValidateCreate(object); len(errs) > 0 {
		return errs
	}
	return s.validateSize(object, s.kind.New())
}

// ValidateUpdate validates a change of an object.
func (s Strategy[T]) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	object, stored := obj.(T), old.(T)
	if s.kind.Refuse != nil {
		if errs := s.kind.Refuse(ctx, object, stored); len(errs) > 0 {
			return errs
		}
	}
	if errs := s.kind.ValidateUpdate(object, stored); len(errs) > 0 {
		return errs
	}
	return s.validateSize(object, stored)
}

// StatusStrategy is for writes of the status subresource, by the provider: nothing but the status changes.
type StatusStrategy[T Object] struct {
	Strategy[T]
}

var _ rest.RESTUpdateStrategy = StatusStrategy[Object]{}
var _ rest.ResetFieldsFilterStrategy = StatusStrategy[Object]{}

// GetResetFieldsFilter lists what a writer of the status comes to own.
func (s StatusStrategy[T]) GetResetFieldsFilter() map[fieldpath.APIVersion]fieldpath.Filter {
	status := Field("status", fieldpath.NewSetMatcher(false, s.kind.StatusFields...))
	return map[fieldpath.APIVersion]fieldpath.Filter{
		APIVersion: fieldpath.NewIncludeMatcherFilter(fieldpath.NewSetMatcher(false, status)),
	}
}

// PrepareForUpdate takes the status alone from the sent object.
func (s StatusStrategy[T]) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	object, stored, now := obj.(T), old.(T), metav1.Now()
	keepMetadata(object, stored)
	s.kind.Spec.copy(object, stored)
	if s.kind.MergeStatus != nil {
		s.kind.MergeStatus(object, stored, now)
	} else if s.kind.Observed != nil {
		generation, _ := s.kind.Observed(object)
		*generation = stored.GetGeneration()
	}
	s.kind.Derive(object, stored, now)
	s.makeRoom(object, stored)
}

// keepMetadata puts the stored metadata in the place of those that came with a write of the status, but for the managed
// fields, which are of this write, and the UID, for which a write of another object is refused afterwards.
func keepMetadata[T Object](object, stored T) {
	sent := object.GetObjectMeta().(*metav1.ObjectMeta)
	managedFields, uid := sent.ManagedFields, sent.UID
	*sent = *stored.GetObjectMeta().(*metav1.ObjectMeta)
	sent.ManagedFields, sent.UID = managedFields, cmp.Or(uid, sent.UID)
}

// WarningsOnUpdate has none: they are for who writes the object itself.
func (StatusStrategy[T]) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// ValidateUpdate validates a change of the status.
func (s StatusStrategy[T]) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	object, stored := obj.(T), old.(T)
	if errs := s.kind.ValidateStatus(object, stored); len(errs) > 0 {
		return errs
	}
	return s.validateStatusSize(object, stored)
}

// Field matches a field and what is below it.
func Field(name string, child *fieldpath.SetMatcher) *fieldpath.SetMemberMatcher {
	return &fieldpath.SetMemberMatcher{
		Path:  fieldpath.PathElementMatcher{PathElement: fieldpath.PathElement{FieldName: &name}},
		Child: child,
	}
}

// Whole are fields with everything below them.
func Whole(names ...string) []*fieldpath.SetMemberMatcher {
	matchers := make([]*fieldpath.SetMemberMatcher, 0, len(names))
	for _, name := range names {
		matchers = append(matchers, Field(name, fieldpath.MatchAnySet()))
	}
	return matchers
}
