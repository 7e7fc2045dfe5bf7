// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
)

// TestAnOutsideAgent makes, one by one, the writes of ironcore-net's own agent, as somebody with the role that is
// offered to providers and nothing else: JSON merge patches without resourceVersion, in ignorance of phases.
func TestAnOutsideAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, err := shared.NewServer("external-"+w.namespace, "--network-provider=external")
	if err != nil {
		t.Fatal(err)
	}
	w.server = server
	w.connect()
	w.start()
	agent := w.agent()
	w.create(network("a", "b"), network("b", "a"))

	patch := func(name, patch string, subresource ...string) *v1alpha1.Network {
		t.Helper()
		n, err := agent.NetworkingV1alpha1().Networks(w.namespace).Patch(t.Context(), name, types.MergePatchType,
			[]byte(patch), metav1.PatchOptions{}, subresource...)
		if err != nil {
			t.Fatalf("%s: %v", patch, err)
		}
		return n
	}
	status := `{"status":{"state":"Available","peerings":[{"name":%q,"state":%q}]}}`
	for name, peer := range map[string]string{"a": "b", "b": "a"} {
		n := patch(name, `{"metadata":{"finalizers":["apinet.ironcore.dev/network"]}}`)
		providerID := fmt.Sprintf("ironcore-net://net/%s/1234/00000000-0000-0000-0000-00000000000%d", n.UID, len(name))
		if n = patch(name, fmt.Sprintf(`{"spec":{"providerID":%q}}`, providerID)); n.Spec.ProviderID != providerID {
			t.Fatalf("the provider ID is %q", n.Spec.ProviderID)
		}
		if n = patch(name, fmt.Sprintf(status, peer, "Pending"), "status"); available(n) != "" {
			t.Fatalf("it is not available: %+v", n.Status)
		}
	}
	w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStatePending))
	w.settles("b", peering("a", bound, v1alpha1.NetworkPeeringStatePending))
	patch("a", fmt.Sprintf(status, "b", "Ready"), "status")
	// A write that leaves the list out erases nothing.
	patch("a", `{"status":{"state":"Available"}}`, "status")
	n := w.settles("a", peering("b", bound, v1alpha1.NetworkPeeringStateReady))

	t.Run("repeats itself", func(t *testing.T) {
		for range 3 {
			for _, again := range []*v1alpha1.Network{
				patch("a", `{"metadata":{"finalizers":["apinet.ironcore.dev/network"]}}`),
				patch("a", fmt.Sprintf(`{"spec":{"providerID":%q}}`, n.Spec.ProviderID)),
				patch("a", fmt.Sprintf(status, "b", "Ready"), "status"),
			} {
				if again.ResourceVersion != n.ResourceVersion {
					t.Fatalf("version %s became %s", n.ResourceVersion, again.ResourceVersion)
				}
			}
		}
		w.in(t).never(2*time.Second, func(ctx context.Context) error {
			again, err := w.networks.Get(ctx, "a", metav1.GetOptions{})
			if err == nil && again.ResourceVersion != n.ResourceVersion {
				err = fmt.Errorf("version %s became %s", n.ResourceVersion, again.ResourceVersion)
			}
			return err
		})
	})
	t.Run("takes its time with a deletion", func(t *testing.T) {
		w := w.in(t)
		w.delete("a")
		w.settles("b", peering("a", pending, "")) // What was reported ended with the binding.
		w.never(time.Second, func(ctx context.Context) error {
			_, err := w.networks.Get(ctx, "a", metav1.GetOptions{})
			return err
		})
		patch("a", `{"metadata":{"finalizers":null}}`)
		w.isGone("a")
	})
}

// agent is somebody with the role that the manifests offer to providers.
func (w *world) agent() *versioned.Clientset {
	w.t.Helper()
	file, err := os.Open("../../../deploy/kustomize/base/clusterroles.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	const name = "networking.ironcore.dev:provider"
	for decoder := utilyaml.NewYAMLOrJSONDecoder(file, 1<<10); ; {
		role := &rbacv1.ClusterRole{}
		if err := decoder.Decode(role); err != nil {
			w.t.Fatalf("looking for the ClusterRole %s: %v", name, err)
		}
		if role.Name == name {
			if _, err := w.kube.RbacV1().ClusterRoles().Create(w.t.Context(), role, metav1.CreateOptions{}); err != nil {
				w.t.Fatal(err)
			}
			break
		}
	}
	user, err := shared.NewUser("outside-agent")
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.kube.RbacV1().ClusterRoleBindings().Create(w.t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "outside-agent"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "outside-agent"}},
	}, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	err = user.WaitUntilAllowed(w.t.Context(), authorizationv1.ResourceAttributes{
		Namespace: w.namespace, Verb: "list", Group: v1alpha1.GroupName, Resource: "networks",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	client, err := versioned.NewForConfig(shared.DirectAs(user, w.server).Config)
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}
