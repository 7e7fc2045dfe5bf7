// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package providerid admits spec.providerID from network providers alone: whoever sets it needs the permission to update
// the status of that Network. That the field never changes afterwards is validation's concern.
package providerid

import (
	"context"
	"fmt"
	"io"

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
	if a.GetResource().GroupResource() != networking.Resource("networks") || a.GetSubresource() != "" {
		return nil
	}
	network, ok := a.GetObject().(*networking.Network)
	if !ok || network.Spec.ProviderID == "" {
		return nil
	}
	if old, ok := a.GetOldObject().(*networking.Network); ok && old.Spec.ProviderID == network.Spec.ProviderID {
		return nil
	}
	decision, reason, err := p.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User:            a.GetUserInfo(),
		Verb:            "update",
		Namespace:       a.GetNamespace(),
		APIGroup:        networking.GroupName,
		APIVersion:      a.GetResource().Version,
		Resource:        "networks",
		Subresource:     "status",
		Name:            network.Name,
		ResourceRequest: true,
	})
	if decision == authorizer.DecisionAllow {
		return nil
	}
	detail := `setting spec.providerID takes the permission to "update" "networks/status" in API group "` + networking.GroupName + `"`
	switch {
	case err != nil:
		detail += ": " + err.Error()
	case reason != "":
		detail += ": " + reason
	}
	return admission.NewForbidden(a, fmt.Errorf("%s", detail))
}
