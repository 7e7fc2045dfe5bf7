// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	apiserver "ironcore.dev/networking/internal/server"
	apply "ironcore.dev/networking/pkg/client/applyconfiguration/networking/v1alpha1"
	"ironcore.dev/networking/test/process"
	"ironcore.dev/networking/test/standalone"
)

// The users of the server below. A provider has its permissions in one namespace alone.
const (
	owner           = "owner"
	provider        = "provider"
	providerInOther = "provider-in-other"
)

// grants stands for the roles of a cluster.
func grants(_ context.Context, request authorizer.Attributes) (authorizer.Decision, string, error) {
	user, resource := request.GetUser().GetName(), request.GetResource()
	if subresource := request.GetSubresource(); subresource != "" {
		resource += "/" + subresource
	}
	switch {
	case request.GetAPIGroup() != v1alpha1.GroupName:
	case resource == "networks" && (user == owner || user == provider || user == providerInOther),
		resource == "networks/status" && user == provider,
		resource == "networks/status" && user == providerInOther && request.GetNamespace() == "other":
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// serverWithUsers runs the server in this process, because the roles of a real one are in its host cluster. Its
// administrator may act as any user.
func serverWithUsers(t *testing.T) *rest.Config {
	t.Helper()
	options := apiserver.NewOptions()
	options.Standalone = true
	options.DataDir = filepath.Join(t.TempDir(), "data")
	options.NetworkProvider = "external"
	options.Recommended.SecureServing.BindAddress = net.IPv4(127, 0, 0, 1)
	options.Recommended.SecureServing.BindPort = process.FreePort()
	if err := options.Complete(func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	config, err := apiserver.NewConfig(options)
	if err != nil {
		t.Fatal(err)
	}
	roles, err := union.New(
		union.NamedAuthorizer{AuthorizerName: "standalone", Authorizer: config.Generic.Authorization.Authorizer},
		union.NamedAuthorizer{AuthorizerName: "grants", Authorizer: authorizer.AuthorizerFunc(grants)},
	)
	if err != nil {
		t.Fatal(err)
	}
	config.Generic.Authorization.Authorizer = roles
	running, err := apiserver.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(context.Background())
	ready, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx, out) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
		running.Close()
	})
	said := make(chan error, 1)
	go func() {
		_, err := ready.Read(make([]byte, 1))
		said <- err
		_, _ = io.Copy(io.Discard, ready)
	}()
	select {
	case err := <-said:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatalf("the server was not ready after %s", patience)
	}
	return (&server{&standalone.Server{Kubeconfig: filepath.Join(options.DataDir, "admin.kubeconfig")}}).config(t)
}

func TestPermissionsDecideWhoWritesWhat(t *testing.T) {
	t.Parallel()
	config := serverWithUsers(t)
	as := func(user, name string) namespace {
		config := rest.CopyConfig(config)
		config.Impersonate.UserName = user
		return namespace{name: name, networks: newClient(t, config).Networks(name)}
	}
	admin := namespace{name: "tenant", networks: newClient(t, config).Networks("tenant")}

	withID := newNetwork("with-id")
	withID.Spec.ProviderID = "example://1"
	setID := encode(t, object{"spec": object{"providerID": "example://1"}})

	t.Run("of who may not write the status, spec.providerID is dropped with a warning", func(t *testing.T) {
		admin.create(t, newNetwork("a"))
		for _, user := range []string{owner, providerInOther} {
			warned := &warnings{}
			own := rest.CopyConfig(config)
			own.Impersonate.UserName, own.WarningHandlerWithContext = user, warned
			n := newClient(t, own).Networks("tenant")
			expect := func(form string, network *v1alpha1.Network, err error) {
				t.Helper()
				if err != nil {
					t.Fatalf("%s by %s: %v", form, user, err)
				}
				if network.Spec.ProviderID != "" {
					t.Errorf("%s by %s set spec.providerID to %q", form, user, network.Spec.ProviderID)
				}
				if got := warned.take(); len(got) != 1 || !strings.Contains(got[0], "spec.providerID") {
					t.Errorf("%s by %s: warned %q, want one warning that names spec.providerID", form, user, got)
				}
			}
			created := func(name string) *v1alpha1.Network {
				network := newNetwork(name)
				network.Spec.ProviderID = "example://1"
				return network
			}
			network, err := n.Create(t.Context(), created("by-"+user), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			expect("dry run", network, err)
			network, err = n.Create(t.Context(), created("by-"+user), metav1.CreateOptions{})
			expect("create", network, err)
			network = admin.get(t, "a")
			network.Spec.ProviderID = "example://1"
			network, err = n.Update(t.Context(), network, metav1.UpdateOptions{})
			expect("update", network, err)
			network, err = n.Patch(t.Context(), "a", types.MergePatchType, setID, metav1.PatchOptions{})
			expect("JSON merge patch", network, err)
			for _, name := range []string{"a", "applied-by-" + user} {
				network, err = n.Apply(t.Context(), apply.Network(name, "tenant").
					WithSpec(apply.NetworkSpec().WithProviderID("example://1")), metav1.ApplyOptions{FieldManager: "applier"})
				expect("apply of "+name, network, err)
			}
		}
	})
	t.Run("a provider sets spec.providerID, once", func(t *testing.T) {
		network := as(provider, "tenant").mergePatch(t, "a", object{"spec": object{"providerID": "example://1"}})
		if network.Spec.ProviderID != "example://1" {
			t.Errorf("spec.providerID is %q", network.Spec.ProviderID)
		}
		_, err := as(provider, "tenant").networks.Patch(t.Context(), "a", types.MergePatchType,
			encode(t, object{"spec": object{"providerID": "example://2"}}), metav1.PatchOptions{})
		if !apierrors.IsInvalid(err) {
			t.Errorf("changing it: got %v, want 422", err)
		}
		if created := as(provider, "tenant").create(t, withID); created.Spec.ProviderID != "example://1" {
			t.Errorf("spec.providerID of a new Network is %q", created.Spec.ProviderID)
		}
	})
	t.Run("a permission counts in its namespace", func(t *testing.T) {
		as(providerInOther, "other").create(t, withID)
	})
	t.Run("once it is set, the owner goes on writing the rest", func(t *testing.T) {
		network := as(owner, "tenant").update(t, "a", func(network *v1alpha1.Network) {
			network.Spec.Peerings = []v1alpha1.NetworkPeering{to("b")}
		})
		if network.Spec.ProviderID != "example://1" || network.Generation != 2 {
			t.Errorf("spec.providerID is %q, generation %d", network.Spec.ProviderID, network.Generation)
		}
	})
	t.Run("the status is the provider's", func(t *testing.T) {
		available := object{"status": object{"state": "Available"}}
		_, err := as(owner, "tenant").networks.Patch(t.Context(), "a", types.MergePatchType, encode(t, available),
			metav1.PatchOptions{}, "status")
		if !apierrors.IsForbidden(err) {
			t.Errorf("by the owner: got %v, want 403", err)
		}
		as(provider, "tenant").mergePatch(t, "a", available, "status")
	})
	t.Run("the binding is the controllers'", func(t *testing.T) {
		network := admin.get(t, "a")
		for _, user := range []string{owner, provider} {
			if _, err := as(user, "tenant").bind(t, "a", binding(network, nil)); !apierrors.IsForbidden(err) {
				t.Errorf("by %s: got %v, want 403", user, err)
			}
		}
	})
	t.Run("forged claims by whoever has every permission are not stored either", func(t *testing.T) {
		network := admin.mergePatch(t, "a", object{"spec": object{"incomingPeerings": []object{
			{"namespace": "tenant", "name": "b", "uid": strangerUID}}}})
		checkClaims(t, network)
	})
}
