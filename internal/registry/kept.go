// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apiserver/pkg/warning"

	"ironcore.dev/networking/internal/apis/intent"
)

// Part is a part of an object that is looked at and copied as a whole, such as its spec.
type Part[T any] struct {
	// Of returns a pointer to the part, or a value that is made of it.
	Of   func(T) any
	copy func(to, from T)
}

// PartOf returns the part that a function points to.
func PartOf[T, P any](of func(T) *P) Part[T] {
	return Part[T]{
		Of:   func(object T) any { return of(object) },
		copy: func(to, from T) { *of(to) = *of(from) },
	}
}

// Kept is a field of spec that users do not write. Left empty it means "as stored", whatever the verb.
type Kept[T any] struct {
	name string
	copy func(to, from T)
	keep func(ctx context.Context, object, stored T)
}

// KeptForProvider is a field of spec that the provider sets: what another value may do is for admission and validation. It
// returns to empty where a patch says so explicitly, if it may be cleared.
func KeptForProvider[T Object](name string, of func(T) *string, clearable bool) Kept[T] {
	return Kept[T]{
		name: name,
		copy: func(to, from T) { *of(to) = *of(from) },
		keep: func(ctx context.Context, object, stored T) {
			if *of(object) == "" && (!clearable || !intent.Clears(ctx, name)) {
				*of(object) = *of(stored)
			}
		},
	}
}

// KeptForServer is a list in spec that the server alone writes. Whoever sends another one is told that it was dropped.
func KeptForServer[T Object, I any](name string, of func(T) *[]I) Kept[T] {
	return Kept[T]{
		name: name,
		copy: func(to, from T) { *of(to) = *of(from) },
		keep: func(ctx context.Context, object, stored T) {
			if sent := *of(object); len(sent) > 0 && !equality.Semantic.DeepEqual(sent, *of(stored)) {
				warning.AddWarning(ctx, "", "spec."+name+": the server alone writes it: kept as stored")
			}
			*of(object) = *of(stored)
		},
	}
}
