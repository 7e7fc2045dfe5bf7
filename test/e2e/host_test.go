// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/client-go/dynamic"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// TestHostCluster is about what a Kubernetes cluster does for every resource, and must do for Networks too. Much of it
// is waiting, so all of it goes on at the same time.
func TestHostCluster(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"a namespace that is deleted takes all kinds with it": namespaceDeletion,
		"a namespace that does not exist is refused":          missingNamespace,
		"a validating webhook refuses":                        validatingWebhook,
		"a mutating webhook changes":                          mutatingWebhook,
		"a ValidatingAdmissionPolicy refuses":                 validatingPolicy,
		"a MutatingAdmissionPolicy changes":                   mutatingPolicy,
		"a quota refuses one more, of every kind":             quota,
		"owners take every kind with them":                    garbageCollection,
		"the audit log tells who did what":                    auditLog,
		"etcd holds every kind encrypted":                     encryption,
		"a watch goes on for longer than a minute":            longWatch,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// groupKinds are all kinds of the group, each with what makes an object of it.
var groupKinds = map[string]struct{ kind, content string }{
	"networks":          {"Network", `"spec":{}`},
	"networkinterfaces": {"NetworkInterface", `"spec":{"networkRef":{"name":"one"},"ips":[{"value":"10.0.0.1"}]}`},
	"loadbalancers": {"LoadBalancer", `"spec":{"type":"Public","ipFamilies":["IPv4"],"networkRef":{"name":"one"},
		"networkInterfaceSelector":{}}`},
	"loadbalancerroutings": {"LoadBalancerRouting", `"networkRef":{"name":"one","uid":""},"destinations":[]`},
	"natgateways":          {"NATGateway", `"spec":{"type":"Public","ipFamily":"IPv4","networkRef":{"name":"one"}}`},
	"networkpolicies":      {"NetworkPolicy", `"spec":{"networkRef":{"name":"one"},"policyTypes":["Ingress"]}`},
	"virtualips":           {"VirtualIP", `"spec":{"type":"Public","ipFamily":"IPv4"}`},
}

// ofKind returns the objects of a kind in a namespace, and one to create there.
func ofKind(t *testing.T, namespace, plural, name string, owners ...metav1.OwnerReference) (dynamic.ResourceInterface, *unstructured.Unstructured) {
	t.Helper()
	client, err := dynamic.NewForConfig(shared.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q,%s}`,
		v1alpha1.SchemeGroupVersion, groupKinds[plural].kind, groupKinds[plural].content), &object.Object); err != nil {
		t.Fatal(err)
	}
	object.SetName(name)
	object.SetOwnerReferences(owners)
	return client.Resource(v1alpha1.SchemeGroupVersion.WithResource(plural)).Namespace(namespace), object
}

// createKind creates an object of a kind.
func createKind(t *testing.T, namespace, plural, name string, owners ...metav1.OwnerReference) *unstructured.Unstructured {
	t.Helper()
	objects, object := ofKind(t, namespace, plural, name, owners...)
	created, err := objects.Create(t.Context(), object, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("creating %s %s: %v", plural, name, err)
	}
	return created
}

func namespaceDeletion(t *testing.T) {
	root := admin(t)
	namespace := newNamespace(t)
	root.peered(t, 30*time.Second, namespace, "one", "other")
	for plural := range groupKinds {
		createKind(t, namespace, plural, "one-of-"+plural)
	}
	namespaces := root.kubernetes.CoreV1().Namespaces()
	if err := namespaces.Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	namespaceIsGone(t, 90*time.Second, namespace)
	for plural := range groupKinds {
		objects, _ := ofKind(t, namespace, plural, "")
		if left, err := objects.List(t.Context(), metav1.ListOptions{}); err != nil || len(left.Items) > 0 {
			t.Errorf("%s are left: %v (%v)", plural, left, err)
		}
	}
}

// namespaceIsGone waits for that, and tells the namespace's conditions if it takes too long.
func namespaceIsGone(t *testing.T, within time.Duration, name string) {
	t.Helper()
	eventually(t, within, func(ctx context.Context) error {
		namespace, err := admin(t).kubernetes.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("namespace %s is still there: %+v", name, namespace.Status)
	})
}

func missingNamespace(t *testing.T) {
	_, err := admin(t).networks.Networks("e2e-missing").Create(t.Context(), network("any"), metav1.CreateOptions{})
	if !apierrors.IsNotFound(err) {
		t.Fatalf("got %v, want 404 Not Found", err)
	}
	wantWords(t, err.Error(), `namespaces "e2e-missing" not found`)
}

// webhook serves reviews by answer on 127.0.0.1, and returns its URL and its certificate in the form that a webhook
// configuration wants.
func webhook(t *testing.T,
	answer func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse) (url, caBundle string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		review := &admissionv1.AdmissionReview{}
		if err := json.NewDecoder(r.Body).Decode(review); err != nil || review.Request == nil {
			http.Error(w, "not an AdmissionReview", http.StatusBadRequest)
			return
		}
		review.Response = answer(review.Request)
		review.Response.UID = review.Request.UID
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return server.URL, base64.StdEncoding.EncodeToString(ca)
}

// configure applies cluster-wide configuration for the length of a test.
func configure(t *testing.T, manifest string) {
	t.Helper()
	root := admin(t)
	root.kubectlWith(t, manifest, "apply", "-f", "-")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if out, err := shared.Kubectl(ctx, root.User, manifest, "delete", "-f", "-", "--ignore-not-found"); err != nil {
			t.Errorf("cleaning up: %v\n%s", err, out)
		}
	})
}

// isRefused waits until creating a Network is refused with the words: configuration takes a moment to arrive.
func isRefused(t *testing.T, namespace string, n *v1alpha1.Network, words ...string) {
	t.Helper()
	networks := admin(t).networks.Networks(namespace)
	eventually(t, 30*time.Second, func(ctx context.Context) error {
		_, err := networks.Create(ctx, n, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil {
			return errors.New("the Network is admitted")
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				return fmt.Errorf("%q is missing in: %w", word, err)
			}
		}
		return nil
	})
}

// isLabelled waits until a created Network comes back with a label.
func isLabelled(t *testing.T, namespace, label string) {
	t.Helper()
	networks := admin(t).networks.Networks(namespace)
	eventually(t, 30*time.Second, func(ctx context.Context) error {
		n, err := networks.Create(ctx, network("any"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && n.Labels[label] != "yes" {
			err = fmt.Errorf("the labels are %v", n.Labels)
		}
		return err
	})
}

const webhookManifest = `
apiVersion: admissionregistration.k8s.io/v1
kind: %[1]sWebhookConfiguration
metadata: {name: %[2]s}
webhooks:
- name: networks.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {url: %[3]q, caBundle: %[4]s}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[2]s}}
  rules:
  - {apiGroups: [networking.ironcore.dev], apiVersions: [v1alpha1], resources: [networks], operations: [CREATE]}
`

func validatingWebhook(t *testing.T) {
	namespace := newNamespace(t)
	url, ca := webhook(t, func(request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		return &admissionv1.AdmissionResponse{
			Allowed: request.Name != "refused",
			Result:  &metav1.Status{Message: "the webhook says no to " + request.Name},
		}
	})
	configure(t, fmt.Sprintf(webhookManifest, "Validating", namespace, url, ca))
	isRefused(t, namespace, network("refused"), `admission webhook "networks.example.com" denied the request`,
		"the webhook says no to refused")
	admin(t).create(t, namespace, network("welcome"))
}

func mutatingWebhook(t *testing.T) {
	namespace := newNamespace(t)
	url, ca := webhook(t, func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		jsonPatch := admissionv1.PatchTypeJSONPatch
		return &admissionv1.AdmissionResponse{
			Allowed:   true,
			PatchType: &jsonPatch,
			Patch:     []byte(`[{"op":"add","path":"/metadata/labels","value":{"webhook":"yes"}}]`),
		}
	})
	configure(t, fmt.Sprintf(webhookManifest, "Mutating", namespace, url, ca))
	isLabelled(t, namespace, "webhook")
}

const policyManifest = `
apiVersion: admissionregistration.k8s.io/v1
kind: %[1]sAdmissionPolicy
metadata: {name: %[2]s}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[2]s}}
    resourceRules:
    - {apiGroups: [networking.ironcore.dev], apiVersions: [v1alpha1], resources: [networks], operations: [CREATE]}
%[3]s
---
apiVersion: admissionregistration.k8s.io/v1
kind: %[1]sAdmissionPolicyBinding
metadata: {name: %[2]s}
spec: {policyName: %[2]s%[4]s}
`

func validatingPolicy(t *testing.T) {
	namespace := newNamespace(t)
	configure(t, fmt.Sprintf(policyManifest, "Validating", namespace, `
  validations:
  - expression: "!has(object.spec.peerings) || object.spec.peerings.all(p, !has(p.networkRef.namespace))"
    message: no peerings across namespaces here
`, ", validationActions: [Deny]"))
	isRefused(t, namespace, network("refused", "default/other"), "no peerings across namespaces here")
	admin(t).create(t, namespace, network("welcome", "other"))
}

func mutatingPolicy(t *testing.T) {
	namespace := newNamespace(t)
	configure(t, fmt.Sprintf(policyManifest, "Mutating", namespace, `
  reinvocationPolicy: Never
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration: {expression: 'Object{metadata: Object.metadata{labels: {"policy": "yes"}}}'}
`, ""))
	isLabelled(t, namespace, "policy")
}

func quota(t *testing.T) {
	namespace := newNamespace(t)
	quotas := admin(t).kubernetes.CoreV1().ResourceQuotas(namespace)
	hard := corev1.ResourceList{}
	counted := func(plural string) corev1.ResourceName {
		return corev1.ResourceName("count/" + plural + ".networking.ironcore.dev")
	}
	for plural := range groupKinds {
		hard[counted(plural)] = resource.MustParse("2")
	}
	_, err := quotas.Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "group"}, Spec: corev1.ResourceQuotaSpec{Hard: hard},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	uses := func(plural, want string) {
		t.Helper()
		// The quota controller takes up to half a minute to learn of a new API.
		eventually(t, 90*time.Second, func(ctx context.Context) error {
			quota, err := quotas.Get(ctx, "group", metav1.GetOptions{})
			if err != nil {
				return err
			}
			if used, ok := quota.Status.Used[counted(plural)]; !ok || used.String() != want {
				return fmt.Errorf("the quota says %s of %s are used, want %s; written by %v", used.String(), plural, want, quota.ManagedFields)
			}
			return nil
		})
	}
	for plural := range groupKinds {
		uses(plural, "0")
	}
	for plural := range groupKinds {
		createKind(t, namespace, plural, "first")
		createKind(t, namespace, plural, "second")
		uses(plural, "2")
		objects, third := ofKind(t, namespace, plural, "third")
		_, err = objects.Create(t.Context(), third, metav1.CreateOptions{})
		count := string(counted(plural))
		wantForbidden(t, err, "exceeded quota: group", "used: "+count+"=2", "limited: "+count+"=2")

		if err := objects.Delete(t.Context(), "first", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		uses(plural, "1")
		// The server hears of the new count a moment after us.
		eventually(t, 15*time.Second, func(ctx context.Context) error {
			_, err := objects.Create(ctx, third, metav1.CreateOptions{})
			return err
		})
	}
}

func garbageCollection(t *testing.T) {
	namespace := newNamespace(t)
	maps := admin(t).kubernetes.CoreV1().ConfigMaps(namespace)
	owner, err := maps.Create(t.Context(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for plural, of := range groupKinds {
		owned := createKind(t, namespace, plural, "owned", metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID})
		dependent := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: "dependent-on-" + plural,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: of.kind, Name: owned.GetName(), UID: owned.GetUID()}},
		}}
		if _, err := maps.Create(t.Context(), dependent, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := maps.Delete(t.Context(), "owner", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for plural := range groupKinds {
		objects, _ := ofKind(t, namespace, plural, "")
		// The garbage collector takes up to half a minute to learn of a new API.
		eventually(t, 90*time.Second, func(ctx context.Context) error {
			if _, err := objects.Get(ctx, "owned", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("%s owned is still there (%v)", plural, err)
			}
			return nil
		})
		eventually(t, 60*time.Second, func(ctx context.Context) error {
			_, err := maps.Get(ctx, "dependent-on-"+plural, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return fmt.Errorf("the ConfigMap that one of %s owned is still there (%v)", plural, err)
		})
	}
}

func auditLog(t *testing.T) {
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")
	user.create(t, namespace, network("audited"))
	user.delete(t, namespace, "audited")
	name := user.kubectl(t, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	for _, verb := range []string{"create", "delete"} {
		eventually(t, 15*time.Second, func(context.Context) error {
			for _, replica := range shared.Replicas {
				event, err := findAuditEvent(replica.AuditLog, func(e *auditv1.Event) bool {
					return e.Verb == verb && e.User.Username == name && e.ObjectRef != nil &&
						e.ObjectRef.Resource == "networks" && e.ObjectRef.Namespace == namespace
				})
				if event != nil || err != nil {
					return err
				}
			}
			return fmt.Errorf("no audit log holds the %s by %s", verb, name)
		})
	}
}

// findAuditEvent returns the first event in the file that matches, or nil.
func findAuditEvent(path string, matches func(*auditv1.Event) bool) (*auditv1.Event, error) {
	for event, err := range auditEvents(path) {
		if err != nil || matches(event) {
			return event, err
		}
	}
	return nil, nil
}

// auditEvents reads the file.
func auditEvents(path string) iter.Seq2[*auditv1.Event, error] {
	return func(yield func(*auditv1.Event, error) bool) {
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return // A server that was asked nothing yet has no log.
		}
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close()
		for lines := bufio.NewReader(file); ; {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return // The last line may be half written.
			}
			event := &auditv1.Event{}
			if err := json.Unmarshal(line, event); err != nil {
				yield(nil, fmt.Errorf("%s: %w in %s", path, err, line))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

func encryption(t *testing.T) {
	namespace := newNamespace(t)
	admin(t).create(t, namespace, network("secretive", "a-peer-nobody-should-read-of"))
	for plural := range groupKinds {
		if plural != "networks" {
			createKind(t, namespace, plural, "secretive")
		}
	}
	client, err := shared.Etcd.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answer, err := client.Get(t.Context(), "/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	encrypted := 0
	for _, kv := range answer.Kvs {
		if !strings.HasSuffix(string(kv.Key), "/"+namespace+"/secretive") {
			continue
		}
		if !bytes.HasPrefix(kv.Value, []byte("k8s:enc:secretbox:v1:e2e:")) || bytes.Contains(kv.Value, []byte("a-peer")) {
			t.Errorf("%s is stored as %q", kv.Key, kv.Value)
		}
		encrypted++
	}
	if encrypted != len(groupKinds) {
		t.Errorf("etcd has %d such keys, want one of each of %d kinds", encrypted, len(groupKinds))
	}
}

func longWatch(t *testing.T) {
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")
	list, err := user.networks.Networks(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := user.networks.Networks(namespace).Watch(t.Context(),
		metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	select {
	case event, open := <-events.ResultChan():
		t.Fatalf("in the silence came %+v (open: %t)", event, open)
	case <-time.After(65 * time.Second):
	}
	user.create(t, namespace, network("late"))
	select {
	case event := <-events.ResultChan():
		if n, ok := event.Object.(*v1alpha1.Network); event.Type != watch.Added || !ok || n.Name != "late" {
			t.Errorf("after a minute the watch tells %+v, want the new Network", event)
		}
	case <-time.After(10 * time.Second):
		t.Error("after a minute the watch tells nothing of the new Network")
	}
}
