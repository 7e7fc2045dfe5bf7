// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"ironcore.dev/networking/internal/compare"
)

// lax are objects that the other server stores and this one would refuse, each with a change of something else in it.
var lax = map[string]struct {
	kind, object, other string
	// onlyPatches tells that the object is larger than what may be sent.
	onlyPatches bool
}{
	"a range with host bits": {
		kind:   "Network",
		object: "spec: {peerings: [{name: p, networkRef: {name: x}, prefixes: [{name: a, prefix: 10.0.0.7/24, prefixRef: {}}]}]}",
		other:  "spec: {peerings: [{name: q, networkRef: {name: z}}]}",
	},
	"a range and a reference at once, and neither": {
		kind: "Network",
		object: "spec: {peerings: [{name: p, networkRef: {name: x}, prefixes: [" +
			"{name: a, prefix: 10.0.0.0/24, prefixRef: {name: b}}, {name: c, prefixRef: {}}]}]}",
		other: "spec: {peerings: [{name: q, networkRef: {name: z}}]}",
	},
	"a malformed namespace of a peer": {
		kind: "Network", object: "spec: {peerings: [{name: p, networkRef: {name: x, namespace: NOT.A.LABEL}}]}",
		other: "spec: {peerings: [{name: q, networkRef: {name: z}}]}",
	},
	"a provider ID with spaces and more than fits": {
		kind: "Network", object: "spec: {providerID: 'x:// " + strings.Repeat("a ", 2000) + "'}",
		other: "spec: {peerings: [{name: q, networkRef: {name: z}}]}",
	},
	"claims that anybody wrote": {
		kind:   "Network",
		object: "spec: {incomingPeerings: [{name: x, namespace: t2, uid: ''}, {name: z, namespace: t1, uid: BAD_!}]}\nstatus: {state: Available}",
		other:  "spec: {peerings: [{name: q, networkRef: {name: z}}]}",
	},
	"more peerings than there may be": {
		kind: "Network", object: "spec: {peerings: [" + items(1100, "{name: p%[1]d, networkRef: {name: x%[1]d}}") + "]}\nstatus: {state: Available}",
		other:       "metadata: {annotations: {a: b}}",
		onlyPatches: true,
	},
	"a state and items of the status that there are not": {
		kind: "Network", object: "spec: {peerings: [{name: p, networkRef: {name: x}}]}\n" +
			"status: {state: Weird, peerings: [{name: p, state: Odd, prefixes: [{name: BAD_!, prefix: 10.0.0.9/8}]}, {name: '', state: Ready}]}",
		other: "spec: {peerings: [{name: q, networkRef: {name: z}}]}",
	},
	"a Machine without UID": {
		kind: "NetworkInterface", object: nic("machineRef: {name: m, uid: ''}"), other: "spec: {ips: [{value: 10.0.0.2}]}",
	},
	"addresses that no machine has": {
		kind: "NetworkInterface", object: "spec: {networkRef: {name: net}, ipFamilies: [IPv4, IPv6], ips: [{value: 224.0.0.1}, {value: '::ffff:1.2.3.4'}]}",
		other: "spec: {machineRef: {name: m, uid: 7d0f0f9e-6d0b-4a59-9d3b-0f3f2a2b0c01}}",
	},
	"prefixes with host bits, and twice": {
		kind: "NetworkInterface", object: nic("prefixes: [{value: 10.7.7.7/24}, {value: 10.7.7.7/24}]"), other: "spec: {ips: [{value: 10.0.0.2}]}",
	},
	"a policy that there is not": {
		kind: "NetworkInterface",
		object: nic("virtualIP: {ephemeral: {virtualIPTemplate: {metadata: {}, " +
			"spec: {type: Public, ipFamily: IPv4, reclaimPolicy: Foo}}}}"),
		other: "spec: {ips: [{value: 10.0.0.2}]}",
	},
	"more attributes than there may be": {
		kind: "NetworkInterface", object: nic("attributes: {" + items(300, "a%d: b") + "}"), other: "spec: {ips: [{value: 10.0.0.2}]}",
	},
	"a status of an interface that means nothing": {
		kind: "NetworkInterface",
		object: nic("providerID: 'a b'") + "\nstatus: {state: SomethingElse, ips: [10.7.0.7, 10.7.0.7, 10.7.0.7, '::1'], prefixes: [10.7.7.7/24], " +
			"virtualIP: '::ffff:1.2.3.4'}",
		other: "spec: {ips: [{value: 10.0.0.2}]}",
	},
	"ports and protocols that there are not": {
		kind: "LoadBalancer", object: "spec: {type: Public, ipFamilies: [IPv4], networkRef: {name: net}, ports: [{port: 0, protocol: FOO}]}",
		other: "spec: {networkInterfaceSelector: {}}",
	},
	"a last port before the first": {
		kind: "LoadBalancer", object: "spec: {type: Public, ipFamilies: [IPv4], networkRef: {name: net}, ports: [{port: 99999, endPort: 5}]}",
		other: "spec: {ipFamilies: [IPv4, IPv6]}",
	},
	"a status of a LoadBalancer that means nothing": {
		kind: "LoadBalancer", object: "spec: {type: Public, ipFamilies: [IPv4], networkRef: {name: net}}\nstatus: {ips: ['::ffff:1.2.3.4', '::1', '::1']}",
		other: "spec: {ipFamilies: [IPv4, IPv6]}",
	},
	"a routing of nothing": {
		kind: "LoadBalancerRouting", object: "networkRef: {name: '', uid: ''}\ndestinations: null", other: "destinations: [{ip: 10.0.0.1}]",
	},
	"a routing of malformed names": {
		kind: "LoadBalancerRouting",
		object: "networkRef: {name: BAD_!, uid: BAD_!}\ndestinations: [{ip: 10.0.0.1}, {ip: 10.0.0.1}, " +
			"{ip: '::ffff:1.2.3.4', targetRef: {name: nic, uid: '', providerID: 'a b'}}]",
		other: "metadata: {annotations: {a: b}}",
	},
	"more ports than an address has": {
		kind: "NATGateway", object: "spec: {type: Public, ipFamily: IPv4, networkRef: {name: net}, portsPerNetworkInterface: 1073741824}",
		other: "spec: {ipFamily: IPv6}",
	},
	"ranges of a policy with host bits": {
		kind: "NetworkPolicy",
		object: "spec: {networkRef: {name: net}, networkInterfaceSelector: {}, policyTypes: [Ingress], " +
			"ingress: [{from: [{ipBlock: {cidr: 10.1.2.3/8, except: [10.1.2.3/16, 10.1.2.3/16]}}], ports: [{port: 1, endPort: 70000}]}]}",
		other: "spec: {egress: [{}]}",
	},
	"conditions without reason or status, and twice": {
		kind: "NetworkPolicy",
		object: "spec: {networkRef: {name: net}, networkInterfaceSelector: {}, policyTypes: [Ingress]}\n" +
			"status: {conditions: [{type: A, status: '', reason: '', message: ''}, {type: A, status: Odd, reason: a b, message: ''}, " +
			"{type: '', status: 'True', reason: '', message: ''}]}",
		other: "spec: {egress: [{}]}",
	},
	"a target without UID": {
		kind: "VirtualIP", object: "spec: {type: Public, ipFamily: IPv4, targetRef: {name: nic, uid: ''}}\nstatus: {ip: '::1'}",
		other: "metadata: {annotations: {a: b}}",
	},
}

func items(count int, format string) string {
	list := make([]string, count)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(list, ", ")
}

func nic(more string) string {
	return "spec: {networkRef: {name: net}, ipFamilies: [IPv4], ips: [{value: 10.0.0.1}], " + more + "}"
}

// put stores the lax objects as the other server does, and returns them by their sentences.
func (i *installation) put(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	objects := make(map[string]*unstructured.Unstructured, len(lax))
	for n, sentence := range slices.Sorted(maps.Keys(lax)) {
		tc := lax[sentence]
		name := fmt.Sprintf("lax-%d", n)
		document := fmt.Sprintf("kind: %s\napiVersion: networking.ironcore.dev/v1alpha1\nmetadata: {namespace: t1, name: %s, "+
			"uid: 00000000-0000-0000-0000-%012d, creationTimestamp: '2026-11-25T03:52:55Z'}\n%s", tc.kind, name, n, tc.object)
		value, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatalf("%s: %v", sentence, err)
		}
		if _, err := i.raw.Put(t.Context(), group+plurals[tc.kind]+"/t1/"+name, string(value)); err != nil {
			t.Fatal(err)
		}
		objects[sentence] = &unstructured.Unstructured{}
		if err := objects[sentence].UnmarshalJSON(value); err != nil {
			t.Fatalf("%s: %v", sentence, err)
		}
	}
	return objects
}

func TestWhatIsRefusedTodayIsReadWrittenAndDeleted(t *testing.T) {
	t.Parallel()
	for flags, sentence := range map[string]string{"--controllers=": "alone", "--controllers=*": "beside the controllers"} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			i := restore(t)
			objects := i.put(t)
			s := i.serve(t, flags)
			for sentence, object := range objects {
				t.Run(sentence, func(t *testing.T) {
					if flags == "--controllers=" {
						for _, difference := range compare.Objects([]unstructured.Unstructured{*object}, []unstructured.Unstructured{*s.get(t, object)}) {
							t.Error("read: ", difference)
						}
					}
					s.writeAndDelete(t, object, lax[sentence].other, lax[sentence].onlyPatches)
				})
			}
			var left []string
			poll(t, func() bool {
				left = nil
				for key := range i.objects(t) {
					if strings.Contains(key, "/lax-") {
						left = append(left, key)
					}
				}
				return len(left) == 0
			}, func() any { return left })
			s.isWell(t)
			if diff := cmp.Diff(others(i.restored), others(i.objects(t))); diff != "" {
				t.Errorf("what etcd has of other groups (-restored +now):\n%s", diff)
			}
		})
	}
}

// writeAndDelete tries every verb on an object.
func (s *served) writeAndDelete(t *testing.T, object *unstructured.Unstructured, other string, onlyPatches bool) {
	t.Helper()
	change, err := yaml.YAMLToJSON([]byte(other))
	if err != nil {
		t.Fatal(err)
	}
	try := func(step string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %.2000v", step, err)
		}
	}
	patch := func(kind types.PatchType, patch string) error {
		_, err := s.of(object).Patch(t.Context(), object.GetName(), kind, []byte(patch), metav1.PatchOptions{})
		return err
	}
	asRead := func() *unstructured.Unstructured {
		object := s.get(t, object)
		object.SetResourceVersion("")
		return object
	}
	try("a finalizer", patch(types.MergePatchType, `{"metadata":{"finalizers":["example.com/f"]}}`))
	if !onlyPatches {
		_, err = s.of(object).Update(t.Context(), asRead(), metav1.UpdateOptions{})
		try("an update as read", err)
		if object.GetKind() != "LoadBalancerRouting" {
			_, err = s.of(object).UpdateStatus(t.Context(), asRead(), metav1.UpdateOptions{})
			try("a status as read", err)
		}
	}
	try("a change of something else", patch(types.StrategicMergePatchType, string(change)))
	try("the deletion", s.of(object).Delete(t.Context(), object.GetName(), metav1.DeleteOptions{}))
	try("a label while it is being deleted", patch(types.MergePatchType, `{"metadata":{"labels":{"written":"yes"}}}`))
	try("the end of its finalizer", patch(types.MergePatchType, `{"metadata":{"finalizers":null}}`))
}
