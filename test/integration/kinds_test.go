// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plainKinds are the kinds of which users write the spec and the provider the status, each with what it is tried with.
var plainKinds = map[string]struct {
	// spec is what is created, and other a change of it.
	spec, other string
	// path and value are where the change is seen.
	path, value string
	// status is what a provider reports; cell is how the table shows it, blank without it. Empty of a kind without a status.
	status, cell, blank string
	// columns are the first of the table, which the group's other server has too.
	columns []string
	// selector selects the object, where more than name and namespace do.
	selector string
}{
	"loadbalancer": {
		spec:     `"spec":{"type":"Internal","ips":[{"value":"10.0.0.1"}],"networkRef":{"name":"net"},"ports":[{"port":80}]}`,
		other:    `"spec":{"ports":[{"port":443}]}`,
		path:     "{.spec.ports[*].port}{.spec.ipFamilies}",
		value:    `443["IPv4"]`,
		status:   `"ips":["10.0.0.1"]`,
		cell:     "10.0.0.1",
		blank:    "None",
		columns:  []string{"NAME", "IPS", "AGE"},
		selector: "spec.networkRef.name=net",
	},
	"natgateway": {
		spec:     `"spec":{"type":"Public","ipFamily":"IPv4","networkRef":{"name":"net"}}`,
		other:    `"spec":{"portsPerNetworkInterface":64}`,
		path:     "{.spec.portsPerNetworkInterface}",
		value:    "64",
		status:   `"ips":["192.0.2.1","192.0.2.2"]`,
		cell:     "192.0.2.1,192.0.2.2",
		blank:    "None",
		columns:  []string{"NAME", "IPS", "AGE"},
		selector: "spec.networkRef.name=net",
	},
	"networkpolicy": {
		spec:     `"spec":{"networkRef":{"name":"net"},"networkInterfaceSelector":{},"egress":[{}]}`,
		other:    `"spec":{"ingress":[{"from":[{"objectSelector":{"kind":"VirtualIP","matchLabels":{"a":"b"}}}]}]}`,
		path:     "{.spec.ingress[0].from[0].objectSelector.matchLabels.a}{.spec.policyTypes}",
		value:    `b["Egress","Ingress"]`,
		status:   `"conditions":[{"type":"Enforced","status":"True","reason":"Done","message":""}]`,
		cell:     "<none>",
		blank:    "<none>",
		columns:  []string{"NAME", "NETWORK", "NIC-SELECTOR", "AGE"},
		selector: "spec.networkRef.name=net",
	},
	"virtualip": {
		spec:     `"spec":{"type":"Public","ipFamily":"IPv6"}`,
		other:    `"spec":{"targetRef":{"name":"nic","uid":""}}`,
		path:     "{.spec.targetRef.name}",
		value:    "nic",
		status:   `"ip":"2001:db8::1"`,
		cell:     "2001:db8::1",
		blank:    "None",
		columns:  []string{"NAME", "EXTERNALIP", "AGE"},
		selector: "spec.targetRef.name=nic",
	},
	"loadbalancerrouting": {
		spec:     `"networkRef":{"name":"net","uid":""},"destinations":[]`,
		other:    `"destinations":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"},{"ip":"10.0.0.3"},{"ip":"10.0.0.4"}]`,
		path:     "{.destinations[*].ip}",
		value:    "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4",
		cell:     "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more",
		blank:    "<unset>",
		columns:  []string{"NAME", "TARGETS", "AGE"},
		selector: "networkRef.name=net",
	},
}

// displayOf are the names of the kinds in manifests.
var displayOf = map[string]string{
	"loadbalancer": "LoadBalancer", "natgateway": "NATGateway", "networkpolicy": "NetworkPolicy",
	"virtualip": "VirtualIP", "loadbalancerrouting": "LoadBalancerRouting",
}

func TestEveryVerbOnPlainKinds(t *testing.T) {
	t.Parallel()
	for kind, tc := range plainKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := newNamespace(t, shared)
			manifest := func(name string) string {
				// The provider of this server leaves alone what somebody else manages.
				return fmt.Sprintf(`{"apiVersion":"networking.ironcore.dev/v1alpha1","kind":%q,"metadata":{"name":%q,
					"annotations":{"common.ironcore.dev/managed-by":"test"}},%s}`, displayOf[kind], name, tc.spec)
			}
			get := func(name, path string) string {
				t.Helper()
				return n.kubectl(t, "get", kind, name, "-o", "jsonpath="+path)
			}
			// Whom a VirtualIP leads to has to be there, else the virtual-ip controller frees it.
			n.kubectlWithInput(t, `{"apiVersion":"networking.ironcore.dev/v1alpha1","kind":"NetworkInterface","metadata":{"name":"nic"},
				"spec":{"networkRef":{"name":"net"},"ips":[{"value":"10.0.0.9"}]}}`, "create", "-f-")
			for how, args := range map[string][]string{
				"created": {"create", "-f-"}, "applied": {"apply", "-f-"}, "server-applied": {"apply", "--server-side", "-f-"},
			} {
				n.kubectlWithInput(t, manifest(how), args...)
				if got := get(how, "{.metadata.generation}"); got != "1" {
					t.Errorf("%s: generation %s, want 1", how, got)
				}
			}
			n.kubectlWithInput(t, manifest("created"), "replace", "-f-")
			n.kubectlWithInput(t, manifest("applied"), "apply", "-f-")
			for how, verb := range map[string]string{"created": "merge", "applied": "strategic"} {
				n.kubectl(t, "patch", kind, how, "--type="+verb, "-p", "{"+tc.other+"}")
				if got := get(how, tc.path); got != tc.value {
					t.Errorf("after a %s patch %s is %q, want %q", verb, tc.path, got, tc.value)
				}
				if got := get(how, "{.metadata.generation}"); got != "2" {
					t.Errorf("after a %s patch the generation is %s, want 2", verb, got)
				}
			}
			n.kubectl(t, "patch", kind, "server-applied", "--type=json", "-p", `[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]`)
			if got := get("server-applied", "{.metadata.labels.a}{.metadata.generation}"); got != "b1" {
				t.Errorf("after a JSON patch of a label the label and generation are %q, want b1", got)
			}
			header := strings.Fields(strings.SplitN(n.kubectl(t, "get", kind), "\n", 2)[0])
			if diff := cmp.Diff(tc.columns, header); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
			checkContains(t, n.kubectl(t, "get", kind, "server-applied"), tc.blank)
			if got := n.kubectl(t, "get", kind, "--field-selector="+tc.selector, "-o", "jsonpath={.items[*].metadata.name}"); !strings.Contains(got, "applied") {
				t.Errorf("%s selects %q", tc.selector, got)
			}
			if tc.status != "" {
				n.kubectl(t, "patch", kind, "applied", "--subresource=status", "--type=merge", "-p", `{"status":{`+tc.status+`},"spec":null}`)
				ready := `{.status.conditions[?(@.type=="Ready")].status}{.status.observedGeneration}{.metadata.generation}`
				if got := get("applied", ready); got != "True22" {
					t.Errorf("after a report Ready and the generations are %q, want True22", got)
				}
				// A write of the object itself leaves the status alone.
				n.kubectl(t, "patch", kind, "applied", "--type=merge", "-p", `{"status":null}`)
				if got := get("applied", ready); got != "True22" {
					t.Errorf("after a write of the object Ready and the generations are %q, want True22", got)
				}
			}
			checkContains(t, n.kubectl(t, "get", kind, "applied"), tc.cell)
			n.kubectl(t, "delete", kind, "--all")
			if got := n.kubectl(t, "get", kind, "-o", "name"); got != "" {
				t.Errorf("after the deletion of all there are %q", got)
			}
		})
	}
}

func TestAPublicLoadBalancerHasNoAddressesOfItsOwn(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	said := n.kubectlWithInput(t, `{"apiVersion":"networking.ironcore.dev/v1alpha1","kind":"LoadBalancer","metadata":{"name":"a"},
		"spec":{"type":"Public","ips":[{"value":"10.0.0.1"}],"networkRef":{"name":"net"}}}`, "create", "-f-")
	checkContains(t, said, "spec.ips: dropped, the network provider chooses the addresses of a Public LoadBalancer")
	if got := n.kubectl(t, "get", "lb", "a", "-o", "jsonpath={.spec.ipFamilies}{.spec.ips}"); got != `["IPv4"]` {
		t.Errorf("families and addresses are %s, want the family alone", got)
	}
}

func TestLoadBalancersAndVirtualIPsFollowTheirInterfaces(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	const version = `"apiVersion":"networking.ironcore.dev/v1alpha1"`
	nic := func(name, app, more string) string {
		return fmt.Sprintf(`{%s,"kind":"NetworkInterface","metadata":{"name":%q,"labels":{"app":%q}},"spec":{"networkRef":{"name":"net"},
			"ipFamilies":["IPv4"],"ips":[{"value":%s}}`, version, name, app, more)
	}
	n.kubectlWithInput(t, strings.Join([]string{
		`{` + version + `,"kind":"Network","metadata":{"name":"net"}}`,
		`{` + version + `,"kind":"LoadBalancer","metadata":{"name":"lb"},"spec":{"type":"Public","ipFamilies":["IPv4"],
			"networkRef":{"name":"net"},"networkInterfaceSelector":{"matchLabels":{"app":"web"}}}}`,
		nic("a", "web", `"10.0.0.1"}]`), nic("b", "web", `"10.0.0.2"}]`), nic("c", "db",
			`"10.0.0.3"}],"virtualIP":{"ephemeral":{"virtualIPTemplate":{"spec":{"type":"Public","ipFamily":"IPv4"}}}}`),
	}, "\n"), "create", "-f-")
	n.kubectl(t, "wait", "loadbalancerrouting/lb", "--for=jsonpath={.destinations[1].ip}=10.0.0.2", "--timeout=30s")
	n.kubectl(t, "wait", "virtualip/c", "--for=jsonpath={.spec.targetRef.name}=c", "--timeout=30s")

	// What is gone is routed to no more, and its VirtualIP goes with it, also without a garbage collector.
	n.kubectl(t, "delete", "networkinterface", "a", "c")
	n.kubectl(t, "wait", "loadbalancerrouting/lb", "--for=jsonpath={.destinations[0].ip}=10.0.0.2", "--timeout=30s")
	n.kubectl(t, "wait", "virtualip/c", "--for=delete", "--timeout=30s")
	n.kubectl(t, "delete", "loadbalancer", "lb")
	n.kubectl(t, "wait", "loadbalancerrouting/lb", "--for=delete", "--timeout=30s")
}
