// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package kstatus looks at objects of the real server with the library by which tools wait for objects: an object is done when
// what was asked of it last is in force, and at no other time.
package kstatus

import (
	"os"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/race"
	"ironcore.dev/networking/test/standalone"
)

const namespace = "team-a"

func TestMain(m *testing.M) { os.Exit(race.Watch(m.Run)) }

func TestToolsWaitForWhatIsAsked(t *testing.T) {
	client := startServer(t)
	for _, kind := range []struct {
		kind, plural string
		spec         map[string]any
		// report is what the provider says when the spec is in force, and trouble when it can't be.
		report, trouble string
		// change is one of the spec that has to be realized.
		change string
	}{
		{
			kind: "Network", plural: "networks",
			spec:   map[string]any{},
			report: `{"status":{"state":"Available"}}`, trouble: `{"status":{"state":"Error"}}`,
		},
		{
			kind: "NetworkInterface", plural: "networkinterfaces",
			spec:   map[string]any{"networkRef": ref("net"), "ipFamilies": []any{"IPv4"}, "ips": []any{map[string]any{"value": "10.0.0.1"}}},
			report: `{"status":{"state":"Available","ips":["10.0.0.1"]}}`, trouble: `{"status":{"state":"Error"}}`,
			change: `{"spec":{"ips":[{"value":"10.0.0.2"}]}}`,
		},
		{
			kind: "LoadBalancer", plural: "loadbalancers",
			spec:   map[string]any{"type": "Public", "networkRef": ref("net"), "ipFamilies": []any{"IPv4"}},
			report: `{"status":{"ips":["192.0.2.1","2001:db8::1"]}}`, trouble: `{"status":{"ips":null}}`,
		},
		{
			kind: "NATGateway", plural: "natgateways",
			spec:   map[string]any{"type": "Public", "ipFamily": "IPv4", "networkRef": ref("net")},
			report: `{"status":{"ips":["192.0.2.2"]}}`, trouble: `{"status":{"ips":null}}`,
			change: `{"spec":{"ipFamily":"IPv6"}}`,
		},
		{
			kind: "VirtualIP", plural: "virtualips",
			spec:   map[string]any{"type": "Public", "ipFamily": "IPv4"},
			report: `{"status":{"ip":"192.0.2.3"}}`, trouble: `{"status":{"ip":null}}`,
		},
	} {
		t.Run(kind.kind, func(t *testing.T) {
			objects := client.Resource(v1alpha1.SchemeGroupVersion.WithResource(kind.plural)).Namespace(namespace)
			expect := func(want status.Status, when string) {
				t.Helper()
				object, err := objects.Get(t.Context(), "a", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				result, err := status.Compute(object)
				if err != nil {
					t.Fatal(err)
				}
				if result.Status != want {
					t.Errorf("%s it is %s: %s, want %s\n%v", when, result.Status, result.Message, want, object.Object["status"])
				}
			}
			patch := func(patch string, subresources ...string) {
				t.Helper()
				if _, err := objects.Patch(t.Context(), "a", types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...); err != nil {
					t.Fatal(err)
				}
			}
			object := &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": kind.kind, "spec": kind.spec,
				"metadata": map[string]any{"name": "a", "finalizers": []any{"example.com/hold"}},
			}}
			if _, err := objects.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			expect(status.InProgressStatus, "from its creation on")
			patch(kind.report, "status")
			expect(status.CurrentStatus, "in force")
			patch(`{"metadata":{"labels":{"a":"b"}}}`)
			expect(status.CurrentStatus, "after a change that asks for nothing")
			patch(kind.trouble, "status")
			expect(status.InProgressStatus, "in trouble")
			patch(kind.report, "status")
			expect(status.CurrentStatus, "in force again")
			if kind.change != "" {
				patch(kind.change)
				expect(status.InProgressStatus, "after a change that is to be realized")
			}
			if err := objects.Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			expect(status.TerminatingStatus, "while it is being deleted")
			patch(`{"metadata":{"finalizers":null}}`)
		})
	}
	t.Run("kinds of which nobody reports anything are done at once", func(t *testing.T) {
		for plural, object := range map[string]map[string]any{
			"networkpolicies": {"kind": "NetworkPolicy", "spec": map[string]any{
				"networkRef": ref("net"), "networkInterfaceSelector": map[string]any{}, "policyTypes": []any{"Ingress"},
			}},
			"loadbalancerroutings": {"kind": "LoadBalancerRouting", "networkRef": ref("net"), "destinations": []any{}},
		} {
			object["apiVersion"], object["metadata"] = v1alpha1.SchemeGroupVersion.String(), map[string]any{"name": "a"}
			created, err := client.Resource(v1alpha1.SchemeGroupVersion.WithResource(plural)).Namespace(namespace).
				Create(t.Context(), &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if result, err := status.Compute(created); err != nil || result.Status != status.CurrentStatus {
				t.Errorf("%s: %v, %v", plural, result, err)
			}
		}
	})
}

func ref(name string) map[string]any { return map[string]any{"name": name} }

// startServer starts a server without a provider, whose part the test plays.
func startServer(t *testing.T) dynamic.Interface {
	t.Helper()
	program, err := standalone.Program("../../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server := standalone.ForTest(t, program, "--network-provider=external")
	config, err := server.Config()
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
