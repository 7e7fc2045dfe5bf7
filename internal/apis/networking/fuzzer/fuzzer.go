// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package fuzzer fills objects of the networking.ironcore.dev API with random values for tests: any value that survives
// defaulting, valid or not.
package fuzzer

import (
	"sigs.k8s.io/randfill"

	"k8s.io/apimachinery/pkg/runtime/serializer"

	"ironcore.dev/networking/internal/apis/networking"
)

// Funcs are the fillers of the types whose values are not all kept by defaulting.
func Funcs(serializer.CodecFactory) []any {
	return []any{
		func(prefix *networking.PeeringPrefix, c randfill.Continue) {
			c.FillNoCustom(prefix)
			// An empty prefixRef is read as none.
			if prefix.PrefixRef != nil && *prefix.PrefixRef == (networking.LocalObjectReference{}) {
				prefix.PrefixRef = nil
			}
		},
	}
}
