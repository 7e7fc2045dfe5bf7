// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apidiscovery "k8s.io/api/apidiscovery/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi3"
	"k8s.io/client-go/rest"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func (s *server) discovery(t *testing.T) *discovery.DiscoveryClient {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(s.config(t))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestDiscoveryTellsOfEveryKindAndItsSubresources(t *testing.T) {
	t.Parallel()
	all := []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	data, err := shared.discovery(t).RESTClient().Get().AbsPath("/apis").
		SetHeader("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var aggregated apidiscovery.APIGroupDiscoveryList
	if err := json.Unmarshal(data, &aggregated); err != nil {
		t.Fatal(err)
	}
	if len(aggregated.Items) != 1 || aggregated.Items[0].Name != v1alpha1.GroupName ||
		len(aggregated.Items[0].Versions) != 1 {
		t.Fatalf("aggregated discovery answers %s", data)
	}
	kind := func(kind string) *metav1.GroupVersionKind { return &metav1.GroupVersionKind{Kind: kind} }
	status := func(of string) apidiscovery.APISubresourceDiscovery {
		return apidiscovery.APISubresourceDiscovery{
			Subresource: "status", ResponseKind: kind(of), Verbs: []string{"get", "patch", "update"},
		}
	}
	plain := func(resource, of string, shortNames ...string) apidiscovery.APIResourceDiscovery {
		return apidiscovery.APIResourceDiscovery{
			Resource: resource, SingularResource: strings.ToLower(of), ResponseKind: kind(of),
			Scope: apidiscovery.ScopeNamespace, ShortNames: shortNames, Categories: []string{"ironcore"}, Verbs: all,
			Subresources: []apidiscovery.APISubresourceDiscovery{status(of)},
		}
	}
	routings := plain("loadbalancerroutings", "LoadBalancerRouting", "lbr", "lbrt")
	routings.Subresources = nil
	want := []apidiscovery.APIResourceDiscovery{routings, plain("loadbalancers", "LoadBalancer", "lb"),
		plain("natgateways", "NATGateway", "ngw"), plain("networkinterfaces", "NetworkInterface", "nic"),
		plain("networkpolicies", "NetworkPolicy", "netpol"), {
			Resource: "networks", SingularResource: "network", ResponseKind: kind("Network"), Scope: apidiscovery.ScopeNamespace,
			ShortNames: []string{"net"}, Categories: []string{"ironcore"}, Verbs: all,
			Subresources: []apidiscovery.APISubresourceDiscovery{
				{Subresource: "binding", ResponseKind: kind("NetworkBinding"), Verbs: []string{"create"}},
				{Subresource: "membership", ResponseKind: kind("NetworkMembership"), Verbs: []string{"create"}},
				{Subresource: "peeringrequests", ResponseKind: kind("NetworkPeeringRequests"), Verbs: []string{"get"}},
				{Subresource: "realization", ResponseKind: kind("NetworkRealization"), Verbs: []string{"create"}},
				status("Network"),
			},
		}, plain("virtualips", "VirtualIP", "vip")}
	version := aggregated.Items[0].Versions[0]
	if diff := cmp.Diff(want, version.Resources); diff != "" {
		t.Errorf("aggregated discovery differs (-want +got):\n%s", diff)
	}

	// For clients that don't know the aggregated form.
	resources, err := shared.discovery(t).WithLegacy().ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	// testdata/upstream-discovery.json is what the group's other server answers.
	data, err = os.ReadFile("testdata/upstream-discovery.json")
	if err != nil {
		t.Fatal(err)
	}
	var upstream metav1.APIResourceList
	if err := json.Unmarshal(data, &upstream); err != nil {
		t.Fatal(err)
	}
	var more []string
	ours := map[string]metav1.APIResource{}
	for _, resource := range resources.APIResources {
		ours[resource.Name] = resource
		if !slices.ContainsFunc(upstream.APIResources, func(r metav1.APIResource) bool { return r.Name == resource.Name }) {
			more = append(more, resource.Name)
		}
	}
	for _, resource := range upstream.APIResources {
		own := ours[resource.Name]
		// Two servers' storage versions need not hash alike, and the other server has no categories.
		own.StorageVersionHash, own.Categories, resource.StorageVersionHash = "", nil, ""
		if diff := cmp.Diff(resource, own); diff != "" {
			t.Errorf("%s differs from upstream (-want +got):\n%s", resource.Name, diff)
		}
	}
	if want := []string{"networks/binding", "networks/membership", "networks/peeringrequests", "networks/realization"}; !slices.Equal(more, want) {
		t.Errorf("discovery has %q beyond upstream, want %q", more, want)
	}
}

func TestOpenAPIDescribesEveryField(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewRoot(shared.discovery(t).OpenAPIV3()).GVSpec(v1alpha1.SchemeGroupVersion)
	if err != nil {
		t.Fatal(err)
	}
	walk := schemaWalk{document: document, visited: make(map[string]bool)}
	for name, schema := range document.Components.Schemas {
		if kind := name[strings.LastIndex(name, ".")+1:]; strings.Contains(name, ".networking.v1alpha1.") {
			walk.schema(kind, schema)
		}
	}
	if len(walk.visited) < 50 {
		t.Errorf("only %d fields were found: %v", len(walk.visited), walk.visited)
	}
	if len(walk.undescribed) > 0 {
		t.Errorf("these fields have no description: %q", walk.undescribed)
	}

	if len(walk.untrue) > 0 {
		t.Errorf("these fields have a default that is none of their values: %q", walk.untrue)
	}
	peerings := document.Components.Schemas["dev.ironcore.networking.apis.networking.v1alpha1.NetworkSpec"].Properties["peerings"]
	if peerings.MaxItems == nil || *peerings.MaxItems != 1000 {
		t.Error("the schema does not say how many peerings there may be")
	}

	older, err := shared.discovery(t).OpenAPISchema()
	if err != nil {
		t.Fatal(err)
	}
	definitions := 0
	for _, definition := range older.GetDefinitions().GetAdditionalProperties() {
		if strings.Contains(definition.GetName(), "networking.v1alpha1") {
			definitions++
		}
	}
	if definitions == 0 {
		t.Error("OpenAPI v2 has no definitions of this API")
	}
}

// schemaWalk collects the paths of fields without a description, from the types that are served down.
type schemaWalk struct {
	document    *spec3.OpenAPI
	visited     map[string]bool
	undescribed []string
	untrue      []string // with a default that is none of the values
}

func (w *schemaWalk) schema(path string, schema *spec.Schema) {
	if reference := schema.Ref.String(); reference != "" {
		w.schema(path, w.document.Components.Schemas[reference[strings.LastIndex(reference, "/")+1:]])
		return
	}
	if len(schema.Enum) > 0 && schema.Default == "" {
		w.untrue = append(w.untrue, path)
	}
	for i := range schema.AllOf {
		w.schema(path, &schema.AllOf[i])
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		w.schema(path+"[]", schema.Items.Schema)
	}
	for name, property := range schema.Properties {
		path := path + "." + name
		if w.visited[path] {
			continue
		}
		w.visited[path] = true
		if property.Description == "" {
			w.undescribed = append(w.undescribed, path)
		}
		w.schema(path, &property)
	}
}

func TestHealthAndMetricsCoverTheControllers(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("a"))
	n.await(t, "a", available)
	checkContains(t, n.kubectl(t, "get", "--raw", "/readyz?verbose"), "[+]etcd ok", "[+]controller-informers-synced ok",
		"[+]poststarthook/storage-readiness ok", "[+]poststarthook/start-controllers ok", "readyz check passed")
	checkContains(t, n.kubectl(t, "get", "--raw", "/livez"), "ok")
	metrics := n.kubectl(t, "get", "--raw", "/metrics")
	for _, controller := range []string{"membership", "network", "network-interface", "peering", "release"} {
		checkContains(t, metrics, fmt.Sprintf("workqueue_depth{name=%q", controller),
			fmt.Sprintf("workqueue_adds_total{name=%q", controller))
	}
	checkContains(t, metrics, "networking_leader 1", "apiserver_request_total{", "process_resident_memory_bytes ",
		"etcd_request_duration_seconds", "etcd_disk_wal_fsync_duration_seconds_bucket{")
}

// TestTLS12WithCBCIsRefused: these suites encrypt before they authenticate.
func TestTLS12WithCBCIsRefused(t *testing.T) {
	t.Parallel()
	address := strings.TrimPrefix(shared.config(t).Host, "https://")
	connect := func(suites ...uint16) error {
		conn, err := tls.Dial("tcp", address, &tls.Config{
			InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: suites, //nolint:gosec // It is what is tested.
		})
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := connect(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA); err == nil {
		t.Error("a connection with CBC is accepted")
	}
	if err := connect(); err != nil {
		t.Errorf("a connection by TLS 1.2: %v", err)
	}
}

func TestStrangersReachNothingButTheHealthPaths(t *testing.T) {
	t.Parallel()
	paths := []string{"/", "/api", "/apis", "/apis/networking.ironcore.dev/v1alpha1/networks", "/version", "/metrics",
		"/openapi/v2", "/openapi/v3", "/readyz/etcd", "/debug/pprof/", "/configz", "/statusz", "/flagz"}
	health := []string{"/healthz", "/livez", "/readyz"}

	anonymous := rest.AnonymousClientConfig(shared.config(t))
	forged := rest.CopyConfig(anonymous)
	forged.BearerToken = "made-up"
	known := shared.config(t)
	known.Impersonate = rest.ImpersonationConfig{UserName: "nobody", Groups: []string{"system:authenticated"}}
	for name, test := range map[string]struct {
		config *rest.Config
		want   int
	}{
		"without credentials":               {anonymous, http.StatusUnauthorized},
		"with a made-up token":              {forged, http.StatusUnauthorized},
		"as a user who isn't administrator": {known, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := rest.HTTPClientFor(test.config)
			if err != nil {
				t.Fatal(err)
			}
			get := func(path string) int {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, test.config.Host+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				answer, err := client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				return answer.StatusCode
			}
			for _, path := range paths {
				if got := get(path); got != test.want {
					t.Errorf("%s answers %d, want %d", path, got, test.want)
				}
			}
			if test.config == forged {
				return // Who claims to be someone has to prove it, for health too.
			}
			for _, path := range health {
				if got := get(path); got != http.StatusOK {
					t.Errorf("%s answers %d, want 200", path, got)
				}
			}
		})
	}

	t.Run("with the certificate of another server's administrator", func(t *testing.T) {
		other := ownServer(t).config(t)
		config := shared.config(t)
		config.CertData, config.KeyData = other.CertData, other.KeyData
		_, err := newClient(t, config).Networks("default").List(t.Context(), metav1.ListOptions{})
		if !apierrors.IsUnauthorized(err) {
			t.Errorf("got %v, want 401", err)
		}
	})
}

func TestTheSecurePortIsTheOnlyOneThatListens(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	sockets := make(map[string]bool)
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, descriptor := range descriptors {
		if target, err := os.Readlink(descriptor); err == nil {
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				sockets[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	const local, state, inode, listening = 1, 3, 9, "0A" // columns of /proc/net/tcp
	var listeners []string
	for _, table := range []string{"tcp", "tcp6"} {
		for line := range strings.Lines(readFile(t, fmt.Sprintf("/proc/%d/net/%s", s.PID(), table))) {
			columns := strings.Fields(line)
			if len(columns) > inode && columns[state] == listening && sockets[columns[inode]] {
				listeners = append(listeners, columns[local])
			}
		}
	}
	if want := []string{fmt.Sprintf("0100007F:%04X", s.Port)}; !slices.Equal(listeners, want) {
		t.Errorf("the server listens on %q, want %q", listeners, want)
	}
}
