// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package providerid admits spec.providerID from network providers alone: whoever sets it needs the permission to update
// the status of that object. When the field may change afterwards is validation's concern.
package providerid

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"ironcore.dev/networking/internal/apis/networking"
)

// PluginName is the name of the plugin in the admission flags.
const PluginName = "NetworkProviderID"

// Register adds the plugin to those that the admission flags can choose from.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(nil), nil })
}

// New returns the plugin. Without an authorizer it gets one by initialization.
func New(authorizer authorizer.Authorizer) admission.ValidationInterface {
	return &plugin{Handler: admission.NewHandler(admission.Create, admission.Update), authorizer: authorizer}
}

type plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
}

var _ admission.ValidationInterface = &plugin{}
var _ initializer.WantsAuthorizer = &plugin{}

func (p *plugin) SetAuthorizer(authorizer authorizer.Authorizer) { p.authorizer = authorizer }

func (p *plugin) ValidateInitialization() error {
	if p.authorizer == nil {
		return fmt.Errorf("%s requires an authorizer", PluginName)
	}
	return nil
}

func (p *plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	resource := a.GetResource()
	if resource.Group != networking.GroupName || a.GetSubresource() != "" || !setsProviderID(a.GetObject(), a.GetOldObject()) {
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
	detail := fmt.Sprintf("setting spec.providerID takes the permission to %q %q in API group %q",
		"update", resource.Resource+"/status", resource.Group)
	switch {
	case err != nil:
		detail += ": " + err.Error()
	case reason != "":
		detail += ": " + reason
	}
	return admission.NewForbidden(a, fmt.Errorf("%s", detail))
}

// setsProviderID tells whether a write sets spec.providerID. To take it away is refused of Networks by validation; of a
// NetworkInterface it is the server's, along with the machineRef.
func setsProviderID(obj, old runtime.Object) bool {
	switch obj := obj.(type) {
	case *networking.Network:
		stored, ok := old.(*networking.Network)
		return obj.Spec.ProviderID != "" && !(ok && obj.Spec.ProviderID == stored.Spec.ProviderID)
	case *networking.NetworkInterface:
		stored, ok := old.(*networking.NetworkInterface)
		if !ok {
			return obj.Spec.ProviderID != ""
		}
		return obj.Spec.ProviderID != stored.Spec.ProviderID && (obj.Spec.ProviderID != "" || stored.Spec.MachineRef == nil)
	}
	return false
}
