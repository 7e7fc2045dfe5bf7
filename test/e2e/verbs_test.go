// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

// The verbs of which the tests are made.

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/e2e/cluster"
)

// actor is a user with clients.
type actor struct {
	*cluster.User
	kubernetes kubernetes.Interface
	networks   clientset.NetworkingV1alpha1Interface
}

func newActor(t *testing.T, user *cluster.User) *actor {
	t.Helper()
	core, err := kubernetes.NewForConfig(user.Config)
	if err != nil {
		t.Fatal(err)
	}
	networking, err := versioned.NewForConfig(user.Config)
	if err != nil {
		t.Fatal(err)
	}
	return &actor{User: user, kubernetes: core, networks: networking.NetworkingV1alpha1()}
}

func admin(t *testing.T) *actor { return newActor(t, shared.Admin) }

// tenant makes a user with a ClusterRole in one namespace; with role "" the user may do nothing there.
func tenant(t *testing.T, namespace, role string) *actor {
	t.Helper()
	name := fmt.Sprintf("%s-of-%s", orElse(role, "nobody"), namespace)
	user, err := shared.NewUser(name)
	if err != nil {
		t.Fatal(err)
	}
	a := newActor(t, user)
	if role == "" {
		return a
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	}
	bindings := admin(t).kubernetes.RbacV1().RoleBindings(namespace)
	if _, err := bindings.Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	err = user.WaitUntilAllowed(t.Context(), authorizationv1.ResourceAttributes{
		Namespace: namespace, Verb: "list", Group: v1alpha1.GroupName, Resource: "networks",
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newNamespace makes a namespace for one test.
func newNamespace(t *testing.T) string {
	t.Helper()
	namespaces := admin(t).kubernetes.CoreV1().Namespaces()
	namespace, err := namespaces.Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := namespaces.Delete(ctx, namespace.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("cleaning up: %v", err)
		}
	})
	return namespace.Name
}

// network is a Network that names the given others, each by a peering of the same name. A peer in another namespace is
// written namespace/name, and its peering is called namespace-name.
func network(name string, peers ...string) *v1alpha1.Network {
	n := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, peer := range peers {
		peering := v1alpha1.NetworkPeering{
			Name:       strings.ReplaceAll(peer, "/", "-"),
			NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: peer},
		}
		if namespace, name, ok := strings.Cut(peer, "/"); ok {
			peering.NetworkRef = v1alpha1.NetworkPeeringNetworkRef{Namespace: namespace, Name: name}
		}
		n.Spec.Peerings = append(n.Spec.Peerings, peering)
	}
	return n
}

// unprovided marks a Network that the test provider leaves alone, so that the test can act as the provider.
func unprovided(n *v1alpha1.Network) *v1alpha1.Network {
	n.Annotations = map[string]string{managedByAnnotation: "test"}
	return n
}

func (a *actor) create(t *testing.T, namespace string, n *v1alpha1.Network) *v1alpha1.Network {
	t.Helper()
	created, err := a.networks.Networks(namespace).Create(t.Context(), n, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("creating Network %s/%s: %v", namespace, n.Name, err)
	}
	return created
}

func (a *actor) get(t *testing.T, namespace, name string) *v1alpha1.Network {
	t.Helper()
	n, err := a.networks.Networks(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatalf("getting Network %s/%s: %v", namespace, name, err)
	}
	return n
}

func (a *actor) delete(t *testing.T, namespace, name string) {
	t.Helper()
	if err := a.networks.Networks(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatalf("deleting Network %s/%s: %v", namespace, name, err)
	}
}

// mergePatch sends a JSON merge patch of the Network, or of the given subresource.
func (a *actor) mergePatch(t *testing.T, namespace, name, patch string,
	subresource ...string) (*v1alpha1.Network, error) {
	t.Helper()
	return a.networks.Networks(namespace).Patch(t.Context(), name, types.MergePatchType, []byte(patch),
		metav1.PatchOptions{}, subresource...)
}

// settles waits until the Network is as check wants it: check returns what is wrong, or "".
func (a *actor) settles(t *testing.T, within time.Duration, namespace, name string,
	check func(*v1alpha1.Network) string) *v1alpha1.Network {
	t.Helper()
	var n *v1alpha1.Network
	eventually(t, within, func(ctx context.Context) (err error) {
		if n, err = a.networks.Networks(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if wrong := check(n); wrong != "" {
			return fmt.Errorf("Network %s/%s: %s", namespace, name, wrong)
		}
		return nil
	})
	return n
}

// isGone waits until the Network does not exist.
func (a *actor) isGone(t *testing.T, within time.Duration, namespace, name string) {
	t.Helper()
	eventually(t, within, func(ctx context.Context) error {
		_, err := a.networks.Networks(namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("Network %s/%s is still there (%v)", namespace, name, err)
	})
}

// available is a check for settles.
func available(n *v1alpha1.Network) string {
	if n.Status.State != v1alpha1.NetworkStateAvailable {
		return fmt.Sprintf("state %q", n.Status.State)
	}
	return ""
}

// phase is a check for settles: the first peering is in the given phase for the given reason.
func phase(phase v1alpha1.NetworkPeeringPhase, reason string) func(*v1alpha1.Network) string {
	return func(n *v1alpha1.Network) string {
		if len(n.Status.Peerings) == 0 {
			return "no status.peerings"
		}
		if p := n.Status.Peerings[0]; p.Phase != phase || p.Reason != reason {
			return fmt.Sprintf("peering %s is %s (%s), want %s (%s)", p.Name, p.Phase, p.Reason, phase, reason)
		}
		return ""
	}
}

// bound is a check for settles.
var bound = phase(v1alpha1.NetworkPeeringPhaseBound, v1alpha1.PeeringReasonBound)

// peered makes two Networks that name each other, and waits until they are bound.
func (a *actor) peered(t *testing.T, within time.Duration, namespace, one, other string) {
	t.Helper()
	a.create(t, namespace, network(one, other))
	a.create(t, namespace, network(other, one))
	a.settles(t, within, namespace, one, bound)
	a.settles(t, within, namespace, other, bound)
}

// kubectl runs kubectl as the actor and returns what it printed.
func (a *actor) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return a.kubectlWith(t, "", args...)
}

// kubectlWith runs kubectl with the given standard input.
func (a *actor) kubectlWith(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := shared.Kubectl(t.Context(), a.User, stdin, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// kubectlFails runs kubectl, wants it to fail, and returns what it printed.
func (a *actor) kubectlFails(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := shared.Kubectl(t.Context(), a.User, stdin, args...)
	if err == nil {
		t.Fatalf("kubectl %s succeeded:\n%s", strings.Join(args, " "), out)
	}
	return out
}

func eventually(t *testing.T, within time.Duration, check func(context.Context) error) {
	t.Helper()
	await.Success(t, within, check)
}

// wantForbidden checks that err is a refusal for lack of permission that says all the words.
func wantForbidden(t *testing.T, err error, words ...string) {
	t.Helper()
	if !apierrors.IsForbidden(err) {
		t.Errorf("got %v, want 403 Forbidden", err)
		return
	}
	wantWords(t, err.Error(), words...)
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is missing in:\n%s", word, text)
		}
	}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
