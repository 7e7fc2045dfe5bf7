// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package lifecycle allows decisions on Networks in a namespace that is being deleted, where nothing may be created.
// Otherwise Networks could not be unbound and their members not counted, and the deletions would wait for each other.
package lifecycle

import (
	"context"

	"k8s.io/apiserver/pkg/admission"
	namespacelifecycle "k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"

	"ironcore.dev/networking/internal/apis/networking"
)

// Decorator exempts the subresources of networks from the plugin NamespaceLifecycle: what is posted there creates no object.
var Decorator = admission.DecoratorFunc(func(handler admission.Interface, name string) admission.Interface {
	mutation, ok := handler.(admission.MutationInterface)
	if name != namespacelifecycle.PluginName || !ok {
		return handler
	}
	return exempting{mutation}
})

type exempting struct {
	admission.MutationInterface
}

func (e exempting) Admit(ctx context.Context, a admission.Attributes, o admission.ObjectInterfaces) error {
	if a.GetResource().GroupResource() == networking.Resource("networks") && a.GetSubresource() != "" {
		return nil
	}
	return e.MutationInterface.Admit(ctx, a, o)
}
