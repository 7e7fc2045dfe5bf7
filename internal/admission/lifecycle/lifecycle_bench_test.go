// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	namespacelifecycle "k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// BenchmarkAdmit is what the decoration adds to a write.
func BenchmarkAdmit(b *testing.B) {
	for _, write := range []struct {
		name, subresource string
		want              error
	}{
		{"binding, exempt", "binding", nil},
		{"create, passed on", "", errTerminating},
	} {
		b.Run(write.name, func(b *testing.B) {
			decorated := Decorator.Decorate(refusing{admission.NewHandler(admission.Create)}, namespacelifecycle.PluginName)
			plugin := decorated.(admission.MutationInterface)
			attributes := admission.NewAttributesRecord(nil, nil, schema.GroupVersionKind{}, "ns", "a",
				v1alpha1.SchemeGroupVersion.WithResource("networks"), write.subresource, admission.Create, nil, false, nil)
			b.ReportAllocs()
			for b.Loop() {
				if err := plugin.Admit(b.Context(), attributes, nil); !errors.Is(err, write.want) {
					b.Fatalf("got %v, want %v", err, write.want)
				}
			}
		})
	}
}
