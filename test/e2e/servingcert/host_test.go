// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/utils/clock"

	"ironcore.dev/networking/internal/server/servingcert"
)

const secretName = "serving-cert"

// host is what one test has of the host cluster: a namespace with a Service, an API group to register, and the user
// that the replicas are.
type host struct {
	t          *testing.T
	ctx        context.Context
	namespace  string
	apiService string
	listener   net.Listener
	admin      *kubernetes.Clientset
	dynamic    *dynamic.DynamicClient
	apis       dynamic.ResourceInterface
	replica    *rest.Config
}

// newHost gives the replicas the permissions that they ask for in deploy, less the ones named as "resource:verb".
func newHost(t *testing.T, name string, missing ...string) *host {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	user, err := shared.NewUser("replica-of-" + name)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{
		t: t, ctx: t.Context(), namespace: name, apiService: "v1." + name + ".example.com",
		listener: listener, replica: user.Config,
	}
	if h.admin, err = kubernetes.NewForConfig(shared.Admin.Config); err != nil {
		t.Fatal(err)
	}
	if h.dynamic, err = dynamic.NewForConfig(shared.Admin.Config); err != nil {
		t.Fatal(err)
	}
	h.apis = h.dynamic.Resource(schema.GroupVersionResource{
		Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices",
	})
	verbs := func(resource string, all ...string) string {
		return strings.Join(slices.DeleteFunc(all, func(verb string) bool {
			return slices.Contains(missing, resource+":"+verb)
		}), ", ")
	}
	h.apply(fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: %[1]s}
spec: {type: ExternalName, externalName: localhost}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: serving-cert, namespace: %[1]s}
rules:
- {apiGroups: [""], resources: [secrets], resourceNames: [serving-cert], verbs: [%[3]s]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: serving-cert, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: serving-cert}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: replica-of-%[1]s}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: serving-cert-%[1]s}
rules:
- {apiGroups: [apiregistration.k8s.io], resources: [apiservices], resourceNames: [%[2]s], verbs: [%[4]s]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: serving-cert-%[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: serving-cert-%[1]s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: replica-of-%[1]s}]
`, name, h.apiService,
		verbs("secrets", "get", "list", "watch", "create", "update", "patch"),
		verbs("apiservices", "get", "list", "watch", "patch")))
	err = user.WaitUntilAllowed(h.ctx,
		authorizationv1.ResourceAttributes{Namespace: name, Verb: "watch", Resource: "secrets", Name: secretName},
		authorizationv1.ResourceAttributes{
			Verb: "watch", Group: "apiregistration.k8s.io", Resource: "apiservices", Name: h.apiService,
		})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// apply makes what a manifest says.
func (h *host) apply(manifest string) {
	h.t.Helper()
	documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), len(manifest))
	for {
		var object unstructured.Unstructured
		err := documents.Decode(&object)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			h.t.Fatal(err)
		}
		resource, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
		_, err = h.dynamic.Resource(resource).Namespace(object.GetNamespace()).Apply(h.ctx, object.GetName(), &object,
			metav1.ApplyOptions{FieldManager: "test"})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// register makes the APIService, as the manifests in deploy do: without a caBundle.
func (h *host) register() {
	h.t.Helper()
	h.apply(fmt.Sprintf(`
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: %[1]s}
spec:
  group: %[2]s.example.com
  version: v1
  groupPriorityMinimum: 1000
  versionPriority: 15
  service: {name: server, namespace: %[2]s, port: %[3]d}
`, h.apiService, h.namespace, h.listener.Addr().(*net.TCPAddr).Port))
	h.t.Cleanup(func() {
		if err := h.apis.Delete(context.Background(), h.apiService, metav1.DeleteOptions{}); err != nil {
			h.t.Error(err)
		}
	})
}

// lead has the APIService lead to a Service of another name.
func (h *host) lead(service string) {
	h.t.Helper()
	patch := fmt.Sprintf(`{"spec": {"service": {"name": %q}}}`, service)
	if _, err := h.apis.Patch(h.ctx, h.apiService, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		h.t.Fatal(err)
	}
}

// newReplica returns what a replica starts with, or the error that it ends with.
func (h *host) newReplica(clock clock.Clock) (*servingcert.Provider, error) {
	client, err := kubernetes.NewForConfig(h.replica)
	if err != nil {
		return nil, err
	}
	dynamicClient, err := dynamic.NewForConfig(h.replica)
	if err != nil {
		return nil, err
	}
	return servingcert.New(h.ctx, servingcert.Config{
		Options: &servingcert.Options{
			Secret:     h.namespace + "/" + secretName,
			DNSNames:   []string{"server." + h.namespace + ".svc"},
			APIService: h.apiService,
		},
		Client: client, Dynamic: dynamicClient, Clock: clock,
	})
}

func (h *host) mustStart(clock clock.Clock) *servingcert.Provider {
	h.t.Helper()
	replica, err := h.newReplica(clock)
	if err != nil {
		h.t.Fatal(err)
	}
	return replica
}

// serve answers what kube-apiserver asks with the replica's certificate, and runs the replica, until the test ends.
func (h *host) serve(replica *servingcert.Provider) {
	h.t.Helper()
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // Each request is to verify the certificate anew.
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "%s.example.com/v1",
			"resources": []}`, h.namespace)
	})
	serving := &genericapiserver.SecureServingInfo{Listener: h.listener, Cert: replica}
	stop := make(chan struct{})
	stopped, _, err := serving.Serve(answer, time.Second, stop)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		close(stop)
		<-stopped
	})
}

// run keeps a replica that nobody connects to, until the test ends.
func (h *host) run(replica *servingcert.Provider) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { replica.Run(ctx, 1) })
	h.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// request asks for something of the server's through kube-apiserver.
func (h *host) request() error {
	return h.admin.RESTClient().Get().AbsPath("/apis/" + h.namespace + ".example.com/v1").Do(h.ctx).Error()
}

// waitUntilReachable returns once kube-apiserver reaches the server.
func (h *host) waitUntilReachable() {
	h.t.Helper()
	var err error
	h.eventually("kube-apiserver reaches the server", func() bool {
		err = h.request()
		return err == nil
	}, func() string { return fmt.Sprint(err) })
}

// stream sends one request after the other through kube-apiserver, until the returned function is called. Each that
// fails fails the test.
func (h *host) stream() (stop func()) {
	ctx, cancel := context.WithCancel(h.ctx)
	var running sync.WaitGroup
	var count atomic.Int64
	running.Go(func() {
		for ctx.Err() == nil {
			if err := h.request(); err != nil && ctx.Err() == nil {
				h.t.Errorf("a request failed: %v", err)
			}
			count.Add(1)
		}
	})
	return func() {
		h.t.Helper()
		// The rest of the test may be faster than the requests.
		h.eventually("10 requests were sent", func() bool { return count.Load() >= 10 },
			func() string { return fmt.Sprintf("%d requests", count.Load()) })
		cancel()
		running.Wait()
		h.t.Logf("%d requests", count.Load())
	}
}

func (h *host) secret() *corev1.Secret {
	h.t.Helper()
	secret, err := h.admin.CoreV1().Secrets(h.namespace).Get(h.ctx, secretName, metav1.GetOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

func (h *host) deleteSecret() {
	h.t.Helper()
	if err := h.admin.CoreV1().Secrets(h.namespace).Delete(h.ctx, secretName, metav1.DeleteOptions{}); err != nil {
		h.t.Fatal(err)
	}
}

// eraseTrusted takes the list of those who are trusted out of the Secret.
func (h *host) eraseTrusted() {
	h.t.Helper()
	_, err := h.admin.CoreV1().Secrets(h.namespace).Patch(h.ctx, secretName, types.MergePatchType,
		[]byte(`{"data": {"ca.crt": null}}`), metav1.PatchOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
}

// successor returns the authority that waits, if there is one.
func (h *host) successor() []byte {
	secret, err := h.admin.CoreV1().Secrets(h.namespace).Get(h.ctx, secretName, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return secret.Data["next-ca.crt"]
}

func (h *host) patchCABundle(bundle string) {
	h.t.Helper()
	patch := fmt.Sprintf(`{"spec": {"caBundle": %s}}`, bundle)
	_, err := h.apis.Patch(h.ctx, h.apiService, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) caBundle() []byte {
	h.t.Helper()
	apiService, err := h.apis.Get(h.ctx, h.apiService, metav1.GetOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	encoded, _, err := unstructured.NestedString(apiService.Object, "spec", "caBundle")
	if err != nil {
		h.t.Fatal(err)
	}
	bundle, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		h.t.Fatal(err)
	}
	return bundle
}

// carries tells whether the caBundle has a certificate.
func (h *host) carries(certPEM []byte) bool {
	h.t.Helper()
	return bytes.Contains(h.caBundle(), bytes.TrimSpace(certPEM))
}

// verifies holds the certificate of a replica against authorities, as kube-apiserver does.
func (h *host) verifies(replica *servingcert.Provider, authorities []byte, now time.Time) error {
	h.t.Helper()
	certPEM, _ := replica.CurrentCertKeyContent()
	certs, err := certutil.ParseCertsPEM(certPEM)
	if err != nil {
		h.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authorities)
	_, err = certs[0].Verify(x509.VerifyOptions{
		DNSName: "server." + h.namespace + ".svc", Roots: roots, CurrentTime: now,
	})
	return err
}

// eventually waits until something is so, and says what stands in the way if it doesn't come.
func (h *host) eventually(what string, so func() bool, why func() string) {
	h.t.Helper()
	timeout := time.After(30 * time.Second)
	for !so() {
		select {
		case <-timeout:
			h.t.Fatalf("it has not come to be that %s: %s", what, why())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
