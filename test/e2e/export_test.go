// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// exported are objects of all kinds as a user writes them, and what a provider reports of each. A cluster has
// NetworkPolicies of its own, so that this one needs its group.
var exported = []struct{ resource, manifest, status string }{
	{"networks", `{"kind":"Network","spec":{"peerings":[{"name":"peer","networkRef":{"name":"peer"},
		"prefixes":[{"name":"front","prefix":"10.0.0.0/24"}]}]}}`, ""},
	{"networkinterfaces", `{"kind":"NetworkInterface","spec":{"networkRef":{"name":"net"},"ipFamilies":["IPv4"],"ips":[{"value":"10.0.0.1"}]}}`,
		`{"state":"Available","ips":["10.0.0.1"]}`},
	{"loadbalancers", `{"kind":"LoadBalancer","spec":{"type":"Public","networkRef":{"name":"net"},"ipFamilies":["IPv4"],
		"ports":[{"protocol":"TCP","port":80}]}}`, `{"ips":["203.0.113.1"]}`},
	{"loadbalancerroutings", `{"kind":"LoadBalancerRouting","networkRef":{"name":"net","uid":""},"destinations":[{"ip":"10.0.0.1"}]}`, ""},
	{"natgateways", `{"kind":"NATGateway","spec":{"type":"Public","ipFamily":"IPv4","networkRef":{"name":"net"}}}`, `{"ips":["203.0.113.2"]}`},
	{"networkpolicies.networking.ironcore.dev", `{"kind":"NetworkPolicy","spec":{"networkRef":{"name":"net"},"networkInterfaceSelector":{"matchLabels":{"app":"web"}},
		"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}],"policyTypes":["Ingress"]}}`, `{"conditions":[]}`},
	{"virtualips", `{"kind":"VirtualIP","spec":{"type":"Public","ipFamily":"IPv4"}}`, `{"ip":"203.0.113.3"}`},
}

// What a platform exports, a tenant applies elsewhere by every verb: what the server and the provider wrote in it is dropped,
// with a warning where somebody might count on it.
func TestATenantAppliesExportedObjectsOfEveryKind(t *testing.T) {
	type object = map[string]any
	from, to := newNamespace(t), newNamespace(t)
	platform, user := admin(t), tenant(t, to, "edit")
	decode := func(text string) (decoded object) {
		if err := json.Unmarshal([]byte(text), &decoded); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return decoded
	}
	encode := func(value any) string {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	platform.create(t, from, network("peer", "a"))
	for _, kind := range exported {
		manifest := decode(kind.manifest)
		manifest["apiVersion"], manifest["metadata"] = "networking.ironcore.dev/v1alpha1", object{"name": "a", "namespace": from}
		platform.kubectlWith(t, encode(manifest), "create", "-f", "-")
		if kind.resource == "networkinterfaces" {
			platform.kubectl(t, "patch", kind.resource, "a", "-n", from, "--type=merge", "-p", `{"spec":{"providerID":"e2e://nic"}}`)
		}
		if kind.status != "" {
			platform.kubectl(t, "patch", kind.resource, "a", "-n", from, "--subresource=status", "--type=merge", "-p", `{"status":`+kind.status+`}`)
		}
	}
	platform.settles(t, 30*time.Second, from, "a", bound)

	for _, kind := range exported {
		stored := decode(platform.kubectl(t, "get", kind.resource, "a", "-n", from, "-o", "json"))
		asked := decode(kind.manifest)
		hasID := kind.resource == "networks" || kind.resource == "networkinterfaces"
		if spec, _ := stored["spec"].(object); hasID && spec["providerID"] == nil {
			t.Fatalf("%s: nothing of a provider is in %v", kind.resource, spec)
		}
		metadata := stored["metadata"].(object)
		metadata["namespace"] = to
		delete(metadata, "uid") // It means one object alone, as resourceVersion does: Kubernetes refuses both elsewhere.
		delete(metadata, "resourceVersion")
		delete(metadata, "finalizers")
		var operations []object
		for name, value := range stored {
			if name != "apiVersion" && name != "kind" && name != "metadata" {
				operations = append(operations, object{"op": "add", "path": "/" + name, "value": value})
			}
		}
		for _, step := range []struct {
			how   string
			stdin any
			args  []string
		}{
			{"client-side apply that creates", stored, []string{"apply", "-f", "-"}},
			{"client-side apply", stored, []string{"apply", "-f", "-"}},
			{"server-side apply", stored, []string{"apply", "--server-side", "--force-conflicts", "-f", "-"}},
			{"replace", stored, []string{"replace", "-f", "-"}},
			{"merge patch", nil, []string{"patch", kind.resource, "a", "-n", to, "--type=merge", "-p", encode(stored)}},
			{"strategic patch", nil, []string{"patch", kind.resource, "a", "-n", to, "--type=strategic", "-p", encode(stored)}},
			{"JSON patch", nil, []string{"patch", kind.resource, "a", "-n", to, "--type=json", "-p", encode(operations)}},
			{"delete", nil, []string{"delete", kind.resource, "a", "-n", to}},
			{"server-side apply that creates", stored, []string{"apply", "--server-side", "-f", "-"}},
			{"delete", nil, []string{"delete", kind.resource, "a", "-n", to}},
			{"create", stored, []string{"create", "-f", "-"}},
		} {
			stdin := ""
			if step.stdin != nil {
				stdin = encode(step.stdin)
			}
			for _, args := range [][]string{append(slices.Clone(step.args), "--dry-run=server"), step.args} {
				out, err := shared.Kubectl(t.Context(), user.User, stdin, args...)
				if err != nil {
					t.Errorf("%s by %s: %v\n%s", kind.resource, step.how, err, out)
				}
				if hasID && step.how != "delete" && !strings.Contains(out, "spec.providerID: setting it needs permission") && err == nil {
					t.Errorf("%s by %s: no warning that the providerID is dropped:\n%s", kind.resource, step.how, out)
				}
			}
			if step.how == "delete" {
				continue
			}
			got := decode(user.kubectl(t, "get", kind.resource, "a", "-n", to, "-o", "json"))
			want, where := asked, got
			if spec, ok := asked["spec"].(object); ok {
				want, where = spec, got["spec"].(object)
			}
			for name, value := range want {
				if name != "kind" && !reflect.DeepEqual(where[name], value) {
					t.Errorf("%s by %s: %s is %v, want %v", kind.resource, step.how, name, where[name], value)
				}
			}
			for _, name := range []string{"providerID", "incomingPeerings"} {
				there, _ := stored["spec"].(object)
				if spec, _ := got["spec"].(object); spec[name] != nil && reflect.DeepEqual(spec[name], there[name]) {
					t.Errorf("%s by %s: spec.%s of elsewhere is taken: %v", kind.resource, step.how, name, spec[name])
				}
			}
		}
	}
}
