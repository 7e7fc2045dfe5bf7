// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package intent tells what a request says that the decoded object does not: which fields it empties explicitly, where left
// out means "as stored", and who applies it.
package intent

import (
	"context"
	"slices"
)

// Intent is what a request says beside the object.
type Intent struct {
	// Cleared are the fields of spec that a patch empties explicitly, by their names.
	Cleared []string
	// Applier is the field manager of a server-side apply, empty for any other request.
	Applier string
}

type key struct{}

// With returns the context of a request that says this.
func With(ctx context.Context, said Intent) context.Context {
	return context.WithValue(ctx, key{}, said)
}

// Clears tells whether a request explicitly empties a field of spec.
func Clears(ctx context.Context, name string) bool {
	said, _ := ctx.Value(key{}).(Intent)
	return slices.Contains(said.Cleared, name)
}

// Applier returns the field manager of a server-side apply, empty for any other request.
func Applier(ctx context.Context) string {
	said, _ := ctx.Value(key{}).(Intent)
	return said.Applier
}
