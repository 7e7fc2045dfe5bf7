// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	namespacelifecycle "k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

var errTerminating = errors.New("the namespace is being terminated")

// refusing refuses everything, as NamespaceLifecycle does in a namespace that is being deleted.
type refusing struct{ *admission.Handler }

func (refusing) Admit(context.Context, admission.Attributes, admission.ObjectInterfaces) error {
	return errTerminating
}

func TestOnlyDecisionsAreExemptAndOnlyFromNamespaceLifecycle(t *testing.T) {
	networks := v1alpha1.SchemeGroupVersion.WithResource("networks")
	for sentence, test := range map[string]struct {
		plugin      string
		resource    schema.GroupVersionResource
		subresource string
		want        error
	}{
		"a binding in a namespace that is being deleted is let through": {
			plugin: namespacelifecycle.PluginName, resource: networks, subresource: "binding",
		},
		"and so is a count of members": {
			plugin: namespacelifecycle.PluginName, resource: networks, subresource: "membership",
		},
		"a new Network there is refused": {
			plugin: namespacelifecycle.PluginName, resource: networks, want: errTerminating,
		},
		"a binding of another group's networks is refused": {
			plugin:   namespacelifecycle.PluginName,
			resource: schema.GroupVersionResource{Group: "example.org", Version: "v1", Resource: "networks"}, subresource: "binding",
			want: errTerminating,
		},
		"what another plugin refuses stays refused": {
			plugin: "ValidatingAdmissionWebhook", resource: networks, subresource: "binding", want: errTerminating,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			decorated := Decorator.Decorate(refusing{admission.NewHandler(admission.Create)}, test.plugin)
			attributes := admission.NewAttributesRecord(nil, nil, schema.GroupVersionKind{}, "ns", "a", test.resource,
				test.subresource, admission.Create, nil, false, nil)
			if got := decorated.(admission.MutationInterface).Admit(t.Context(), attributes, nil); !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
