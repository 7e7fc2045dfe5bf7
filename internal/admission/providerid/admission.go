// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package providerid lets only network providers set spec.providerID: this needs permission to update the status of the
// object. A value from anybody else is dropped with a warning, so that an exported manifest can be applied anywhere.
// Validation decides when a provider may change the field.
package providerid

import (
	"context"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/warning"

	"ironcore.dev/networking/internal/apis/intent"
	"ironcore.dev/networking/internal/apis/networking"
)

// PluginName is the name of the plugin in the admission flags.
const PluginName = "NetworkProviderID"

// Register adds the plugin to those that the admission flags can choose from.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(nil), nil })
}

// New returns the plugin. Without an authorizer it gets one by initialization.
func New(authorizer authorizer.Authorizer) admission.MutationInterface {
	return &plugin{Handler: admission.NewHandler(admission.Create, admission.Update), authorizer: authorizer}
}

type plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
}

var _ admission.MutationInterface = &plugin{}
var _ initializer.WantsAuthorizer = &plugin{}

func (p *plugin) SetAuthorizer(authorizer authorizer.Authorizer) { p.authorizer = authorizer }

func (p *plugin) ValidateInitialization() error {
	if p.authorizer == nil {
		return fmt.Errorf("%s requires an authorizer", PluginName)
	}
	return nil
}

// Admit drops a provider ID that the user may not set.
func (p *plugin) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	resource := a.GetResource()
	if resource.Group != networking.GroupName || a.GetSubresource() != "" {
		return nil
	}
	sent, stored := providerID(a.GetObject()), ""
	if old := providerID(a.GetOldObject()); old != nil {
		stored = *old
	}
	if sent == nil || *sent == stored || *sent == "" && !intent.Clears(ctx, "providerID") {
		return nil
	}
	decision, reason, err := p.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User:            a.GetUserInfo(),
		Verb:            "update",
		Namespace:       a.GetNamespace(),
		APIGroup:        resource.Group,
		APIVersion:      resource.Version,
		Resource:        resource.Resource,
		Subresource:     "status",
		Name:            a.GetObject().(metav1.Object).GetName(),
		ResourceRequest: true,
	})
	if decision == authorizer.DecisionAllow {
		return nil
	}
	if err != nil {
		// To drop a provider's value would lose it: the provider is to try again.
		return apierrors.NewServiceUnavailable(fmt.Sprintf("asking who may set spec.providerID: %v %s", err, reason))
	}
	*sent = stored
	warning.AddWarning(ctx, "", fmt.Sprintf("spec.providerID: setting it needs permission to update %s/status: kept as stored",
		resource.Resource))
	return nil
}

// providerID points to the field of an object, or is nil where there is none.
func providerID(obj runtime.Object) *string {
	switch obj := obj.(type) {
	case *networking.Network:
		return &obj.Spec.ProviderID
	case *networking.NetworkInterface:
		return &obj.Spec.ProviderID
	}
	return nil
}
