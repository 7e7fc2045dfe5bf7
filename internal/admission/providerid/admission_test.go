// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package providerid

import (
	"context"
	"errors"
	"strings"
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
	"k8s.io/apiserver/pkg/warning"

	"ironcore.dev/networking/internal/apis/intent"
	"ironcore.dev/networking/internal/apis/networking"
)

// warnings are what a caller is warned of.
type warnings []string

func (w *warnings) AddWarning(_, text string) { *w = append(*w, text) }

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
	const dropped = "spec.providerID: setting it needs permission to update networks/status: kept as stored"
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
		asks    bool
		want    string // the provider ID after admission
		warning string
		fails   bool
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
			want:   "local://5",
		},
		"leaving it out is left to the strategy, which keeps it": {
			request: request{operation: admission.Update, resource: networks, object: network(""), old: network("local://5")},
			answer:  deny,
		},
		"whoever may update the status may set it": {
			request: request{operation: admission.Update, resource: networks, object: network("local://5"), old: network("")},
			answer:  allow, asks: true,
			want: "local://5",
		},
		"whoever may update the status may create a Network with one": {
			request: request{operation: admission.Create, resource: networks, object: network("local://5")},
			answer:  allow, asks: true,
			want: "local://5",
		},
		"what anyone else sets is dropped, and they are told which permission it needs": {
			request: request{operation: admission.Update, resource: networks, object: network("local://5"), old: network("")},
			answer:  deny, asks: true, warning: dropped,
		},
		"what anyone else changes is as stored": {
			request: request{operation: admission.Update, resource: networks, object: network("local://6"), old: network("local://5")},
			answer:  deny, asks: true, warning: dropped, want: "local://5",
		},
		"anyone else creates a Network without one": {
			request: request{operation: admission.Create, resource: networks, object: network("local://5")},
			answer:  noOpinion, asks: true, warning: dropped,
		},
		"without an answer nothing is dropped, and the write is to be tried again": {
			request: request{operation: admission.Update, resource: networks, object: network("local://5"), old: network("")},
			answer:  answer{err: errors.New("nobody to ask")}, asks: true, want: "local://5", fails: true,
		},
		"a write of the status cannot set it, and is not asked about": {
			request: request{operation: admission.Update, resource: networks, subresource: "status",
				object: network("local://5"), old: network("")},
			answer: deny,
			want:   "local://5",
		},
		"a binding has none": {
			request: request{operation: admission.Create, resource: networks, subresource: "binding",
				object: &networking.NetworkBinding{}},
			answer: deny,
		},
		"networks of another group are not meant": {
			request: request{operation: admission.Create, resource: others, object: network("local://5")},
			answer:  deny,
			want:    "local://5",
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
			var heard warnings
			err := plugin.Admit(warning.WithWarningRecorder(t.Context(), &heard), tc.request.attributes(), nil)
			if apierrors.IsServiceUnavailable(err) != tc.fails || err != nil && !tc.fails {
				t.Errorf("got error %v, want one: %t", err, tc.fails)
			}
			if id := providerID(tc.request.object); id != nil && *id != tc.want {
				t.Errorf("the provider ID is %q, want %q", *id, tc.want)
			}
			if got := strings.Join(heard, ", "); got != tc.warning {
				t.Errorf("got warning %q, want %q", got, tc.warning)
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
		clears      bool
		asks        bool
	}{
		"a create without one is free":                     {object: nic("", "m")},
		"a create with one takes the permission":           {object: nic("x://1", "m"), asks: true},
		"an update that keeps it is free":                  {object: nic("x://1", "m"), old: nic("x://1", "m")},
		"an update that leaves it out is free":             {object: nic("", "m"), old: nic("x://1", "m")},
		"an update that sets it takes the permission":      {object: nic("x://1", "m"), old: nic("", "m"), asks: true},
		"it ends freely with the Machine":                  {object: nic("", ""), old: nic("x://1", "m")},
		"to clear it explicitly takes the permission":      {object: nic("", ""), old: nic("x://1", ""), clears: true, asks: true},
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
			ctx, stored := t.Context(), ""
			if tc.clears {
				ctx = intent.With(ctx, intent.Intent{Cleared: []string{"providerID"}})
			}
			if tc.old != nil {
				stored = tc.old.Spec.ProviderID
			}
			if err := plugin.Admit(ctx, request.attributes(), nil); err != nil || asked > 0 != tc.asks {
				t.Errorf("got error %v, asked %d times", err, asked)
			}
			if got := tc.object.Spec.ProviderID; tc.asks && got != stored {
				t.Errorf("the provider ID is %q, want it as stored: %q", got, stored)
			}
		})
	}
}
