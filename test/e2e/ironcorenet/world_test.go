// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/e2e/cluster"
)

// settleTime is how long a test waits for what should come about by itself.
const settleTime = 20 * time.Second

// world is one network-apiserver with its namespace in the host cluster and its namespace in ironcore-net.
type world struct {
	t        *testing.T
	server   *cluster.Replica
	proxy    *proxy
	kube     kubernetes.Interface
	networks clientset.NetworkInterface            // of the tests' namespace
	all      clientset.NetworkingV1alpha1Interface // of every namespace
	remotes  dynamic.ResourceInterface             // as an administrator, past the proxy
	prefixes dynamic.ResourceInterface             // of the tests' namespace
	// namespace is the tests', and remoteNamespace the one in ironcore-net.
	namespace, remoteNamespace string
	// user is who network-apiserver is in ironcore-net.
	user string
}

// newWorld prepares a world in which nothing has been started yet. Its server is stopped with the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	if w.kube, err = kubernetes.NewForConfig(shared.Admin.Config); err != nil {
		t.Fatal(err)
	}
	w.namespace, w.remoteNamespace = w.newNamespace(), w.newNamespace()
	w.user = "agent-" + w.remoteNamespace
	user, err := shared.NewUser(w.user)
	if err != nil {
		t.Fatal(err)
	}
	w.allow(true)
	w.proxy = newProxy(t, user)

	w.server, err = shared.NewServer("network-apiserver-"+w.namespace,
		"--network-provider=ironcore-net",
		"--ironcore-net-kubeconfig="+w.proxy.Kubeconfig,
		"--ironcore-net-namespace="+w.remoteNamespace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.server.Stop(); err != nil {
			t.Error(err)
		}
	})
	w.connect()
	return w
}

// connect makes the clients.
func (w *world) connect() {
	w.t.Helper()
	direct, err := versioned.NewForConfig(shared.Direct(w.server))
	if err != nil {
		w.t.Fatal(err)
	}
	w.all = direct.NetworkingV1alpha1()
	w.networks = w.all.Networks(w.namespace)
	client, err := dynamic.NewForConfig(shared.Admin.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.remotes = client.Resource(remoteResource).Namespace(w.remoteNamespace)
	w.prefixes = client.Resource(prefixResource).Namespace(w.namespace)
}

// start starts the server.
func (w *world) start() *world {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := w.server.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
	return w
}

func (w *world) newNamespace() string {
	w.t.Helper()
	namespace, err := w.kube.CoreV1().Namespaces().Create(w.t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return namespace.Name
}

// allow gives network-apiserver what it needs in ironcore-net, or takes it away.
func (w *world) allow(allowed bool) {
	w.t.Helper()
	bindings := w.kube.RbacV1().RoleBindings(w.remoteNamespace)
	if !allowed {
		if err := bindings.Delete(w.t.Context(), "agent", metav1.DeleteOptions{}); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "agent"},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{remoteResource.Group}, Resources: []string{remoteResource.Resource},
			Verbs: []string{"get", "list", "watch", "create", "patch", "delete"},
		}},
	}
	_, err := w.kube.RbacV1().Roles(w.remoteNamespace).Create(w.t.Context(), role, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
	if _, err := bindings.Create(w.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "agent"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "agent"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: w.user}},
	}, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// network is one that names peers, each in a peering of the peer's name.
func network(name string, peers ...string) *v1alpha1.Network {
	n := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, peer := range peers {
		n.Spec.Peerings = append(n.Spec.Peerings, v1alpha1.NetworkPeering{
			Name: peer, NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: peer},
		})
	}
	return n
}

func (w *world) create(networks ...*v1alpha1.Network) {
	w.t.Helper()
	for _, n := range networks {
		if _, err := w.networks.Create(w.t.Context(), n, metav1.CreateOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) delete(name string) {
	w.t.Helper()
	if err := w.networks.Delete(w.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) patch(name, patch string, subresource ...string) {
	w.t.Helper()
	if _, err := w.networks.Patch(w.t.Context(), name, types.MergePatchType, []byte(patch),
		metav1.PatchOptions{}, subresource...); err != nil {
		w.t.Fatal(err)
	}
}

// settles waits until the check finds nothing wrong with a Network, and returns that.
func (w *world) settles(name string, check func(*v1alpha1.Network) string) *v1alpha1.Network {
	w.t.Helper()
	var settled *v1alpha1.Network
	w.eventually(func(ctx context.Context) error {
		n, err := w.networks.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if wrong := check(n); wrong != "" {
			return fmt.Errorf("%s: %s; status: %+v", name, wrong, n.Status)
		}
		settled = n
		return nil
	})
	return settled
}

// isGone waits until there is no such Network.
func (w *world) isGone(name string) {
	w.t.Helper()
	w.eventually(func(ctx context.Context) error {
		n, err := w.networks.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("%s is still there (%v): %+v", name, err, n)
	})
}

// eventually waits until the check returns no error.
func (w *world) eventually(check func(context.Context) error) {
	w.t.Helper()
	await.Success(w.t, settleTime, check)
}

// never checks for a while that the check keeps finding nothing wrong.
func (w *world) never(period time.Duration, check func(context.Context) error) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(w.t.Context(), 50*time.Millisecond, period, true,
		func(ctx context.Context) (bool, error) { return false, check(ctx) })
	if !wait.Interrupted(err) {
		w.t.Fatal(err)
	}
}

// available wants a Network that has its place in ironcore-net.
func available(n *v1alpha1.Network) string {
	if n.Status.State != v1alpha1.NetworkStateAvailable || n.Spec.ProviderID == "" {
		return "not available"
	}
	return ""
}

// state wants a state, with a reason in the condition Available.
func state(state v1alpha1.NetworkState, reason string) func(*v1alpha1.Network) string {
	return func(n *v1alpha1.Network) string {
		condition := meta.FindStatusCondition(n.Status.Conditions, v1alpha1.NetworkAvailable)
		switch {
		case n.Status.State != state:
			return fmt.Sprintf("not %s", state)
		case condition == nil || condition.Reason != reason || condition.Message == "":
			return fmt.Sprintf("not for the reason %s with a message", reason)
		case (condition.Status == metav1.ConditionTrue) != (state == v1alpha1.NetworkStateAvailable):
			return "the condition contradicts the state"
		}
		return ""
	}
}

// peering wants a peering in a phase, with a state of the data plane.
func peering(
	name string, phase v1alpha1.NetworkPeeringPhase, state v1alpha1.NetworkPeeringState,
) func(*v1alpha1.Network) string {
	return func(n *v1alpha1.Network) string {
		for _, item := range n.Status.Peerings {
			if item.Name == name && item.Phase == phase && item.State == state {
				return ""
			}
		}
		return fmt.Sprintf("peering %s is not %s and %s", name, phase, state)
	}
}

// id returns the ID in a Network's provider ID.
func (w *world) id(n *v1alpha1.Network) string {
	w.t.Helper()
	parts := strings.Split(n.Spec.ProviderID, "/")
	if len(parts) != 6 || parts[0] != "ironcore-net:" || parts[2] != w.remoteNamespace || parts[3] != string(n.UID) {
		w.t.Fatalf("provider ID %q does not name %s/%s in ironcore-net", n.Spec.ProviderID, w.remoteNamespace, n.UID)
	}
	return parts[4]
}

// remote returns the object of a Network in ironcore-net.
func (w *world) remote(ctx context.Context, n *v1alpha1.Network) (*unstructured.Unstructured, error) {
	return w.remotes.Get(ctx, string(n.UID), metav1.GetOptions{})
}

// remotePeerings returns the peerings of a Network in ironcore-net, as "name id prefix...".
func (w *world) remotePeerings(ctx context.Context, n *v1alpha1.Network) ([]string, error) {
	object, err := w.remote(ctx, n)
	if err != nil {
		return nil, err
	}
	list, _, err := unstructured.NestedSlice(object.Object, "spec", "peerings")
	if err != nil {
		return nil, err
	}
	peerings := []string{}
	for _, item := range list {
		peering := item.(map[string]any)
		words := []string{fmt.Sprint(peering["name"]), fmt.Sprint(peering["id"])}
		prefixes, _ := peering["prefixes"].([]any)
		for _, prefix := range prefixes {
			words = append(words, fmt.Sprint(prefix.(map[string]any)["prefix"]))
		}
		peerings = append(peerings, strings.Join(words, " "))
	}
	return peerings, nil
}

// wantRemotePeerings waits until a Network has exactly these peerings in ironcore-net.
func (w *world) wantRemotePeerings(n *v1alpha1.Network, want ...string) {
	w.t.Helper()
	w.eventually(func(ctx context.Context) error {
		got, err := w.remotePeerings(ctx, n)
		if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
			err = fmt.Errorf("%s has the remote peerings %q, want %q", n.Name, got, want)
		}
		return err
	})
}

// report has nodes report on the peerings of a Network: state by node, for one peer's ID.
func (w *world) report(n *v1alpha1.Network, peerID string, states map[string]string) {
	w.t.Helper()
	var nodes []string
	for node, state := range states {
		nodes = append(nodes, fmt.Sprintf(`%q:[{"id":%s,"state":%q}]`, node, peerID, state))
	}
	patch := fmt.Sprintf(`{"status":{"peerings":{%s}}}`, strings.Join(nodes, ","))
	if _, err := w.remotes.Patch(w.t.Context(), string(n.UID), types.MergePatchType, []byte(patch),
		metav1.PatchOptions{}, "status"); err != nil {
		w.t.Fatal(err)
	}
}

// wantEvent waits for an Event on a Network.
func (w *world) wantEvent(n *v1alpha1.Network, reason string) {
	w.t.Helper()
	w.eventually(func(ctx context.Context) error {
		events, err := w.kube.CoreV1().Events(w.namespace).List(ctx, metav1.ListOptions{
			FieldSelector: "involvedObject.uid=" + string(n.UID) + ",reason=" + reason,
		})
		if err == nil && len(events.Items) == 0 {
			err = fmt.Errorf("no Event %s on %s", reason, n.Name)
		}
		return err
	})
}

// wantMetric waits until failures were counted under a reason.
func (w *world) wantMetric(reason string) {
	w.t.Helper()
	client, err := kubernetes.NewForConfig(shared.Direct(w.server))
	if err != nil {
		w.t.Fatal(err)
	}
	w.eventually(func(ctx context.Context) error {
		metrics, err := client.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
		if err != nil {
			return err
		}
		want := fmt.Sprintf("networking_provider_errors_total{reason=%q}", reason)
		if !strings.Contains(string(metrics), want) {
			return fmt.Errorf("the metrics have no %s", want)
		}
		return nil
	})
}

// patchRemote changes a Network in ironcore-net as somebody else.
func (w *world) patchRemote(n *v1alpha1.Network, patch string) {
	w.t.Helper()
	if _, err := w.remotes.Patch(w.t.Context(), string(n.UID), types.MergePatchType, []byte(patch),
		metav1.PatchOptions{FieldManager: "somebody-else"}); err != nil {
		w.t.Fatal(err)
	}
}

// createRemote creates a Network in ironcore-net that is none of the server's business, and returns its name.
func (w *world) createRemote(name string, labels map[string]string) string {
	w.t.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(remoteResource.GroupVersion().WithKind("Network"))
	object.SetName(name)
	object.SetLabels(labels)
	if _, err := w.remotes.Create(w.t.Context(), object, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	return name
}

// watchRemotes tells of what happens to the remote objects from now on.
func (w *world) watchRemotes() watch.Interface {
	w.t.Helper()
	list, err := w.remotes.List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	events, err := w.remotes.Watch(w.t.Context(), metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(events.Stop)
	return events
}

func (w *world) deleteRemote(n *v1alpha1.Network) {
	w.t.Helper()
	if err := w.remotes.Delete(w.t.Context(), string(n.UID), metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// wantNoRemote complains as long as there is something of a Network in ironcore-net.
func (w *world) wantNoRemote(ctx context.Context, n *v1alpha1.Network) error {
	_, err := w.remote(ctx, n)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%s is still in ironcore-net", n.Name)
}

func (w *world) patchIgnoringGone(name, patch string) {
	w.t.Helper()
	_, err := w.networks.Patch(w.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.t.Fatal(err)
	}
}

// in returns the same world for a subtest.
func (w *world) in(t *testing.T) *world {
	same := *w
	same.t = t
	return &same
}

func (w *world) restart() { w.restartWithout(nil) }

// restartWithout stops the server, and does something, if any, while it serves without
// controllers; then it starts it again.
func (w *world) restartWithout(do func()) {
	w.t.Helper()
	if err := w.server.Stop(); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if do != nil {
		idle := *w.server
		idle.AddFlags("--controllers=-network,-peering,-release")
		if err := idle.Start(ctx); err != nil {
			w.t.Fatal(err)
		}
		do()
		if err := idle.Stop(); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.server.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// refuse has the host cluster's admission refuse writes of a resource in the tests' namespace that an expression is true of.
func (w *world) refuse(resource, expression string) {
	w.t.Helper()
	policies := w.kube.AdmissionregistrationV1()
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "refuse-" + w.namespace},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
					RuleWithOperations: admissionregistrationv1.RuleWithOperations{
						Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.OperationAll},
						Rule: admissionregistrationv1.Rule{
							APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: []string{resource},
						},
					},
				}},
			},
			Validations: []admissionregistrationv1.Validation{{
				Expression: fmt.Sprintf("request.namespace != '%s' || !(%s)", w.namespace, expression),
			}},
		},
	}
	if _, err := policies.ValidatingAdmissionPolicies().Create(w.t.Context(), policy, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = policies.ValidatingAdmissionPolicies().Delete(context.Background(), policy.Name, metav1.DeleteOptions{})
	})
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: policy.ObjectMeta,
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName:        policy.Name,
			ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}
	if _, err := policies.ValidatingAdmissionPolicyBindings().Create(w.t.Context(), binding, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = policies.ValidatingAdmissionPolicyBindings().Delete(context.Background(), binding.Name, metav1.DeleteOptions{})
	})
}
