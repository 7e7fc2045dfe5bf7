// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// writable is a kind for the tests of every verb. A kind that comes takes a row.
type writable struct {
	kind, plural string
	// isFlat tells that what users ask for is beside metadata, not in spec.
	isFlat bool
	// asked is what a user asks for, less a part of it that drops what may go.
	asked, less object
	// kept are the fields of spec that a provider sets, with a value of each and another one.
	kept map[string][2]string
	// replaceable tells whether a provider may change them afterwards.
	replaceable bool
}

var writables = []writable{
	{
		kind: "Network", plural: "networks",
		asked: object{"peerings": []any{object{"name": "p", "networkRef": object{"name": "peer"}}}},
		less:  object{},
		kept:  map[string][2]string{"providerID": {"x://1", "x://2"}},
	},
	{
		kind: "NetworkInterface", plural: "networkinterfaces",
		asked: object{
			"networkRef": object{"name": "net"}, "ipFamilies": []any{"IPv4"}, "ips": []any{object{"value": "10.0.0.1"}},
			"prefixes": []any{object{"value": "10.1.0.0/24"}},
		},
		less:        object{"networkRef": object{"name": "net"}, "ipFamilies": []any{"IPv4"}, "ips": []any{object{"value": "10.0.0.1"}}},
		kept:        map[string][2]string{"providerID": {"x://1", "x://2"}},
		replaceable: true,
	},
	{
		kind: "LoadBalancer", plural: "loadbalancers",
		asked: object{
			"type": "Internal", "networkRef": object{"name": "net"}, "ipFamilies": []any{"IPv4"}, "ips": []any{object{"value": "10.0.0.9"}},
			"ports": []any{object{"protocol": "TCP", "port": 80}},
		},
		less: object{"type": "Internal", "networkRef": object{"name": "net"}, "ipFamilies": []any{"IPv4"}, "ips": []any{object{"value": "10.0.0.9"}}},
	},
	{
		kind: "LoadBalancerRouting", plural: "loadbalancerroutings", isFlat: true,
		asked: object{
			"networkRef": object{"name": "net", "uid": "b0000000-0000-4000-8000-00000000000b"},
			"destinations": []any{object{"ip": "10.0.0.1"}, object{"ip": "10.0.0.2", "targetRef": object{
				"name": "nic", "uid": "a0000000-0000-4000-8000-00000000000a", "providerID": "x://1"}}},
		},
		less: object{"networkRef": object{"name": "net", "uid": "b0000000-0000-4000-8000-00000000000b"}, "destinations": []any{object{"ip": "10.0.0.1"}}},
	},
	{
		kind: "NATGateway", plural: "natgateways",
		asked: object{"type": "Public", "ipFamily": "IPv4", "networkRef": object{"name": "net"}, "portsPerNetworkInterface": 64},
		less:  object{"type": "Public", "ipFamily": "IPv4", "networkRef": object{"name": "net"}, "portsPerNetworkInterface": 128},
	},
	{
		kind: "NetworkPolicy", plural: "networkpolicies",
		asked: object{
			"networkRef": object{"name": "net"}, "networkInterfaceSelector": object{"matchLabels": object{"app": "web"}},
			"ingress":     []any{object{"from": []any{object{"ipBlock": object{"cidr": "10.0.0.0/8"}}}}},
			"egress":      []any{object{"ports": []any{object{"protocol": "TCP", "port": 443}}}},
			"policyTypes": []any{"Egress", "Ingress"},
		},
		less: object{
			"networkRef": object{"name": "net"}, "networkInterfaceSelector": object{"matchLabels": object{"app": "web"}},
			"policyTypes": []any{"Ingress"},
		},
	},
	{
		kind: "VirtualIP", plural: "virtualips",
		asked: object{"type": "Public", "ipFamily": "IPv4", "targetRef": object{"name": "nic", "uid": "b0000000-0000-4000-8000-00000000000b"}},
		less:  object{"type": "Public", "ipFamily": "IPv4"},
	},
}

// droppable are the fields that some kind's lesser manifest leaves out.
var droppable = []string{"peerings", "prefixes", "ports", "ingress", "egress", "targetRef"}

func (w writable) manifest(namespace, name string, asked object) object {
	manifest := object{
		"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": w.kind,
		"metadata": object{"namespace": namespace, "name": name},
	}
	if w.isFlat {
		maps.Copy(manifest, asked)
	} else {
		manifest["spec"] = maps.Clone(asked)
	}
	return manifest
}

// askedIn returns what users ask for in an object, and the path to it in a JSON patch.
func askedIn(manifest object) (asked object, pointer string) {
	if spec, ok := manifest["spec"].(object); ok {
		return maps.Clone(spec), "/spec/"
	}
	asked = maps.Clone(manifest)
	for _, name := range []string{"apiVersion", "kind", "metadata", "spec", "status"} {
		delete(asked, name)
	}
	return asked, "/"
}

// replacing is a merge patch that makes of an object what a manifest says.
func replacing(manifest object) object {
	asked, pointer := askedIn(manifest)
	for _, name := range droppable {
		if _, ok := asked[name]; !ok {
			asked[name] = nil
		}
	}
	if pointer == "/" {
		return asked
	}
	return object{"spec": asked}
}

// writer sends requests as they are and looks at the answers as they are.
type writer struct {
	*server
	client *http.Client
	base   string
}

type answered struct {
	code     int
	body     []byte
	warnings []string
}

func newWriter(t *testing.T, s *server) writer {
	t.Helper()
	config := s.config(t)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return writer{server: s, client: client, base: config.Host + "/apis/networking.ironcore.dev/v1alpha1/namespaces/"}
}

func (w writer) send(t *testing.T, method, path, contentType string, body any) answered {
	t.Helper()
	data, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), method, w.base+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := w.client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answered{response.StatusCode, answer, response.Header.Values("Warning")}
}

func (w writer) mustSend(t *testing.T, method, path, contentType string, body any) object {
	t.Helper()
	answer := w.send(t, method, path, contentType, body)
	if answer.code >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, answer.code, answer.body)
	}
	var decoded object
	if err := json.Unmarshal(answer.body, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

const (
	jsonType  = "application/json"
	mergeType = "application/merge-patch+json"
	smpType   = "application/strategic-merge-patch+json"
	jsonPatch = "application/json-patch+json"
	applyType = "application/apply-patch+yaml"
)

// verbs write a manifest with a spec over an object that had more in it.
var verbs = map[string]func(t *testing.T, w writer, path, query string, manifest object) answered{
	"PUT": func(t *testing.T, w writer, path, query string, manifest object) answered {
		return w.send(t, "PUT", path+query, jsonType, manifest)
	},
	"JSON patch": func(t *testing.T, w writer, path, query string, manifest object) answered {
		asked, pointer := askedIn(manifest)
		operations := []any{object{"op": "replace", "path": "/spec", "value": asked}}
		if pointer == "/" {
			operations = nil
			for name, value := range asked {
				operations = append(operations, object{"op": "replace", "path": pointer + name, "value": value})
			}
		}
		return w.send(t, "PATCH", path+query, jsonPatch, operations)
	},
	"merge patch": func(t *testing.T, w writer, path, query string, manifest object) answered {
		return w.send(t, "PATCH", path+query, mergeType, replacing(manifest))
	},
	"strategic patch": func(t *testing.T, w writer, path, query string, manifest object) answered {
		return w.send(t, "PATCH", path+query, smpType, replacing(manifest))
	},
	"strategic patch that replaces": func(t *testing.T, w writer, path, query string, manifest object) answered {
		asked, pointer := askedIn(manifest)
		if pointer == "/" { // There, it would replace metadata too.
			return w.send(t, "PATCH", path+query, smpType, replacing(manifest))
		}
		asked["$patch"] = "replace"
		return w.send(t, "PATCH", path+query, smpType, object{"spec": asked})
	},
	"server-side apply": func(t *testing.T, w writer, path, query string, manifest object) answered {
		return w.send(t, "PATCH", path+query+"&fieldManager=gitops&force=true", applyType, manifest)
	},
	"client-side apply": func(t *testing.T, w writer, _, query string, manifest object) answered {
		data, err := json.Marshal(manifest)
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"apply", "-f", "-", "-o", "json"}
		if strings.Contains(query, "dryRun") {
			args = append(args, "--dry-run=server")
		}
		output, err := w.runKubectl(t, string(data), args...)
		answer := answered{code: 200, body: []byte(output)}
		if i := strings.Index(output, "{"); i > 0 {
			answer.body = []byte(output[i:])
			for line := range strings.Lines(output[:i]) {
				if !strings.Contains(line, "last-applied-configuration") { // kubectl's own, of an object made otherwise
					answer.warnings = append(answer.warnings, line)
				}
			}
		}
		if err != nil {
			answer.code = 422
		}
		return answer
	},
}

// written makes an object that has everything in its spec, the provider's fields included.
func (w writer) written(t *testing.T, k writable, namespace, name string) string {
	t.Helper()
	path := namespace + "/" + k.plural + "/" + name
	w.mustSend(t, "PATCH", path+"?fieldManager=gitops", applyType, k.manifest(namespace, name, k.asked))
	if answer := verbs["client-side apply"](t, w, "", "", k.manifest(namespace, name, k.asked)); answer.code != 200 {
		t.Fatalf("kubectl apply: %s", answer.body)
	}
	for field, values := range k.kept {
		w.mustSend(t, "PATCH", path, mergeType, object{"spec": object{field: values[0]}})
	}
	return path
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What users write is what is stored, by every verb; what the server keeps is as stored, without a warning.
func TestWhatTheServerKeepsInSpecStaysWhenItIsLeftOut(t *testing.T) {
	// The controller virtual-ip frees a VirtualIP of a NetworkInterface that does not exist.
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external", "--controllers=*,-virtual-ip")), "kept"
	for _, kind := range writables {
		for _, verb := range slices.Sorted(maps.Keys(verbs)) {
			for _, query := range []string{"?dryRun=All", "?"} {
				t.Run(kind.kind+" by "+verb+query, func(t *testing.T) {
					name := strings.ToLower(strings.ReplaceAll(verb, " ", "-"))
					path := w.written(t, kind, namespace, name)
					answer := verbs[verb](t, w, path, query, kind.manifest(namespace, name, kind.less))
					if answer.code != 200 || len(answer.warnings) > 0 {
						t.Fatalf("answered %d with warnings %q: %s", answer.code, answer.warnings, answer.body)
					}
					var got object
					if err := json.Unmarshal(answer.body, &got); err != nil {
						t.Fatalf("%v: %s", err, answer.body)
					}
					for field, values := range kind.kept {
						if value, _, _ := unstructured.NestedString(got, "spec", field); value != values[0] {
							t.Errorf("spec.%s is %q, want it as stored: %q", field, value, values[0])
						}
					}
					asked, _ := askedIn(got)
					for _, field := range droppable {
						if _, ok := kind.less[field]; !ok && asked[field] != nil {
							t.Errorf("%s is still there: %v", field, asked[field])
						}
					}
					for field, value := range kind.less {
						if got, want := asJSON(t, asked[field]), asJSON(t, value); got != want {
							t.Errorf("%s is %s, want %s", field, got, want)
						}
					}
				})
			}
		}
	}
}

// What one server shows of an object, another takes, with what the server, the provider and the controllers wrote in it.
func TestExportedObjectsAreTakenByAnotherServer(t *testing.T) {
	const without = "--controllers=*,-virtual-ip" // which frees a VirtualIP of a NetworkInterface that does not exist
	from, namespace := newWriter(t, ownServer(t, without)), "exported"
	to := newWriter(t, ownServer(t, without, "--network-provider=external"))
	for _, kind := range writables {
		from.mustSend(t, "POST", namespace+"/"+kind.plural, jsonType, kind.manifest(namespace, "a", kind.asked))
	}
	from.mustSend(t, "POST", namespace+"/networks", jsonType, writables[0].manifest(namespace, "peer",
		object{"peerings": []any{object{"name": "q", "networkRef": object{"name": "a"}}}}))
	network := namespace + "/networks/a"
	poll(t, patience, func() error {
		claims, _, _ := unstructured.NestedSlice(from.mustSend(t, "GET", network, jsonType, nil), "spec", "incomingPeerings")
		if len(claims) == 0 {
			return errors.New("the peering is not bound")
		}
		return nil
	})
	for _, kind := range writables {
		exported, err := from.runKubectl(t, "", "get", kind.plural, "a", "-n", namespace, "-o", "yaml")
		if err != nil {
			t.Fatal(exported)
		}
		for _, how := range [][]string{{"apply"}, {"replace"}, {"apply", "--server-side", "--force-conflicts"}, {"create"}} {
			path := namespace + "/" + kind.plural + "/a"
			if how[0] == "create" {
				to.mustSend(t, "DELETE", path, jsonType, nil)
			}
			manifest := exported
			if len(how) > 1 || how[0] != "apply" {
				manifest = withoutIdentity(t, exported)
			}
			if output, err := to.runKubectl(t, manifest, append(how, "-f", "-")...); err != nil {
				t.Errorf("%s by kubectl %s: %s\n%s", kind.kind, strings.Join(how, " "), output, exported)
				continue
			}
			got, _ := askedIn(to.mustSend(t, "GET", path, jsonType, nil))
			for field, value := range kind.asked {
				if got, want := asJSON(t, got[field]), asJSON(t, value); got != want {
					t.Errorf("%s by kubectl %s: %s is %s, want %s", kind.kind, how[0], field, got, want)
				}
			}
			if got["incomingPeerings"] != nil {
				t.Errorf("by kubectl %s, claims of another server are taken: %v", how[0], got["incomingPeerings"])
			}
		}
	}
}

// withoutIdentity takes out what means one object alone: outside of client-side apply, Kubernetes refuses it elsewhere.
func withoutIdentity(t *testing.T, manifest string) string {
	t.Helper()
	var exported object
	if err := yaml.Unmarshal([]byte(manifest), &exported); err != nil {
		t.Fatal(err)
	}
	metadata := exported["metadata"].(object)
	delete(metadata, "uid")
	delete(metadata, "resourceVersion")
	return asJSON(t, exported)
}

// Whoever may set a field for the provider is refused a change of it where it is immutable.
func TestAnotherValueOfAKeptFieldIsRefusedOrReplacesIt(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "changed"
	for _, kind := range writables {
		if len(kind.kept) == 0 {
			continue
		}
		for _, verb := range slices.Sorted(maps.Keys(verbs)) {
			for _, query := range []string{"?dryRun=All", "?"} {
				t.Run(kind.kind+" by "+verb+query, func(t *testing.T) {
					name := strings.ToLower(strings.ReplaceAll(verb, " ", "-"))
					path := w.written(t, kind, namespace, name)
					spec := maps.Clone(kind.asked)
					for field, values := range kind.kept {
						spec[field] = values[1]
					}
					answer := verbs[verb](t, w, path, query, kind.manifest(namespace, name, spec))
					if want := map[bool]int{true: 200, false: 422}[kind.replaceable]; answer.code != want {
						t.Errorf("answered %d: %s, want %d", answer.code, answer.body, want)
					}
				})
			}
		}
	}
}

func TestTheProviderIDOfAnInterfaceIsClearedByAPatchThatSaysSo(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "cleared"
	kind := writables[1]
	for name, patch := range map[string]struct {
		contentType string
		body        any
	}{
		"merge-null":  {mergeType, object{"spec": object{"providerID": nil}}},
		"merge-empty": {mergeType, object{"spec": object{"providerID": ""}}},
		"strategic":   {smpType, object{"spec": object{"providerID": nil}}},
		"json-patch":  {jsonPatch, []any{object{"op": "remove", "path": "/spec/providerID"}}},
	} {
		t.Run(name, func(t *testing.T) {
			path := w.written(t, kind, namespace, name)
			got := w.mustSend(t, "PATCH", path, patch.contentType, patch.body)
			if value, found, _ := unstructured.NestedString(got, "spec", "providerID"); found {
				t.Errorf("spec.providerID is still %q", value)
			}
		})
	}
}

func TestTheEndOfAMachineRefEndsTheProviderIDAndTheState(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "machine"
	kind := writables[1]
	path := w.written(t, kind, namespace, "nic")
	w.mustSend(t, "PATCH", path, mergeType, object{"spec": object{"machineRef": object{"name": "m", "uid": "a0000000-0000-4000-8000-00000000000a"}}})
	w.mustSend(t, "PATCH", path+"/status", mergeType, object{"status": object{"state": "Available", "ips": []any{"10.0.0.1"}}})
	got := w.mustSend(t, "PATCH", path, mergeType, object{"spec": object{"machineRef": nil}})
	state, _, _ := unstructured.NestedString(got, "status", "state")
	if id, found, _ := unstructured.NestedString(got, "spec", "providerID"); found || state != "Pending" {
		t.Errorf("the providerID is %q and the state %q, want none and Pending", id, state)
	}
}

// Every directive of a strategic patch works or is a 400; nothing resets the connection.
func TestDirectivesOfAStrategicPatch(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "directives"
	peering := func(name string) object {
		return object{"name": name, "networkRef": object{"name": "net-" + name}}
	}
	names := func(items ...string) []any {
		var list []any
		for _, name := range items {
			list = append(list, object{"name": name})
		}
		return list
	}
	for name, tc := range map[string]struct {
		patch object
		code  int
		want  []string // the names of the peerings
	}{
		"added":        {object{"spec": object{"peerings": []any{peering("c")}}}, 200, []string{"c", "a", "b"}},
		"deleted":      {object{"spec": object{"peerings": []any{object{"$patch": "delete", "name": "a"}}}}, 200, []string{"b"}},
		"replaced":     {object{"spec": object{"peerings": []any{object{"$patch": "replace"}, peering("c")}}}, 200, []string{"c"}},
		"ordered":      {object{"spec": object{"$setElementOrder/peerings": names("b", "a")}}, 200, []string{"b", "a"}},
		"ordered-more": {object{"spec": object{"$setElementOrder/peerings": names("b", "c", "a"), "peerings": []any{peering("c")}}}, 200, []string{"b", "c", "a"}},
		"retained": {object{"spec": object{"peerings": []any{object{"$retainKeys": []any{"name", "networkRef"}, "name": "a", "networkRef": object{"name": "net-d"}}}}},
			200, []string{"a", "b"}},
		"finalizer":        {object{"metadata": object{"$deleteFromPrimitiveList/finalizers": []any{"example.com/one"}}}, 200, []string{"a", "b"}},
		"order-of-scalars": {object{"spec": object{"$setElementOrder/peerings": []any{"a", "b"}}}, 400, nil},
		"order-of-a-map":   {object{"spec": object{"$setElementOrder/peerings": object{"a": "b"}}}, 400, nil},
		"order-of-nothing": {object{"spec": object{"$setElementOrder/nothing": names("a")}}, 400, nil},
		"order-of-atoms":   {object{"spec": object{"$setElementOrder/providerID": names("a")}}, 400, nil},
		"items-of-scalars": {object{"spec": object{"peerings": []any{"a"}}}, 400, nil},
		"a-scalar":         {object{"spec": object{"peerings": "a"}}, 400, nil},
		"nameless":         {object{"spec": object{"peerings": []any{object{"networkRef": object{"name": "x"}}}}}, 400, nil},
		"bad-patch":        {object{"spec": object{"peerings": []any{object{"$patch": "sing", "name": "a"}}}}, 400, nil},
		"bad-retain":       {object{"spec": object{"peerings": []any{object{"$retainKeys": "name", "name": "a"}}}}, 400, nil},
		"bad-primitive":    {object{"spec": object{"$deleteFromPrimitiveList/peerings": []any{"a"}}}, 400, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := namespace + "/networks/" + name
			manifest := writables[0].manifest(namespace, name, object{"peerings": []any{peering("a"), peering("b")}})
			manifest["metadata"].(object)["finalizers"] = []any{"example.com/one"}
			w.mustSend(t, "POST", namespace+"/networks", jsonType, manifest)
			answer := w.send(t, "PATCH", path, smpType, tc.patch)
			if answer.code != tc.code {
				t.Fatalf("answered %d: %s, want %d", answer.code, answer.body, tc.code)
			}
			if tc.code != 200 {
				return
			}
			var got object
			if err := json.Unmarshal(answer.body, &got); err != nil {
				t.Fatal(err)
			}
			var gotNames []string
			peerings, _, _ := unstructured.NestedSlice(got, "spec", "peerings")
			for _, item := range peerings {
				gotNames = append(gotNames, fmt.Sprint(item.(object)["name"]))
			}
			if !slices.Equal(gotNames, tc.want) {
				t.Errorf("the peerings are %q, want %q", gotNames, tc.want)
			}
		})
	}
}

// What the library panics at or takes no notice of is a 400, for every kind.
func TestMalformedDirectivesOfAStrategicPatch(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "malformed"
	metadata := map[string]object{
		"order of finalizers":       {"$setElementOrder/finalizers": []any{object{"a": 1}}},
		"finalizers":                {"finalizers": []any{object{"a": 1}}},
		"owner by an object":        {"ownerReferences": []any{object{"uid": object{"a": "b"}}}},
		"deletions in a map":        {"$deleteFromPrimitiveList/finalizers": object{"a": "b"}},
		"deletions in a string":     {"$deleteFromPrimitiveList/finalizers": "example.com/one"},
		"no deletions":              {"$deleteFromPrimitiveList/finalizers": nil},
		"deletions of an object":    {"$deleteFromPrimitiveList/finalizers": []any{object{"a": 1}}},
		"deletions from nothing":    {"$deleteFromPrimitiveList/nothing": []any{"a"}},
		"deletions from labels":     {"$deleteFromPrimitiveList/labels": []any{"a"}},
		"deletions without a name":  {"$deleteFromPrimitiveList": []any{"a"}},
		"keys that are objects":     {"$retainKeys": []any{object{"a": 1}}},
		"keys that are lists":       {"$retainKeys": []any{[]any{"a"}}},
		"an unknown action":         {"$patch": "sing"},
		"an action that is a list":  {"labels": object{"$patch": []any{"replace"}}},
		"an order of labels":        {"$setElementOrder/labels": []any{"a"}},
		"an order without a name":   {"$setElementOrder": []any{"a"}},
		"an order of managedFields": {"$setElementOrder/managedFields": []any{"a"}},
	}
	status := map[string]object{
		"a type that is an object": {"conditions": []any{object{"type": object{"a": "b"}, "status": "True"}}},
		"a type that is a list":    {"conditions": []any{object{"type": []any{"b"}, "status": "True"}}},
		"no type":                  {"conditions": []any{object{"status": "True"}}},
		"an order of words":        {"$setElementOrder/conditions": []any{"Ready"}},
		"words":                    {"conditions": []any{"Ready"}},
		"a word":                   {"conditions": "Ready"},
	}
	for _, kind := range writables {
		path := w.written(t, kind, namespace, "a")
		refused := func(path, sentence string, patch object) {
			if answer := w.send(t, "PATCH", path, smpType, patch); answer.code != 400 {
				t.Errorf("%s: %s: answered %d: %s, want 400", kind.kind, sentence, answer.code, answer.body)
			}
		}
		for sentence, patch := range metadata {
			refused(path, sentence, object{"metadata": patch})
		}
		if kind.isFlat {
			continue
		}
		refused(path, "keys of spec", object{"spec": object{"$retainKeys": []any{object{"a": 1}}}})
		for sentence, patch := range status {
			refused(path+"/status", sentence, object{"status": patch})
		}
	}
	nic := namespace + "/networkinterfaces/a"
	answer := w.send(t, "PATCH", nic, smpType, object{"spec": object{"ips": []any{object{"$patch": "delete", "value": "10.0.0.1"}}}})
	if answer.code != 400 {
		t.Errorf("deleting from a list that is given as a whole: answered %d: %s, want 400", answer.code, answer.body)
	}
}

// The server's finalizer stays on a Network that is being deleted, by every verb.
func TestTheFinalizerOfADeletionIsTheServers(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "held"
	const ours = "networking.ironcore.dev/network-interfaces"
	for verb, write := range map[string]func(t *testing.T, path string, manifest object){
		"put": func(t *testing.T, path string, manifest object) { w.mustSend(t, "PUT", path, jsonType, manifest) },
		"merge": func(t *testing.T, path string, _ object) {
			w.mustSend(t, "PATCH", path, mergeType, object{"metadata": object{"finalizers": nil}})
		},
		"strategic": func(t *testing.T, path string, _ object) {
			w.mustSend(t, "PATCH", path, smpType, object{"metadata": object{"$deleteFromPrimitiveList/finalizers": []any{ours}}})
		},
		"json-patch": func(t *testing.T, path string, _ object) {
			w.mustSend(t, "PATCH", path, jsonPatch, []any{object{"op": "remove", "path": "/metadata/finalizers"}})
		},
		"apply": func(t *testing.T, path string, manifest object) {
			w.mustSend(t, "PATCH", path+"?fieldManager=gitops&force=true", applyType, manifest)
		},
		"client-side-apply": func(t *testing.T, path string, manifest object) {
			if answer := verbs["client-side apply"](t, w, path, "", manifest); answer.code != 200 {
				t.Fatalf("kubectl apply: %s", answer.body)
			}
		},
	} {
		t.Run(verb, func(t *testing.T) {
			path, network := namespace+"/networks/"+verb, writables[0]
			manifest := network.manifest(namespace, verb, network.less)
			held := network.manifest(namespace, verb, network.less)
			held["metadata"].(object)["finalizers"] = []any{"example.com/one"}
			w.mustSend(t, "PATCH", path+"?fieldManager=gitops", applyType, held)
			nic := writables[1].manifest(namespace, "nic-"+verb, writables[1].less)
			nic["spec"].(object)["networkRef"] = object{"name": verb}
			w.mustSend(t, "POST", namespace+"/networkinterfaces", jsonType, nic)
			w.mustSend(t, "DELETE", path, jsonType, nil)
			write(t, path, manifest)
			got := w.mustSend(t, "GET", path, jsonType, nil)
			finalizers, _, _ := unstructured.NestedStringSlice(got, "metadata", "finalizers")
			if !slices.Contains(finalizers, ours) {
				t.Errorf("the finalizers are %q: the Network goes from under its interface", finalizers)
			}
			if verb != "strategic" && slices.Contains(finalizers, "example.com/one") && verb != "client-side-apply" {
				t.Errorf("the user's own finalizer stays: %q", finalizers)
			}
			// It ends with its interface.
			w.mustSend(t, "DELETE", namespace+"/networkinterfaces/nic-"+verb, jsonType, nil)
			w.send(t, "PATCH", path, mergeType, object{"metadata": object{"finalizers": nil}})
			poll(t, patience, func() error {
				if answer := w.send(t, "GET", path, jsonType, nil); answer.code != 404 {
					return fmt.Errorf("the Network is still there: %s", answer.body)
				}
				return nil
			})
		})
	}
}

// Without members in the namespace, a deletion is one request to etcd, which the server's own client makes. Beside members, the storage
// reads the Network, marks and removes it, and a fourth request finds its members.
func TestADeletionTakesAsFewRequestsToEtcdAsCanBe(t *testing.T) {
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	if each := n.requestsToDelete(t); each > 0.5 {
		t.Errorf("without members in the namespace, a deletion takes %.1f requests of the storage", each)
	}
	n.createNIC(t, newNIC("nic", "elsewhere", "10.0.0.1"))
	if each := n.requestsToDelete(t); each < 2.5 || each > 3.5 {
		t.Errorf("beside a member, a deletion takes %.1f requests of the storage", each)
	}
}

// A list in chunks asks etcd once, for how new the first chunk has to be. kubectl get reads 500 objects at a time.
func TestTheChunksOfAListComeFromTheWatchCache(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	const networks, lists = 10, 20
	for i := range networks {
		n.create(t, newNetwork(fmt.Sprintf("n-%d", i)))
	}
	before := n.requestsToEtcd(t)
	for range lists {
		found, options := 0, metav1.ListOptions{Limit: 2}
		for more := true; more; more = options.Continue != "" {
			chunk, err := n.networks.List(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			found, options.Continue = found+len(chunk.Items), chunk.Continue
		}
		if found != networks {
			t.Fatalf("the chunks have %d Networks, want %d", found, networks)
		}
	}
	if each := float64(n.requestsToEtcd(t)-before) / lists; each > 2 {
		t.Errorf("a list of %d chunks takes %.1f requests to etcd", networks/2, each)
	}
}

// requestsToDelete is how many requests of the storage the deletion of a Network takes. What the server does beside that is less than
// half a request for each.
func (n namespace) requestsToDelete(t *testing.T) float64 {
	t.Helper()
	const networks = 20
	for i := range networks {
		n.create(t, newNetwork(fmt.Sprintf("n-%d", i)))
	}
	before := n.requestsToEtcd(t)
	for i := range networks {
		if err := n.networks.Delete(t.Context(), fmt.Sprintf("n-%d", i), metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return float64(n.requestsToEtcd(t)-before) / networks
}

var requestToEtcd = regexp.MustCompile(`(?m)^grpc_client_handled_total\{.*grpc_service="etcdserverpb\.KV".*\} (\d+)$`)

// requestsToEtcd is how often the storage of the server has read and written keys.
func (n namespace) requestsToEtcd(t *testing.T) (total int) {
	t.Helper()
	for _, match := range requestToEtcd.FindAllStringSubmatch(n.kubectl(t, "get", "--raw", "/metrics"), -1) {
		count, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		total += count
	}
	if total == 0 {
		t.Fatal("no request is counted")
	}
	return total
}

func TestDeletionEndsWithEveryPropagationPolicy(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "cascade"
	for _, kind := range writables {
		collection := namespace + "/" + kind.plural
		for _, policy := range []string{"Foreground", "Orphan", "Background"} {
			// An exported object may have the finalizers of a garbage collector.
			for _, finalizers := range [][]any{nil, {"foregroundDeletion"}, {"orphan"}} {
				manifest := kind.manifest(namespace, "a", kind.less)
				manifest["metadata"].(object)["finalizers"] = finalizers
				for _, path := range []string{collection + "/a", collection} {
					w.mustSend(t, "POST", collection, jsonType, manifest)
					w.mustSend(t, "DELETE", path, jsonType, object{
						"apiVersion": "meta.k8s.io/v1", "kind": "DeleteOptions", "propagationPolicy": policy})
					if answer := w.send(t, "GET", collection+"/a", jsonType, nil); answer.code != 404 {
						t.Errorf("%s: a deletion of %s with policy %s does not end: %s", kind.kind, path, policy, answer.body)
						w.mustSend(t, "PATCH", collection+"/a", mergeType, object{"metadata": object{"finalizers": nil}})
					}
				}
			}
		}
	}
}

// flow is a Network in YAML that begins like JSON. It has a bad label too, which validation would find.
func flow(peerings []any) []byte {
	var body strings.Builder
	body.WriteString("{apiVersion: networking.ironcore.dev/v1alpha1, kind: Network, metadata: {name: small, labels: {bad label: x}}, spec: {peerings: [")
	for _, peering := range peerings {
		fmt.Fprintf(&body, "{name: %s, networkRef: {name: x}}, ", peering.(object)["name"])
	}
	body.WriteString("]}}")
	return []byte(body.String())
}

// emptyPeerings is a Network in protobuf with peerings of two bytes each. Its name is bad too, which validation would find.
func emptyPeerings(count int) []byte {
	field := func(message []byte, number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(message, number, protowire.BytesType), value)
	}
	const spec, metadata, kind, raw = 2, 1, 1, 2
	network := field(field(nil, metadata, field(nil, 1, []byte("bad name"))), spec, bytes.Repeat([]byte{0x12, 0}, count))
	named := field(field(nil, 1, []byte("networking.ironcore.dev/v1alpha1")), 2, []byte("Network"))
	return field(field([]byte("k8s\x00"), kind, named), raw, network)
}

func TestABodyThatIsTooLargeIsRefusedBeforeItCosts(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "large"
	var peerings []any
	labels := object{}
	for i := range 1001 {
		peerings = append(peerings, object{"name": fmt.Sprint("p", i), "networkRef": object{"name": fmt.Sprint("n", i)}})
		labels[fmt.Sprint("bad label ", i)] = "x"
	}
	network := writables[0]
	w.mustSend(t, "POST", namespace+"/networks", jsonType, network.manifest(namespace, "small", network.less))
	labelled := network.manifest(namespace, "small", network.less)
	labelled["metadata"].(object)["labels"] = labels
	long := network.manifest(namespace, "long", network.less)
	long["metadata"].(object)["annotations"] = object{"a": strings.Repeat("x", 3<<20)}
	for _, tc := range []struct {
		sentence, method, path, contentType string
		body                                any
		code                                int
	}{
		{"a long list is named", "POST", "/networks", jsonType, network.manifest(namespace, "many", object{"peerings": peerings}), 422},
		{"by a patch too", "PATCH", "/networks/small", mergeType, object{"spec": object{"peerings": peerings}}, 422},
		{"by server-side apply too", "PATCH", "/networks/small?fieldManager=x", applyType, network.manifest(namespace, "small", object{"peerings": peerings}), 422},
		{"and if its YAML begins like JSON", "PATCH", "/networks/small?fieldManager=x", applyType, flow(peerings), 422},
		{"by a create in YAML too", "POST", "/networks", "application/yaml", flow(peerings), 422},
		{"in protobuf too", "POST", "/networks", runtime.ContentTypeProtobuf, emptyPeerings(1_500_000), 422},
		{"labels are capped on update", "PUT", "/networks/small", jsonType, labelled, 422},
		{"a long body is too large", "POST", "/networks", jsonType, long, 413},
	} {
		answer := w.send(t, tc.method, namespace+tc.path, tc.contentType, tc.body)
		if answer.code != tc.code || len(answer.body) > 10000 || strings.Contains(string(answer.body), "bad ") {
			t.Errorf("%s: answered %d in %d bytes: %.300s, want %d", tc.sentence, answer.code, len(answer.body), answer.body, tc.code)
		}
	}
}

// What can't be stored with what is to come is a 422 that says which limit; the longest list of each kind is taken.
func TestWhatIsTooLargeToStoreIsRefused(t *testing.T) {
	w, namespace := newWriter(t, ownServer(t, "--network-provider=external")), "stored"
	destinations := func(count int, name string) (list []any) {
		for i := range count {
			list = append(list, object{"ip": fmt.Sprintf("10.%d.%d.1", i/256, i%256), "targetRef": object{
				"name": name, "uid": fmt.Sprintf("a0000000-0000-4000-8000-%012d", i), "providerID": ""}})
		}
		return list
	}
	routing, policy := writables[3], writables[5]
	block := object{"ipBlock": object{"cidr": "10.0.0.0/8", "except": func() (except []any) {
		for i := range 1000 {
			except = append(except, fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))
		}
		return except
	}()}}
	rules := func(peers int) object {
		asked := maps.Clone(policy.less)
		asked["ingress"] = []any{object{"from": slices.Repeat([]any{block}, peers)}}
		return asked
	}
	path := namespace + "/loadbalancerroutings"
	routed := func(list []any) object {
		return routing.manifest(namespace, "a", object{"networkRef": routing.less["networkRef"], "destinations": list})
	}
	w.mustSend(t, "POST", path, jsonType, routed(destinations(10000, "nic")))
	w.mustSend(t, "POST", namespace+"/networkpolicies", jsonType, policy.manifest(namespace, "a", rules(10)))
	for _, tc := range []struct {
		sentence, method, path, contentType string
		body                                any
	}{
		{"more destinations than there may be", "PUT", path + "/a", jsonType, routed(destinations(10001, "nic"))},
		{"destinations with long names", "PUT", path + "/a", jsonType, routed(destinations(10000, strings.Repeat("n", 150)))},
		{"the same by a patch", "PATCH", path + "/a", mergeType, object{"destinations": destinations(10000, strings.Repeat("n", 150))}},
		{"a policy that etcd would not take", "POST", namespace + "/networkpolicies", jsonType, policy.manifest(namespace, "b", rules(120))},
		{"a policy without room for a status", "POST", namespace + "/networkpolicies", jsonType, policy.manifest(namespace, "b", rules(95))},
		{"the same by a patch", "PATCH", namespace + "/networkpolicies/a", mergeType, object{"spec": rules(95)}},
	} {
		if answer := w.send(t, tc.method, tc.path, tc.contentType, tc.body); answer.code != 422 {
			t.Errorf("%s: answered %d: %.300s, want 422", tc.sentence, answer.code, answer.body)
		}
	}
}
