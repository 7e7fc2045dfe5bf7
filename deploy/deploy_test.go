// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package deploy_test renders the kustomize overlays and the Helm chart, holds the one against the other, and checks
// what no installation may lack: least privilege, restricted pods, certificates that fit.
package deploy_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
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
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/yaml"
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
	"one replica, everything optional": {
		components: []string{"embedded-etcd", "cert-manager", "encryption", "monitoring"},
		values: "mode=single,certManager.enabled=true,monitoring.enabled=true," +
			"encryptionSecretName=network-apiserver-encryption",
	},
	"three replicas, everything optional": {
		components: []string{"etcd-cluster", "cert-manager", "etcd-cert-manager", "encryption", "monitoring"},
		values: "mode=ha,certManager.enabled=true,monitoring.enabled=true," +
			"encryptionSecretName=network-apiserver-encryption",
	},
}

func TestChartAndKustomizeInstallTheSame(t *testing.T) {
	for name, installation := range installations {
		t.Run(name, func(t *testing.T) {
			fromKustomize, fromChart := kustomize(t, installation), chart(t, installation)
			// Helm makes the namespace itself, and a script makes what the chart generates for etcd.
			delete(fromKustomize, "Namespace/network-system")
			for _, secret := range []string{"network-etcd-ca", "network-etcd-tls", "network-etcd-client-tls"} {
				delete(fromChart, "Secret/network-system/"+secret)
			}
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

func TestChartRefusesWhatItDoesNotKnow(t *testing.T) {
	for values, want := range map[string]string{
		"mode=many":                        "at '/mode': value must be one of 'single', 'ha'",
		"replicas=5":                       "additional properties 'replicas' not allowed",
		"extraArgs[0]=v=4":                 "at '/extraArgs/0': 'v=4' does not match pattern '^--'",
		"resources.limits.memory=null":     "at '/resources/limits': missing property 'memory'",
		"storage.size=ten":                 "at '/storage/size'",
		"etcd.certificates=none":           "at '/etcd/certificates': value must be one of 'generate', 'existing'",
		"certManager.enabled=perhaps":      "at '/certManager/enabled': got string, want boolean",
		"networkPolicy.enabled=0":          "at '/networkPolicy/enabled'",
		"monitoring.serviceMonitor=true":   "additional properties 'serviceMonitor' not allowed",
		"image.pullPolicy=Sometimes":       "at '/image/pullPolicy'",
		"tolerations[0]=everything":        "at '/tolerations/0': got string, want object",
		"encryptionSecretName.name=secret": "at '/encryptionSecretName': got object, want string",
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
				container := pod.Containers[0]
				if c := container.SecurityContext; *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem ||
					!slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) {
					t.Errorf("%s: security context %v", container.Name, c)
				}
				if container.LivenessProbe == nil || container.ReadinessProbe == nil {
					t.Errorf("%s lacks a probe", container.Name)
				}
				for _, arg := range slices.Concat(container.Command, container.Args) {
					if strings.Contains(arg, "insecure") {
						t.Errorf("%s has flag %s", container.Name, arg)
					}
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

// TestEtcdCertificates checks both makers of etcd's certificates against the host names that the server dials.
func TestEtcdCertificates(t *testing.T) {
	objects := kustomize(t, installations["three replicas, the server's own certificate"])
	server := typed[appsv1.Deployment](t, objects, "Deployment/network-system/network-apiserver")
	endpoints := strings.Split(flag(t, server.Spec.Template.Spec.Containers[0].Args, "etcd-servers"), ",")
	if len(endpoints) != 3 {
		t.Fatalf("%d endpoints of etcd: %q", len(endpoints), endpoints)
	}

	dir := t.TempDir()
	script := func(t *testing.T) map[string]*unstructured.Unstructured {
		if _, err := exec.LookPath("openssl"); err != nil {
			t.Skip("the script needs openssl, which is not installed here")
		}
		out, err := exec.Command("./etcd-certificates.sh", dir).Output()
		if err != nil {
			t.Fatal(explain(err))
		}
		return decode(t, out)
	}
	for name, secrets := range map[string]func(*testing.T) map[string]*unstructured.Unstructured{
		"of the script": script,
		"of the chart": func(t *testing.T) map[string]*unstructured.Unstructured {
			return chart(t, installations["three replicas, the server's own certificate"])
		},
	} {
		t.Run(name, func(t *testing.T) {
			rendered := secrets(t)
			member := typed[corev1.Secret](t, rendered, "Secret/network-system/network-etcd-tls")
			client := typed[corev1.Secret](t, rendered, "Secret/network-system/network-etcd-client-tls")
			for _, endpoint := range endpoints {
				host := strings.TrimSuffix(strings.TrimPrefix(endpoint, "https://"), ":2379")
				verify(t, member, host, x509.ExtKeyUsageServerAuth)
			}
			verify(t, member, "", x509.ExtKeyUsageClientAuth)
			verify(t, client, "", x509.ExtKeyUsageClientAuth)

			// Members admit a peer by this name, and so must not admit the server.
			if got := leaf(t, member).Subject.CommonName; got != "network-etcd" {
				t.Errorf("common name of a member is %q", got)
			}
			if got := leaf(t, client).Subject.CommonName; got == "network-etcd" {
				t.Error("the server's certificate has the name of a member")
			}
			if names := leaf(t, client).DNSNames; len(names) > 0 {
				t.Errorf("the server's certificate can serve as %q", names)
			}
		})
	}

	t.Run("of the script run again are new, under the same CA", func(t *testing.T) {
		before := typed[corev1.Secret](t, script(t), "Secret/network-system/network-etcd-tls")
		after := typed[corev1.Secret](t, script(t), "Secret/network-system/network-etcd-tls")
		if !bytes.Equal(before.Data["ca.crt"], after.Data["ca.crt"]) {
			t.Error("the CA changed")
		}
		if bytes.Equal(before.Data["tls.key"], after.Data["tls.key"]) {
			t.Error("the key is the old one")
		}
		if _, err := os.Stat(filepath.Join(dir, "ca.key")); err != nil {
			t.Error(err)
		}
	})
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

var auditPolicyName = regexp.MustCompile(`network-apiserver-audit-policy-[a-z0-9]{10}\b`)

// normalized leaves out what Helm and kustomize do each in their own way: labels that say who installed an object, how
// pods roll when the audit policy changes, the order of flags and volumes, and the default of the pull policy.
func normalized(objects map[string]*unstructured.Unstructured) map[string]any {
	result := map[string]any{}
	for key, object := range objects {
		labels := object.GetLabels()
		maps.DeleteFunc(labels, func(label, _ string) bool {
			return label == "app.kubernetes.io/part-of" || label == "app.kubernetes.io/managed-by" || label == "helm.sh/chart"
		})
		object.SetLabels(labels)
		annotations := object.GetAnnotations()
		delete(annotations, "helm.sh/resource-policy")
		object.SetAnnotations(annotations)
		result[auditPolicyName.ReplaceAllString(key, "network-apiserver-audit-policy")] = canonical(object.Object)
	}
	return result
}

func canonical(value any) any {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "checksum/audit-policy")
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
		return strings.TrimRight(auditPolicyName.ReplaceAllString(value, "network-apiserver-audit-policy"), "\n")
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

func verify(t *testing.T, secret *corev1.Secret, host string, usage x509.ExtKeyUsage) {
	t.Helper()
	_, err := leaf(t, secret).Verify(x509.VerifyOptions{
		DNSName:   host,
		Roots:     pool(t, secret),
		KeyUsages: []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		t.Errorf("%s: %v", secret.Name, err)
	}
}

func leaf(t *testing.T, secret *corev1.Secret) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(secret.Data["tls.crt"])
	if block == nil {
		t.Fatalf("%s holds no certificate", secret.Name)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func pool(t *testing.T, secret *corev1.Secret) *x509.CertPool {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret.Data["ca.crt"]) {
		t.Fatalf("%s holds no CA", secret.Name)
	}
	return roots
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
