// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package providerid

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"ironcore.dev/networking/internal/apis/networking"
)

// request is a write of team-a/a by alice.
type request struct {
	operation   admission.Operation
	resource    schema.GroupVersionResource
	subresource string
	object, old runtime.Object
}

func (r request) attributes() admission.Attributes {
	var options runtime.Object = &metav1.UpdateOptions{}
	if r.operation == admission.Create {
		options = &metav1.CreateOptions{}
	}
	return admission.NewAttributesRecord(r.object, r.old, networking.SchemeGroupVersion.WithKind("Network"),
		"team-a", "a", r.resource, r.subresource, r.operation, options, false, &user.DefaultInfo{Name: "alice"})
}

func TestWhoMaySetTheProviderID(t *testing.T) {
	const needed = `networks.networking.ironcore.dev "a" is forbidden: setting spec.providerID takes the permission to ` +
		`"update" "networks/status" in API group "networking.ironcore.dev"`
	networks := schema.GroupVersionResource{Group: "networking.ironcore.dev", Version: "v1alpha1", Resource: "networks"}
	others := schema.GroupVersionResource{Group: "core.apinet.ironcore.dev", Version: "v1alpha1", Resource: "networks"}
	network := func(providerID string) *networking.Network {
		return &networking.Network{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"},
			Spec:       networking.NetworkSpec{ProviderID: providerID},
		}
	}
	type answer struct {
		decision authorizer.Decision
		reason   string
		err      error
	}
	allow, deny := answer{decision: authorizer.DecisionAllow}, answer{decision: authorizer.DecisionDeny}
	noOpinion := answer{decision: authorizer.DecisionNoOpinion}

	for sentence, tc := range map[string]struct {
		request request
		answer  answer
		// asks tells whether the authorizer is asked at all.
		asks bool
		want string // the error, empty if admitted
	}{
		"anyone may create a Network without one": {
			request: request{operation: admission.Create, resource: networks, object: network("")},
			answer:  deny,
		},
		"anyone may update a Network without one": {
			request: request{operation: admission.Update, resource: networks, object: network(""), old: network("")},
			answer:  deny,
		},
		"anyone may update a Network that keeps its own": {
			request: request{operation: admission.Update, resource: networks,
				object: network("local://5"), old: network("local://5")},
			answer: deny,
		},
		"taking it away is left to validation, which refuses it": {
			request: request{operation: admission.Update, resource: networks, object: network(""), old: network("local://5")},
			answer:  deny,
		},
		"whoever may update the status may set it": {
			request: request{operation: admission.Update, resource: networks, object: network("local://5"), old: network("")},
			answer:  allow, asks: true,
		},
		"whoever may update the status may create a Network with one": {
			request: request{operation: admission.Create, resource: networks, object: network("local://5")},
			answer:  allow, asks: true,
		},
		"anyone else may not set it, and is told which permission it takes": {
			request: request{operation: admission.Update, resource: networks, object: network("local://5"), old: network("")},
			answer:  deny, asks: true,
			want: needed,
		},
		"anyone else may not create a Network with one": {
			request: request{operation: admission.Create, resource: networks, object: network("local://5")},
			answer:  noOpinion, asks: true,
			want: needed,
		},
		"the authorizer's reason is passed on": {
			request: request{operation: admission.Update, resource: networks, object: network("local://5"), old: network("")},
			answer:  answer{reason: "alice is no provider"}, asks: true,
			want: needed + ": alice is no provider",
		},
		"without an answer nobody may": {
			request: request{operation: admission.Update, resource: networks, object: network("local://5"), old: network("")},
			answer:  answer{err: errors.New("nobody to ask")}, asks: true,
			want: needed + ": nobody to ask",
		},
		"a write of the status cannot set it, and is not asked about": {
			request: request{operation: admission.Update, resource: networks, subresource: "status",
				object: network("local://5"), old: network("")},
			answer: deny,
		},
		"a binding has none": {
			request: request{operation: admission.Create, resource: networks, subresource: "binding",
				object: &networking.NetworkBinding{}},
			answer: deny,
		},
		"networks of another group are not meant": {
			request: request{operation: admission.Create, resource: others, object: network("local://5")},
			answer:  deny,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			var asked []authorizer.AttributesRecord
			plugin := New(authorizer.AuthorizerFunc(
				func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
					asked = append(asked, a.(authorizer.AttributesRecord))
					return tc.answer.decision, tc.answer.reason, tc.answer.err
				}))
			if !plugin.Handles(tc.request.operation) {
				t.Errorf("the plugin does not handle %s", tc.request.operation)
			}
			err := plugin.Validate(t.Context(), tc.request.attributes(), nil)
			switch {
			case tc.want == "":
				if err != nil {
					t.Errorf("got error %v", err)
				}
			case !apierrors.IsForbidden(err) || err.Error() != tc.want:
				t.Errorf("got error %v, want %s", err, tc.want)
			}

			var wantAsked []authorizer.AttributesRecord
			if tc.asks {
				wantAsked = []authorizer.AttributesRecord{{
					User: &user.DefaultInfo{Name: "alice"}, Verb: "update", Namespace: "team-a", Name: "a",
					APIGroup: "networking.ironcore.dev", APIVersion: "v1alpha1", Resource: "networks", Subresource: "status",
					ResourceRequest: true,
				}}
			}
			if diff := cmp.Diff(wantAsked, asked); diff != "" {
				t.Errorf("questions to the authorizer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThePluginNeedsAnAuthorizer(t *testing.T) {
	plugins := admission.NewPlugins()
	Register(plugins)
	nobody := authorizer.AuthorizerFunc(
		func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
			return authorizer.DecisionNoOpinion, "", nil
		})
	if _, err := plugins.InitPlugin("NetworkProviderID", nil,
		initializer.New(nil, nil, nil, nobody, nil, nil, nil, nil)); err != nil {
		t.Errorf("with an authorizer: %v", err)
	}
	_, err := plugins.InitPlugin("NetworkProviderID", nil, admission.PluginInitializers{})
	want := `failed to initialize admission plugin "NetworkProviderID": NetworkProviderID requires an authorizer`
	if err == nil || err.Error() != want {
		t.Errorf("without: got error %v, want %s", err, want)
	}
}

func TestWhoMaySetTheProviderIDOfAnInterface(t *testing.T) {
	resource := schema.GroupVersionResource{Group: "networking.ironcore.dev", Version: "v1alpha1", Resource: "networkinterfaces"}
	nic := func(providerID, machine string) *networking.NetworkInterface {
		nic := &networking.NetworkInterface{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"}}
		nic.Spec.ProviderID = providerID
		if machine != "" {
			nic.Spec.MachineRef = &networking.LocalUIDReference{Name: machine}
		}
		return nic
	}
	for sentence, tc := range map[string]struct {
		object, old *networking.NetworkInterface // old is nil for a create
		asks        bool
	}{
		"a create without one is free":                     {object: nic("", "m")},
		"a create with one takes the permission":           {object: nic("x://1", "m"), asks: true},
		"an update that keeps it is free":                  {object: nic("x://1", "m"), old: nic("x://1", "m")},
		"an update that sets it takes the permission":      {object: nic("x://1", "m"), old: nic("", "m"), asks: true},
		"it ends freely with the Machine":                  {object: nic("", ""), old: nic("x://1", "m")},
		"it does not end freely where there is none":       {object: nic("", ""), old: nic("x://1", ""), asks: true},
		"another one for another Machine takes it as well": {object: nic("x://2", "n"), old: nic("x://1", "m"), asks: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			asked := 0
			plugin := New(authorizer.AuthorizerFunc(
				func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
					asked++
					if a.GetResource() != "networkinterfaces" || a.GetSubresource() != "status" {
						t.Errorf("asked about %s/%s, want networkinterfaces/status", a.GetResource(), a.GetSubresource())
					}
					return authorizer.DecisionNoOpinion, "", nil
				}))
			request := request{operation: admission.Create, resource: resource, object: tc.object}
			if tc.old != nil {
				request.operation, request.old = admission.Update, tc.old
			}
			err := plugin.Validate(t.Context(), request.attributes(), nil)
			if got := apierrors.IsForbidden(err); got != tc.asks || asked > 0 != tc.asks {
				t.Errorf("forbidden: %t, asked %d times, want %t", got, asked, tc.asks)
			}
		})
	}
}
