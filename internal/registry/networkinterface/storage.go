// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networkinterface

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry/member"
)

// Warnings are what is to be said of a write that is valid; on create, stored is empty.
type Warnings func(ctx context.Context, nic, stored *networking.NetworkInterface) []string

// NewStorage returns the storage of NetworkInterfaces. It reads their Networks through the getter.
func NewStorage(scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, networks member.Networks, warnings Warnings,
) (member.Storage, error) {
	kind := newDefinition(networks)
	kind.Warnings = warnings
	return member.NewStorage(scheme, optsGetter, kind, networks)
}
