// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package deploy_test renders the kustomize overlays and the Helm chart, holds the one against the other, and checks
// what no installation may lack: least privilege, restricted pods, addresses that fit.
package deploy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"ironcore.dev/networking/test/monitoring"
)

// installation is one choice of what to install, as components of kustomize and as values of the chart.
type installation struct {
	components []string
	values     string
}

var installations = map[string]installation{
	"one replica, the server's own certificate": {
		components: []string{"embedded-etcd", "serving-cert"},
		values:     "mode=single",
	},
	"three replicas, the server's own certificate": {
		components: []string{"etcd-cluster", "serving-cert"},
		values:     "mode=ha",
	},
	"one replica, Networks that OVN carries": {
		components: []string{"embedded-etcd", "serving-cert", "ovn"},
		values: "mode=single,networkProvider.name=ovn,networkProvider.ovn.nb=ssl:ovn-nb.example.com:6641," +
			"networkProvider.ovn.tlsSecretName=network-apiserver-ovn",
	},
	"one replica, everything optional": {
		components: []string{"embedded-etcd", "cert-manager", "encryption", "monitoring"},
		values: "mode=single,certManager.enabled=true,monitoring.enabled=true," +
			"encryptionSecretName=network-apiserver-encryption",
	},
	"three replicas, everything optional": {
		components: []string{"etcd-cluster", "cert-manager", "etcd-cert-manager", "encryption", "monitoring", "backup"},
		values: "mode=ha,certManager.enabled=true,monitoring.enabled=true,backup.enabled=true," +
			"encryptionSecretName=network-apiserver-encryption",
	},
}

func TestChartAndKustomizeInstallTheSame(t *testing.T) {
	for name, installation := range installations {
		t.Run(name, func(t *testing.T) {
			fromKustomize, fromChart := kustomize(t, installation), chart(t, installation)
			// Helm makes the namespace itself, and the chart has what makes certificates of etcd, and a test.
			delete(fromKustomize, "Namespace/network-system")
			maps.DeleteFunc(fromChart, func(_ string, object *unstructured.Unstructured) bool { return isHook(object) })
			if diff := cmp.Diff(normalized(fromKustomize), normalized(fromChart)); diff != "" {
				t.Errorf("kustomize (-) and chart (+) differ:\n%s", diff)
			}
		})
	}
}

func TestOverlaysAreTheInstallationsOfTheSameKind(t *testing.T) {
	for overlay, name := range map[string]string{
		"single": "one replica, the server's own certificate",
		"ha":     "three replicas, the server's own certificate",
	} {
		t.Run(overlay, func(t *testing.T) {
			got := decode(t, run(t, "kustomize", "build", filepath.Join("kustomize", "overlays", overlay)))
			if diff := cmp.Diff(kustomize(t, installations[name]), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChartFollowsItsNamespace(t *testing.T) {
	out := run(t, "helm", "template", "network-apiserver", "charts/network-apiserver", "--namespace", "elsewhere",
		"--set", "mode=ha,certManager.enabled=true,monitoring.enabled=true")
	if i := bytes.Index(out, []byte("network-system")); i >= 0 {
		t.Errorf("network-system in the rendering for another namespace:\n%s", out[max(0, i-200):i+50])
	}
}

// TestNetworkPoliciesLeaveOtherPodsAlone renders into a namespace that others use, and asks of every policy whom it selects.
func TestNetworkPoliciesLeaveOtherPodsAlone(t *testing.T) {
	others := map[string]labels.Set{
		"a pod without labels":     {},
		"DNS":                      {"k8s-app": "kube-dns", "pod-template-hash": "5d78c9869d"},
		"kube-apiserver":           {"component": "kube-apiserver", "tier": "control-plane"},
		"the etcd of Kubernetes":   {"component": "etcd", "tier": "control-plane"},
		"another etcd":             {"app.kubernetes.io/name": "etcd", "app.kubernetes.io/part-of": "network-apiserver"},
		"another server":           {"app.kubernetes.io/name": "metrics-server", "app.kubernetes.io/managed-by": "Helm"},
		"Prometheus in that place": {"app.kubernetes.io/name": "prometheus"},
	}
	for name, installation := range installations {
		t.Run(name, func(t *testing.T) {
			chart := decode(t, run(t, "helm", "template", "network-apiserver", "charts/network-apiserver",
				"--namespace", "kube-system", "--set", installation.values))
			for renderer, objects := range map[string]map[string]*unstructured.Unstructured{
				"chart": chart, "kustomize": kustomize(t, installation),
			} {
				var own []labels.Set
				policies := 0
				for key, object := range objects {
					if isHook(object) {
						continue // It runs before the policies are there.
					}
					if template, ok, _ := unstructured.NestedStringMap(object.Object, "spec", "template", "metadata", "labels"); ok {
						own = append(own, template)
					}
					if object.GetKind() != "NetworkPolicy" {
						continue
					}
					policies++
					policy := typed[networkingv1.NetworkPolicy](t, objects, key).Spec
					selector, err := metav1.LabelSelectorAsSelector(&policy.PodSelector)
					if err != nil {
						t.Fatal(err)
					}
					for other, set := range others {
						if selector.Matches(set) {
							t.Errorf("%s: %s selects %s", renderer, key, other)
						}
					}
					for _, rule := range policy.Ingress {
						for _, from := range rule.From {
							if from.NamespaceSelector != nil && from.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] == "" {
								t.Errorf("%s: %s lets in pods of namespaces that it does not name", renderer, key)
							}
						}
					}
				}
				for _, set := range own {
					if !slices.ContainsFunc(slices.Collect(maps.Keys(objects)), func(key string) bool {
						if objects[key].GetKind() != "NetworkPolicy" {
							return false
						}
						policy := typed[networkingv1.NetworkPolicy](t, objects, key).Spec
						selector, err := metav1.LabelSelectorAsSelector(&policy.PodSelector)
						return err == nil && selector.Matches(set) && slices.Equal(policy.PolicyTypes,
							[]networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress})
					}) {
						t.Errorf("%s: no policy holds the pods with labels %s", renderer, set)
					}
				}
				if policies == 0 || len(own) == 0 {
					t.Errorf("%s: %d policies for %d kinds of pods", renderer, policies, len(own))
				}
			}
		})
	}
}

func TestChartRefusesWhatItDoesNotKnow(t *testing.T) {
	for values, want := range map[string]string{
		"mode=many":                                "at '/mode': value must be one of 'single', 'ha'",
		"replica=5":                                "additional properties 'replica' not allowed",
		"replicas=5":                               "replicas: an etcd inside the server serves one replica",
		"backup.enabled=true":                      "backup.enabled: an etcd inside the server listens on no port",
		"mode=ha,etcd.mode=embedded":               "at '/etcd/mode': value must be one of '', 'bundled', 'external'",
		"etcd.mode=external":                       "at '/etcd/external/servers': minItems: got 0, want 1",
		"networkProvider.name=ovn":                 "at '/networkProvider/ovn/nb': minLength: got 0, want 1",
		"networkProvider.name=ironcore-net":        "at '/networkProvider/ironcoreNet/kubeconfigSecretName': minLength: got 0, want 1",
		"image.digest=sha256:abc":                  "at '/image/digest'",
		"extraArgs[0]=v=4":                         "at '/extraArgs/0': 'v=4' does not match pattern '^--'",
		"resources.limits.memory=null":             "at '/resources/limits': missing property 'memory'",
		"storage.size=ten":                         "at '/storage/size'",
		"etcd.certificates=none":                   "at '/etcd/certificates': value must be one of 'generate', 'existing'",
		"certManager.enabled=perhaps":              "at '/certManager/enabled': got string, want boolean",
		"networkPolicy.enabled=0":                  "at '/networkPolicy/enabled'",
		"monitoring.serviceMonitor=true":           "additional properties 'serviceMonitor' not allowed",
		"image.pullPolicy=Sometimes":               "at '/image/pullPolicy'",
		"backup.schedule=often":                    "at '/backup/schedule': 'often' does not match pattern",
		"networkProvider.ovn.mtu=many":             "at '/networkProvider/ovn/mtu'",
		"networkProvider.localVirtualIPRange=all":  "at '/networkProvider/localVirtualIPRange': 'all' does not match pattern",
		"priorityClassName=Very High":              "at '/priorityClassName': 'Very High' does not match pattern",
		`podLabels.app\.kubernetes\.io/name=other`: "invalid propertyName 'app.kubernetes.io/name'",
		"tolerations[0]=everything":                "at '/tolerations/0': got string, want object",
		"encryptionSecretName.name=secret":         "at '/encryptionSecretName': got object, want string",
	} {
		t.Run(values, func(t *testing.T) {
			cmd := exec.Command(tool(t, "helm"), "template", "charts/network-apiserver", "--set", values)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), want) {
				t.Errorf("got %v, want an error with %q:\n%s", err, want, out)
			}
		})
	}
}

// TestChartRefusesAnOlderKubernetes, which does not serve all that admission waits for.
func TestChartRefusesAnOlderKubernetes(t *testing.T) {
	for version, want := range map[string]bool{"1.35.9": false, "1.36.0": true, "1.36.0-gke.100": true, "1.37.2": true} {
		cmd := exec.Command(tool(t, "helm"), "template", "charts/network-apiserver", "--kube-version", version)
		if out, err := cmd.CombinedOutput(); (err == nil) != want || !want && !bytes.Contains(out, []byte("requires kubeVersion")) {
			t.Errorf("Kubernetes %s: got %v, want it taken: %t\n%s", version, err, want, out)
		}
	}
}

func TestPermissions(t *testing.T) {
	objects := kustomize(t, installations["three replicas, the server's own certificate"])
	rules := func(key string) []rbacv1.PolicyRule {
		if strings.HasPrefix(key, "Role/") {
			return typed[rbacv1.Role](t, objects, key).Rules
		}
		return typed[rbacv1.ClusterRole](t, objects, key).Rules
	}
	const group = "networking.ironcore.dev"
	for name, tt := range map[string]struct {
		role     string
		want     []string // "verb resource"
		dontWant []string
	}{
		"viewers read": {
			role: "ClusterRole/networking.ironcore.dev:view",
			want: []string{"get networks", "list networks", "watch networks",
				"get networkinterfaces", "list networkinterfaces", "watch networkinterfaces"},
			dontWant: []string{"create networks", "update networks", "update networks/status", "create networks/binding",
				"create networkinterfaces", "update networkinterfaces", "update networkinterfaces/status"},
		},
		"editors write Networks and NetworkInterfaces, but none of what providers and controllers write": {
			role: "ClusterRole/networking.ironcore.dev:edit",
			want: []string{"create networks", "update networks", "patch networks", "delete networks",
				"deletecollection networks", "create networkinterfaces", "update networkinterfaces",
				"patch networkinterfaces", "delete networkinterfaces", "deletecollection networkinterfaces"},
			dontWant: []string{"update networks/status", "patch networks/status", "create networks/binding",
				"update networks/binding", "update networks/finalizers", "create networks/membership", "create networks/realization",
				"update networkinterfaces/status", "patch networkinterfaces/status"},
		},
		"providers write status and finalizers, but no binding": {
			role: "ClusterRole/networking.ironcore.dev:provider",
			want: []string{"get networks", "list networks", "watch networks", "update networks", "patch networks",
				"update networks/status", "patch networks/status", "update networks/finalizers",
				"update networkinterfaces", "update networkinterfaces/status", "update networkinterfaces/finalizers"},
			dontWant: []string{"create networks", "delete networks", "create networks/binding", "create networks/membership",
				"create networks/realization", "create networkinterfaces", "delete networkinterfaces"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			granted := sets.New[string]()
			for _, rule := range rules(tt.role) {
				if !slices.Equal(rule.APIGroups, []string{group}) {
					t.Errorf("grants on API groups %q", rule.APIGroups)
				}
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						granted.Insert(verb + " " + resource)
					}
				}
			}
			// What holds of NetworkInterfaces holds of the other kinds that a provider realizes.
			for _, other := range []string{"loadbalancers", "natgateways", "networkpolicies", "virtualips"} {
				for _, list := range []*[]string{&tt.want, &tt.dontWant} {
					for _, permission := range *list {
						if strings.Contains(permission, "networkinterfaces") {
							*list = append(*list, strings.ReplaceAll(permission, "networkinterfaces", other))
						}
					}
				}
			}
			if missing := sets.New(tt.want...).Difference(granted); missing.Len() > 0 {
				t.Errorf("does not grant %q", sets.List(missing))
			}
			if excess := granted.Intersection(sets.New(append(tt.dontWant, "* *", "* networks")...)); excess.Len() > 0 {
				t.Errorf("grants %q", sets.List(excess))
			}
		})
	}

	t.Run("the built-in roles take up the tenants' roles, and no other", func(t *testing.T) {
		got := map[string][]string{}
		for key, object := range objects {
			for label := range object.GetLabels() {
				if strings.HasPrefix(label, "rbac.authorization.k8s.io/") {
					got[key] = append(got[key], strings.TrimPrefix(label, "rbac.authorization.k8s.io/aggregate-to-"))
				}
			}
			slices.Sort(got[key])
		}
		maps.DeleteFunc(got, func(_ string, labels []string) bool { return len(labels) == 0 })
		want := map[string][]string{
			"ClusterRole/networking.ironcore.dev:view": {"admin", "edit", "view"},
			"ClusterRole/networking.ironcore.dev:edit": {"admin", "edit"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("the server has no wildcard, and of Secrets and APIServices gets its own alone", func(t *testing.T) {
		for key := range objects {
			if !strings.HasPrefix(key, "ClusterRole/network-apiserver") && !strings.HasPrefix(key, "Role/") {
				continue
			}
			for _, rule := range rules(key) {
				for _, s := range slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs) {
					if strings.Contains(s, "*") {
						t.Errorf("%s has the wildcard %q", key, s)
					}
				}
				for _, resource := range []string{"secrets", "configmaps", "apiservices"} {
					if slices.Contains(rule.Resources, resource) && len(rule.ResourceNames) != 1 {
						t.Errorf("%s grants %s on any of %s", key, rule.Verbs, resource)
					}
				}
			}
		}
	})
}

func TestPodsAreRestricted(t *testing.T) {
	for name, installation := range installations {
		t.Run(name, func(t *testing.T) {
			objects := kustomize(t, installation)
			server := typed[appsv1.Deployment](t, objects, "Deployment/network-system/network-apiserver")
			pods := []corev1.PodSpec{server.Spec.Template.Spec}
			if _, ok := objects["StatefulSet/network-system/network-etcd"]; ok {
				etcd := typed[appsv1.StatefulSet](t, objects, "StatefulSet/network-system/network-etcd")
				pods = append(pods, etcd.Spec.Template.Spec)
			}
			for _, pod := range pods {
				if p := pod.SecurityContext; !*p.RunAsNonRoot || *p.RunAsUser == 0 ||
					p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
					t.Errorf("pod security context %v", p)
				}
				for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
					if c := container.SecurityContext; *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem ||
						!slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) {
						t.Errorf("%s: security context %v", container.Name, c)
					}
					for _, arg := range slices.Concat(container.Command, container.Args) {
						if strings.Contains(arg, "insecure") {
							t.Errorf("%s has flag %s", container.Name, arg)
						}
					}
				}
				if c := pod.Containers[0]; c.LivenessProbe == nil || c.ReadinessProbe == nil {
					t.Errorf("%s lacks a probe", c.Name)
				}
			}
		})
	}
}

// TestStoppingServerHasTime: requests may take a minute, which is the server's default --request-timeout.
func TestStoppingServerHasTime(t *testing.T) {
	objects := kustomize(t, installations["three replicas, the server's own certificate"])
	server := typed[appsv1.Deployment](t, objects, "Deployment/network-system/network-apiserver").Spec.Template.Spec
	delay, err := time.ParseDuration(flag(t, server.Containers[0].Args, "shutdown-delay-duration"))
	if err != nil {
		t.Fatal(err)
	}
	grace := time.Duration(*server.TerminationGracePeriodSeconds) * time.Second
	if grace < delay+time.Minute {
		t.Errorf("grace period %s is less than --shutdown-delay-duration=%s and a minute", grace, delay)
	}
}

func TestChartHoldsNoSecret(t *testing.T) {
	for name, installation := range installations {
		t.Run(name, func(t *testing.T) {
			for key, object := range chart(t, installation) {
				if object.GetKind() == "Secret" {
					t.Errorf("%s is in the release, which Helm keeps", key)
				}
			}
		})
	}
}

// TestChartGrantsPrefixesToTheirControllerAlone: the right to make and delete them goes with the controller.
func TestChartGrantsPrefixesToTheirControllerAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		values string
		want   bool
	}{
		"all controllers run by default":         {"", true},
		"all run":                                {"extraArgs={--controllers=*}", true},
		"it is switched off":                     {`extraArgs={--v=2,--controllers=*\,-prefix}`, false},
		"it is named":                            {`extraArgs={--controllers=peering\,prefix}`, true},
		"others are named":                       {`extraArgs={--controllers=peering\,network}`, false},
		"none runs":                              {"extraArgs={--controllers=}", false},
		"it is switched off by a second flag":    {"extraArgs={--controllers=*,--controllers=-prefix}", false},
		"another of a like name is switched off": {`extraArgs={--controllers=*\,-network}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			objects := chart(t, installation{values: tt.values})
			if _, got := objects["ClusterRoleBinding/network-apiserver:prefix-controller"]; got != tt.want {
				t.Errorf("bound: %t, want %t", got, tt.want)
			}
		})
	}
}

// TestPoliciesLetNamesBeResolved: Pods of DNS listen on port 53, and on OpenShift on 5353, which is what a policy sees.
func TestPoliciesLetNamesBeResolved(t *testing.T) {
	objects := kustomize(t, installations["three replicas, everything optional"])
	for _, name := range []string{"network-etcd", "network-etcd-backup"} {
		open := sets.New[string]()
		for _, rule := range typed[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy/network-system/"+name).Spec.Egress {
			for _, port := range rule.Ports {
				if len(rule.To) == 0 && port.Protocol != nil {
					open.Insert(port.Port.String() + "/" + string(*port.Protocol))
				}
			}
		}
		if want := sets.New("53/UDP", "53/TCP", "5353/UDP", "5353/TCP"); !open.Equal(want) {
			t.Errorf("%s lets out to %q, want %q", name, sets.List(open), sets.List(want))
		}
	}
}

// TestEveryContainerOfTheChartHasResources, those of hooks too: a namespace with a quota refuses a Pod without.
func TestEveryContainerOfTheChartHasResources(t *testing.T) {
	containers := 0
	for key, object := range chart(t, installations["three replicas, the server's own certificate"]) {
		for _, pod := range [][]string{{"spec"}, {"spec", "template", "spec"}} {
			for _, kind := range []string{"initContainers", "containers"} {
				list, _, err := unstructured.NestedSlice(object.Object, append(slices.Clone(pod), kind)...)
				if err != nil {
					t.Fatal(err)
				}
				for _, container := range list {
					containers++
					for _, field := range [][]string{{"requests", "cpu"}, {"requests", "memory"}, {"limits", "memory"}} {
						path := append([]string{"resources"}, field...)
						if _, found, _ := unstructured.NestedFieldNoCopy(container.(map[string]any), path...); !found {
							t.Errorf("%s: a container lacks %s", key, strings.Join(path, "."))
						}
					}
				}
			}
		}
	}
	if containers < 5 {
		t.Errorf("there are %d containers", containers)
	}
}

// TestChartOffers renders one value each, and looks for what it should bring.
func TestChartOffers(t *testing.T) {
	const server, etcd = "Deployment/network-system/network-apiserver", "StatefulSet/network-system/network-etcd"
	for name, tt := range map[string]struct {
		values string
		key    string   // of the object
		want   []string // in its YAML
	}{
		"an image of a registry by its digest": {
			"image.registry=registry.example.com,image.digest=sha256:" + strings.Repeat("a", 64), server,
			[]string{"image: registry.example.com/network-apiserver:v0.1.0@sha256:aaaa"}},
		"an image of etcd by its digest": {"mode=ha,etcd.image.digest=sha256:" + strings.Repeat("b", 64), etcd,
			[]string{"image: registry.k8s.io/etcd:3.7.1-0@sha256:bbbb"}},
		"pull secrets":    {"imagePullSecrets[0].name=pull", server, []string{"imagePullSecrets:\n      - name: pull"}},
		"replicas":        {"mode=ha,replicas=5", server, []string{"replicas: 5"}},
		"affinity":        {"mode=ha,affinity.nodeAffinity.x=y", server, []string{"affinity:\n        nodeAffinity:\n          x: \"y\""}},
		"tolerations":     {"tolerations[0].key=a", server, []string{"tolerations:\n      - key: a"}},
		"spread":          {"topologySpreadConstraints[0].maxSkew=1", server, []string{"topologySpreadConstraints:\n      - maxSkew: 1"}},
		"a priority":      {"priorityClassName=high", server, []string{"priorityClassName: high"}},
		"labels of pods":  {"podLabels.a=b", server, []string{"labels:\n        a: b"}},
		"annotations":     {"podAnnotations.a=b", server, []string{"a: b"}},
		"volumes":         {"extraVolumes[0].name=v,extraVolumeMounts[0].name=v", server, []string{"volumeMounts:", "- name: v"}},
		"flags":           {"extraArgs[0]=--v=4", server, []string{"- --v=4"}},
		"an environment":  {"extraEnv[0].name=GOGC", server, []string{"- name: GOGC"}},
		"a memory limit":  {"resources.limits.memory=4Gi", server, []string{"value: 3686MiB", "memory: 4Gi"}},
		"service account": {"serviceAccount.annotations.a=b", "ServiceAccount/network-system/network-apiserver", []string{"a: b"}},
		"the provider local": {"networkProvider.name=local,networkProvider.localVNIRange=10-20", server,
			[]string{"- --network-provider=local", "- --local-vni-range=10-20"}},
		"addresses of the provider local": {`networkProvider.name=local,networkProvider.localVirtualIPRange=192.0.2.0/24\,2001:db8::/64`, server,
			[]string{"- --local-virtual-ip-range=192.0.2.0/24,2001:db8::/64"}},
		"the provider ironcore-net": {
			"networkProvider.name=ironcore-net,networkProvider.ironcoreNet.kubeconfigSecretName=net,networkProvider.ironcoreNet.namespace=ns",
			server, []string{"- --network-provider=ironcore-net", "- --ironcore-net-namespace=ns",
				"- --ironcore-net-kubeconfig=/etc/network-apiserver/ironcore-net/kubeconfig", "secretName: net"}},
		"the provider ovn": {
			"networkProvider.name=ovn,networkProvider.ovn.nb=ssl:ovn:6641,networkProvider.ovn.tlsSecretName=ovn," +
				"networkProvider.ovn.mtu=1400", server,
			[]string{"- --network-provider=ovn", "- --ovn-mtu=1400", "- --ovn-nb=ssl:ovn:6641",
				"- --ovn-nb-cafile=/etc/network-apiserver/ovn/ca.crt",
				"secretName: ovn"}},
		"an etcd of your own": {
			"mode=ha,etcd.mode=external,etcd.external.servers[0]=https://etcd:2379,etcd.external.tlsSecretName=mine", server,
			[]string{"- --etcd-servers=https://etcd:2379", "secretName: mine"}},
		"one replica on the bundled etcd": {"etcd.mode=bundled", server, []string{"replicas: 1", "- --etcd-servers=https://network-etcd-0"}},
		"a backup of an etcd of your own": {
			"mode=ha,backup.enabled=true,backup.keep=3,etcd.mode=external,etcd.external.servers[0]=https://etcd:2379," +
				"etcd.external.tlsSecretName=mine", "CronJob/network-system/network-etcd-backup",
			[]string{"- --endpoints=https://etcd:2379", "- --keep=3", "secretName: mine"}},
		"labels, interval and relabelings for Prometheus": {
			"monitoring.enabled=true,monitoring.labels.release=p,monitoring.interval=15s,monitoring.relabelings[0].action=drop",
			"ServiceMonitor/network-system/network-apiserver",
			[]string{"release: p", "interval: 15s", "relabelings:\n    - action: drop"}},
		"a token for Prometheus in a Secret": {"monitoring.enabled=true,monitoring.tokenSecretName=scraper",
			"ServiceMonitor/network-system/network-apiserver",
			[]string{"authorization:\n      credentials:\n        key: token\n        name: scraper"}},
		"labels of the alerts": {"monitoring.enabled=true,monitoring.labels.release=p",
			"PrometheusRule/network-system/network-apiserver", []string{"release: p"}},
		"Prometheus in its namespace": {"mode=ha,monitoring.enabled=true,monitoring.namespace=prom",
			"NetworkPolicy/network-system/network-etcd-metrics", []string{"kubernetes.io/metadata.name: prom"}},
	} {
		t.Run(name, func(t *testing.T) {
			object := chart(t, installation{values: tt.values})[tt.key]
			if object == nil {
				t.Fatalf("no %s", tt.key)
			}
			text, err := sigsyaml.Marshal(object.Object)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}

// TestEveryValueHasAnEffect sets one value after the other, where the other values let it count, and looks whether the
// rendering differs.
func TestEveryValueHasAnEffect(t *testing.T) {
	const (
		ownEtcd = "mode=ha,etcd.mode=external,etcd.external.servers[0]=https://etcd:2379,etcd.external.tlsSecretName=mine"
		digest  = "sha256:0123456789012345678901234567890123456789012345678901234567890123"
		backup  = "mode=ha,backup.enabled=true"
		ironNet = "networkProvider.name=ironcore-net,networkProvider.ironcoreNet.kubeconfigSecretName=k," +
			"networkProvider.ironcoreNet.namespace=n"
		ovn     = "networkProvider.name=ovn,networkProvider.ovn.nb=ssl:a:6641"
		watched = "monitoring.enabled=true"
	)
	effects := map[string]struct{ given, set string }{
		"mode":                                {"", "mode=ha"},
		"replicas":                            {"mode=ha", "replicas=2"},
		"image.registry":                      {"", "image.registry=r.example.com"},
		"image.repository":                    {"", "image.repository=r"},
		"image.tag":                           {"", "image.tag=v9"},
		"image.digest":                        {"", "image.digest=" + digest},
		"image.pullPolicy":                    {"", "image.pullPolicy=Always"},
		"imagePullSecrets":                    {"", "imagePullSecrets[0].name=s"},
		"networkProvider.name":                {"", "networkProvider.name=local"},
		"networkProvider.localVNIRange":       {"networkProvider.name=local", "networkProvider.localVNIRange=1-2"},
		"networkProvider.localVirtualIPRange": {"networkProvider.name=local", "networkProvider.localVirtualIPRange=192.0.2.0/24"},
		"networkProvider.ovn.mtu":             {ovn, "networkProvider.ovn.mtu=1400"},
		"networkProvider.ironcoreNet.kubeconfigSecretName": {ironNet, "networkProvider.ironcoreNet.kubeconfigSecretName=other"},
		"networkProvider.ironcoreNet.namespace":            {ironNet, "networkProvider.ironcoreNet.namespace=other"},
		"networkProvider.ovn.nb":                           {ovn, "networkProvider.ovn.nb=ssl:b:6641"},
		"networkProvider.ovn.tlsSecretName":                {ovn, "networkProvider.ovn.tlsSecretName=s"},
		"resources.requests.cpu":                           {"", "resources.requests.cpu=2"},
		"resources.requests.memory":                        {"", "resources.requests.memory=1Gi"},
		"resources.limits.memory":                          {"", "resources.limits.memory=1Gi"},
		"extraArgs":                                        {"", "extraArgs[0]=--v=2"},
		"extraEnv":                                         {"", "extraEnv[0].name=A"},
		"extraVolumes":                                     {"", "extraVolumes[0].name=v"},
		"extraVolumeMounts":                                {"", "extraVolumeMounts[0].name=v"},
		"podLabels":                                        {"", "podLabels.a=b"},
		"podAnnotations":                                   {"", "podAnnotations.a=b"},
		"priorityClassName":                                {"", "priorityClassName=p"},
		"nodeSelector":                                     {"", "nodeSelector.a=b"},
		"tolerations":                                      {"", "tolerations[0].key=a"},
		"affinity":                                         {"", "affinity.nodeAffinity.a=b"},
		"topologySpreadConstraints":                        {"", "topologySpreadConstraints[0].maxSkew=1"},
		"serviceAccount.annotations":                       {"", "serviceAccount.annotations.a=b"},
		"podDisruptionBudget.enabled":                      {"mode=ha", "podDisruptionBudget.enabled=false"},
		"apiService.enabled":                               {"", "apiService.enabled=false"},
		"storage.size":                                     {"", "storage.size=1Gi"},
		"storage.storageClassName":                         {"", "storage.storageClassName=c"},
		"etcd.mode":                                        {"", "etcd.mode=bundled"},
		"etcd.external.servers":                            {ownEtcd, "etcd.external.servers[0]=https://other:2379"},
		"etcd.external.tlsSecretName":                      {ownEtcd, "etcd.external.tlsSecretName=other"},
		"etcd.external.prefix":                             {ownEtcd, "etcd.external.prefix=/p"},
		"etcd.image.registry":                              {"mode=ha", "etcd.image.registry=r.example.com"},
		"etcd.image.repository":                            {"mode=ha", "etcd.image.repository=r"},
		"etcd.image.tag":                                   {"mode=ha", "etcd.image.tag=v9"},
		"etcd.image.digest":                                {"mode=ha", "etcd.image.digest=" + digest},
		"etcd.image.pullPolicy":                            {"mode=ha", "etcd.image.pullPolicy=Always"},
		"etcd.resources.requests.cpu":                      {"mode=ha", "etcd.resources.requests.cpu=2"},
		"etcd.resources.requests.memory":                   {"mode=ha", "etcd.resources.requests.memory=1Gi"},
		"etcd.resources.limits.memory":                     {"mode=ha", "etcd.resources.limits.memory=1Gi"},
		"etcd.podLabels":                                   {"mode=ha", "etcd.podLabels.a=b"},
		"etcd.podAnnotations":                              {"mode=ha", "etcd.podAnnotations.a=b"},
		"etcd.certificates":                                {"mode=ha", "etcd.certificates=existing"},
		"backup.enabled":                                   {"mode=ha", "backup.enabled=true"},
		"backup.schedule":                                  {backup, "backup.schedule=1 * * * *"},
		"backup.keep":                                      {backup, "backup.keep=2"},
		"backup.storage.size":                              {backup, "backup.storage.size=1Gi"},
		"backup.storage.storageClassName":                  {backup, "backup.storage.storageClassName=c"},
		"certManager.enabled":                              {"", "certManager.enabled=true"},
		"encryptionSecretName":                             {"", "encryptionSecretName=s"},
		"monitoring.enabled":                               {"", "monitoring.enabled=true"},
		"monitoring.namespace":                             {"mode=ha," + watched, "monitoring.namespace=n"},
		"monitoring.labels":                                {watched, "monitoring.labels.a=b"},
		"monitoring.tokenSecretName":                       {watched, "monitoring.tokenSecretName=s"},
		"monitoring.interval":                              {watched, "monitoring.interval=15s"},
		"monitoring.relabelings":                           {watched, "monitoring.relabelings[0].action=drop"},
		"monitoring.metricRelabelings":                     {watched, "monitoring.metricRelabelings[0].action=drop"},
		"networkPolicy.enabled":                            {"", "networkPolicy.enabled=false"},
	}
	content, err := os.ReadFile("charts/network-apiserver/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := sigsyaml.Unmarshal(content, &values); err != nil {
		t.Fatal(err)
	}
	for _, value := range leaves("", values) {
		t.Run(value, func(t *testing.T) {
			effect, ok := effects[value]
			if !ok {
				t.Fatal("no other value to try")
			}
			before := chart(t, installation{values: effect.given})
			after := chart(t, installation{values: strings.TrimPrefix(effect.given+","+effect.set, ",")})
			if cmp.Equal(before, after) {
				t.Errorf("with %q, %s changes nothing", effect.given, effect.set)
			}
		})
	}
}

// leaves are the paths of all values that hold no further ones.
func leaves(path string, value any) []string {
	inner, ok := value.(map[string]any)
	if !ok || len(inner) == 0 {
		return []string{path}
	}
	var paths []string
	for _, key := range slices.Sorted(maps.Keys(inner)) {
		paths = append(paths, leaves(strings.TrimPrefix(path+"."+key, "."), inner[key])...)
	}
	return paths
}

func TestChartPassesLintWithoutARemark(t *testing.T) {
	out, err := exec.Command(tool(t, "helm"), "lint", "--strict", "charts/network-apiserver").CombinedOutput()
	if err != nil || regexp.MustCompile(`INFO|WARN|ERROR`).Match(out) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestEtcdAndItsCertificatesAgree(t *testing.T) {
	objects := kustomize(t, installations["three replicas, the server's own certificate"])
	server := typed[appsv1.Deployment](t, objects, "Deployment/network-system/network-apiserver").Spec.Template.Spec
	member := typed[appsv1.StatefulSet](t, objects, "StatefulSet/network-system/network-etcd").Spec.Template.Spec
	endpoints := flag(t, server.Containers[0].Args, "etcd-servers")
	if got := flag(t, member.InitContainers[0].Command, "endpoints"); got != endpoints {
		t.Errorf("a member asks %s, and the server %s", got, endpoints)
	}
	var config string
	for key, object := range objects {
		if strings.HasPrefix(key, "ConfigMap/network-system/network-etcd-config-") {
			config, _, _ = unstructured.NestedString(object.Object, "data", "etcd.yaml")
		}
	}
	for endpoint := range strings.SplitSeq(endpoints, ",") {
		if peer := strings.Replace(endpoint, ":2379", ":2380", 1); !strings.Contains(config, "="+peer) {
			t.Errorf("no %s among the peers of\n%s", peer, config)
		}
	}
	if !strings.Contains(config, "allowed-cn: [network-etcd]") {
		t.Errorf("members let in who is none:\n%s", config)
	}
	if strings.Contains(config, "CBC") || !strings.Contains(config, "cipher-suites:") {
		t.Errorf("cipher suites with CBC:\n%s", config)
	}
	if suites := flag(t, server.Containers[0].Args, "tls-cipher-suites"); strings.Contains(suites, "CBC") {
		t.Errorf("cipher suites with CBC: %s", suites)
	}
}

// TestAMemberCanBeDefragmentedAlone: etcdctl in its Pod asks no other, as it takes no endpoints beside those of the environment.
// A member does not answer meanwhile, for minutes if its database is large, and must not be killed for that.
func TestAMemberCanBeDefragmentedAlone(t *testing.T) {
	objects := kustomize(t, installations["three replicas, the server's own certificate"])
	etcd := typed[appsv1.StatefulSet](t, objects, "StatefulSet/network-system/network-etcd").Spec.Template.Spec.Containers[0]
	i := slices.IndexFunc(etcd.Env, func(v corev1.EnvVar) bool { return v.Name == "ETCDCTL_ENDPOINTS" })
	if want := "https://$(POD_NAME).network-etcd.network-system.svc:2379"; etcd.Env[i].Value != want {
		t.Errorf("etcdctl asks %s, want %s", etcd.Env[i].Value, want)
	}
	if named := slices.IndexFunc(etcd.Env, func(v corev1.EnvVar) bool { return v.Name == "POD_NAME" }); named < 0 || named > i {
		t.Error("POD_NAME has to be there before it is used")
	}
	patience := time.Duration(etcd.LivenessProbe.PeriodSeconds*etcd.LivenessProbe.FailureThreshold) * time.Second
	if patience < 5*time.Minute {
		t.Errorf("a member is killed after %s without an answer", patience)
	}
}

func TestOperatorsGuideExplainsEveryAlert(t *testing.T) {
	guide, err := os.ReadFile("../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	objects := kustomize(t, installations["three replicas, everything optional"])
	rule := objects["PrometheusRule/network-system/network-apiserver"]
	groups, _, err := unstructured.NestedSlice(rule.Object, "spec", "groups")
	if err != nil {
		t.Fatal(err)
	}
	alerts := sets.New[string]()
	for _, group := range groups {
		for _, r := range group.(map[string]any)["rules"].([]any) {
			alerts.Insert(r.(map[string]any)["alert"].(string))
		}
	}
	explained := sets.New[string]()
	for _, match := range regexp.MustCompile(`(?m)^#### (Network\w+)$`).FindAllSubmatch(guide, -1) {
		explained.Insert(string(match[1]))
	}
	if missing := alerts.Difference(explained); missing.Len() > 0 || alerts.Len() == 0 {
		t.Errorf("docs/operate.md does not explain %q", sets.List(missing))
	}
	if stale := explained.Difference(alerts); stale.Len() > 0 {
		t.Errorf("docs/operate.md explains alerts that are gone: %q", sets.List(stale))
	}
}

// TestEveryMetricIsShown: what docs/metrics.md lists is on a panel or in an alert, and each of these says whose metrics it reads.
func TestEveryMetricIsShown(t *testing.T) {
	reference, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	queries, err := monitoring.Queries("..")
	if err != nil {
		t.Fatal(err)
	}
	shown := sets.New[string]()
	for _, query := range queries {
		if len(query.Series) == 0 {
			t.Errorf("%s reads nothing", query.Of)
		}
		for _, series := range query.Series {
			shown.Insert(regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(series.Metric, ""))
			// The first is kube-apiserver's, the others are of kube-state-metrics.
			foreign := series.Metric == "aggregator_unavailable_apiservice" || strings.HasPrefix(series.Metric, "kube_")
			if len(series.Jobs) == 0 && !foreign {
				t.Errorf("%s reads %s of any job", query.Of, series.Metric)
			}
		}
	}
	listed := sets.New[string]()
	for _, line := range regexp.MustCompile("(?m)^(\\| `[^|]+|- `.+)").FindAllString(string(reference), -1) {
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(line, -1) {
			listed.Insert(name[1])
		}
	}
	if missing := listed.Difference(shown); missing.Len() > 0 || listed.Len() < 20 {
		t.Errorf("of %d metrics in docs/metrics.md, no panel or alert reads %q", listed.Len(), sets.List(missing))
	}
}

// kustomize renders an installation by kustomize, keyed by kind, namespace and name.
func kustomize(t *testing.T, i installation) map[string]*unstructured.Unstructured {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	root, err := filepath.Rel(dir, filepath.Join(here, "kustomize"))
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	fmt.Fprintf(&file, "resources: [%s/base]\ncomponents:\n", root)
	for _, component := range i.components {
		fmt.Fprintf(&file, "- %s/components/%s\n", root, component)
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return decode(t, run(t, "kustomize", "build", dir))
}

// chart renders an installation by Helm, keyed by kind, namespace and name.
func chart(t *testing.T, i installation) map[string]*unstructured.Unstructured {
	t.Helper()
	return decode(t, run(t, "helm", "template", "network-apiserver", "charts/network-apiserver",
		"--namespace", "network-system", "--set", i.values))
}

// isHook tells whether Helm runs an object before or after the release, and does not keep it.
func isHook(object *unstructured.Unstructured) bool {
	return object.GetAnnotations()["helm.sh/hook"] != ""
}

var hashedName = regexp.MustCompile(`\b(network-apiserver-audit-policy|network-etcd-config)-[a-z0-9]{10}\b`)

// normalized leaves out what Helm and kustomize do each in their own way: labels that say who installed an object, how
// pods roll when a ConfigMap changes, the order of flags and volumes, and the default of the pull policy.
func normalized(objects map[string]*unstructured.Unstructured) map[string]any {
	result := map[string]any{}
	for key, object := range objects {
		labels := object.GetLabels()
		maps.DeleteFunc(labels, func(label, _ string) bool {
			return slices.Contains([]string{"app.kubernetes.io/part-of", "app.kubernetes.io/managed-by",
				"app.kubernetes.io/instance", "app.kubernetes.io/version", "helm.sh/chart"}, label)
		})
		object.SetLabels(labels)
		annotations := object.GetAnnotations()
		delete(annotations, "helm.sh/resource-policy")
		object.SetAnnotations(annotations)
		result[hashedName.ReplaceAllString(key, "$1")] = canonical(object.Object)
	}
	return result
}

var comments = regexp.MustCompile(`(?m)^#.*\n`)

func canonical(value any) any {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "checksum/audit-policy")
		delete(value, "checksum/etcd-config")
		delete(value, "imagePullPolicy")
		for k, v := range value {
			value[k] = canonical(v)
			if m, ok := value[k].(map[string]any); ok && len(m) == 0 && (k == "annotations" || k == "labels") {
				delete(value, k)
			}
		}
		return value
	case []any:
		for i := range value {
			value[i] = canonical(value[i])
		}
		slices.SortStableFunc(value, func(a, b any) int { return strings.Compare(order(a), order(b)) })
		return value
	case string:
		return strings.TrimSpace(hashedName.ReplaceAllString(comments.ReplaceAllString(value, ""), "$1"))
	default:
		return value
	}
}

// order is what the items of a list are sorted by: their text, or their name.
func order(item any) string {
	if m, ok := item.(map[string]any); ok {
		return fmt.Sprint(m["name"])
	}
	return fmt.Sprint(item)
}

func decode(t *testing.T, rendered []byte) map[string]*unstructured.Unstructured {
	t.Helper()
	result := map[string]*unstructured.Unstructured{}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(rendered), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return result
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(object.Object) == 0 {
			continue
		}
		key := object.GetKind() + "/" + object.GetName()
		if object.GetNamespace() != "" {
			key = object.GetKind() + "/" + object.GetNamespace() + "/" + object.GetName()
		}
		if _, ok := result[key]; ok {
			t.Fatalf("%s is rendered twice", key)
		}
		result[key] = object
	}
}

// typed converts strictly: a field that the type does not know is an error.
func typed[T any](t *testing.T, objects map[string]*unstructured.Unstructured, key string) *T {
	t.Helper()
	object, ok := objects[key]
	if !ok {
		t.Fatalf("no %s in the rendering", key)
	}
	result := new(T)
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, result, true)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return result
}

func flag(t *testing.T, args []string, name string) string {
	t.Helper()
	for _, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
			return value
		}
	}
	t.Fatalf("no flag --%s in %q", name, args)
	return ""
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(tool(t, name), args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), explain(err))
	}
	return out
}

// explain adds what a command wrote to standard error.
func explain(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return err
}

var buildTools = sync.OnceValue(func() error {
	cmd := exec.Command("../hack/helm/build.sh")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
})

// tool is the path of helm or kustomize, as pinned by hack/helm.
func tool(t *testing.T, name string) string {
	t.Helper()
	if err := buildTools(); err != nil {
		t.Fatalf("hack/helm/build.sh: %v", err)
	}
	return filepath.Join("..", "bin", "tools", name)
}
