// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package providerid

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"ironcore.dev/networking/internal/apis/networking"
)

// BenchmarkAdmit is what the plugin adds to a write, the answer of the authorizer left out.
func BenchmarkAdmit(b *testing.B) {
	networks := networking.SchemeGroupVersion.WithResource("networks")
	network := func(providerID string) *networking.Network {
		return &networking.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"},
			Spec:       networking.NetworkSpec{ProviderID: providerID},
		}
	}
	for _, write := range []struct {
		name    string
		request request
	}{
		{"create without one", request{operation: admission.Create, resource: networks, object: network("")}},
		{"update that keeps it", request{
			operation: admission.Update, resource: networks, object: network("local://5"), old: network("local://5")}},
		{"update that sets it", request{
			operation: admission.Update, resource: networks, object: network("local://5"), old: network("")}},
	} {
		b.Run(write.name, func(b *testing.B) {
			plugin := New(authorizer.AuthorizerFunc(
				func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
					return authorizer.DecisionAllow, "", nil
				}))
			attributes := write.request.attributes()
			b.ReportAllocs()
			for b.Loop() {
				if err := plugin.Admit(b.Context(), attributes, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
