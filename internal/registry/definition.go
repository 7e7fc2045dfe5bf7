// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package registry is shared by all kinds of the API. The Definition of a kind says what is special about it. From that,
// this package makes its strategies, its storage, its status subresource, its selectable fields with their indexes, and its
// table.
package registry

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Object is a pointer to an object of a kind.
type Object interface {
	runtime.Object
	metav1.Object
	metav1.ObjectMetaAccessor
}

// Definition says what is special about a kind. Only the functions that validate are required.
type Definition[T Object] struct {
	// Plural, Singular and ShortNames are what the resource is called.
	Plural, Singular string
	ShortNames       []string
	New              func() T
	NewList          func() runtime.Object
	Fields           Fields[T]
	// Indexes are kept by the watch cache beside those of Fields.
	Indexes cache.Indexers
	Table   Table[T]

	// Spec is the desired state. A change of it counts in metadata.generation, except for the fields in Kept.
	Spec Part[T]
	// Kept are the fields of spec that users do not write.
	Kept []Kept[T]
	// Status is the observed state. Without it there is no status subresource.
	Status Part[T]
	// StatusFields are the fields of the status that the provider writes.
	StatusFields []*fieldpath.SetMemberMatcher
	// Observed points to observedGeneration and conditions in the status.
	Observed func(T) (generation *int64, conditions *[]metav1.Condition)
	// ObservedAtOnce tells that the conditions follow from the object alone: a write of it observes its newest generation.
	ObservedAtOnce bool
	// Finalizer is put on when a deletion begins, and only the server removes it; empty for none.
	Finalizer string

	// Canonical changes the sent object into the form in which it is compared and stored. Users get a warning of what it
	// drops.
	Canonical func(ctx context.Context, object T)
	// Prepare sets what else a write of the object itself changes. Before it is called, the kept fields and the status are
	// set to the stored ones; on create, stored is empty.
	Prepare func(ctx context.Context, object, stored T, now metav1.Time)
	// MergeStatus changes a sent status into the one to store, and sets the observed generation. Without it, the whole sent
	// status is stored, as an observation of the newest generation.
	MergeStatus func(object, stored T, now metav1.Time)
	// Conditions returns the conditions that the server writes, as they follow from the object. This package sets their dates
	// and their observedGeneration.
	Conditions func(T) []metav1.Condition
	// ConditionTypes are the types of the conditions that the server writes.
	ConditionTypes []string

	// Warnings are for users who write the object itself, if the write is valid; on create, stored is empty.
	Warnings func(ctx context.Context, object, stored T) []string

	// Refuse returns what is wrong with a change for what the request says, not for what it makes of the object.
	Refuse func(ctx context.Context, object, stored T) field.ErrorList

	ValidateCreate                 func(object T) field.ErrorList
	ValidateUpdate, ValidateStatus func(object, stored T) field.ErrorList

	// Largest is how large an object may become without another write of its users, by what size tells of one as it is.
	// Without it, that is Reserve more than it is.
	Largest func(object T, size func(T) int) int
	// Unsaid is how much the server itself may still add to a status that a provider writes.
	Unsaid func(object T) int
}

func (d Definition[T]) hasStatus() bool { return d.Status.copy != nil }

// usersSpec is the part of spec that users write.
func (d Definition[T]) usersSpec(object T) any {
	if len(d.Kept) == 0 {
		return d.Spec.Of(object)
	}
	users, none := d.New(), d.New()
	d.Spec.copy(users, object)
	for _, field := range d.Kept {
		field.copy(users, none)
	}
	return d.Spec.Of(users)
}

// Derive makes the server's conditions follow from an object that is written; stored is what was there before.
func (d Definition[T]) Derive(object, stored T, now metav1.Time) {
	if d.Conditions == nil {
		return
	}
	generation, conditions := d.Observed(object)
	_, before := d.Observed(stored)
	derived := d.Conditions(object)
	for i := range derived {
		if derived[i].ObservedGeneration == 0 {
			derived[i].ObservedGeneration = *generation
		}
	}
	*conditions = mergeConditions(derived, *conditions, *before, d.ConditionTypes, now)
}
