// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// prefixCRD stands for the API server of Prefixes.
const prefixCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: prefixes.ipam.ironcore.dev
  annotations: {api-approved.kubernetes.io: "unapproved, for tests"}
spec:
  group: ipam.ironcore.dev
  names: {plural: prefixes, singular: prefix, kind: Prefix, listKind: PrefixList}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
`

var prefixResource = schema.GroupVersionResource{Group: "ipam.ironcore.dev", Version: "v1alpha1", Resource: "prefixes"}

// prefixes is where a test keeps ephemeral Prefixes.
type prefixes struct{ hosted }

func newPrefixes(t *testing.T) *prefixes {
	t.Helper()
	return &prefixes{newHosted(t, prefixResource)}
}

// exists waits for a Prefix.
func (p *prefixes) exists(t *testing.T, name string, other ...types.UID) *unstructured.Unstructured {
	t.Helper()
	var prefix *unstructured.Unstructured
	eventually(t, 60*time.Second, func(ctx context.Context) (err error) {
		prefix, err = p.api.Get(ctx, name, metav1.GetOptions{})
		if err == nil && len(other) > 0 && prefix.GetUID() == other[0] {
			return fmt.Errorf("Prefix %s is still the former one", name)
		}
		return err
	})
	return prefix
}

// isGone waits for a Prefix to be gone. The garbage collector takes up to half a minute to learn of a new API.
func (p *prefixes) isGone(t *testing.T, name string) {
	t.Helper()
	eventually(t, 90*time.Second, func(ctx context.Context) error {
		if _, err := p.api.Get(ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("Prefix %s is still there (%v)", name, err)
		}
		return nil
	})
}

// make creates a Prefix by hand.
func (p *prefixes) make(t *testing.T, name string, owner *v1alpha1.NetworkInterface) *unstructured.Unstructured {
	t.Helper()
	prefix := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"ipFamily": "IPv4"}}}
	prefix.SetGroupVersionKind(prefixResource.GroupVersion().WithKind("Prefix"))
	prefix.SetName(name)
	if owner != nil {
		prefix.SetOwnerReferences([]metav1.OwnerReference{
			*metav1.NewControllerRef(owner, v1alpha1.SchemeGroupVersion.WithKind("NetworkInterface")),
		})
	}
	created, err := p.api.Create(t.Context(), prefix, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func (p *prefixes) createNIC(t *testing.T, nic *v1alpha1.NetworkInterface) *v1alpha1.NetworkInterface {
	t.Helper()
	created, err := p.networks.NetworkInterfaces(p.namespace).Create(t.Context(), nic, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func (p *prefixes) patchNIC(t *testing.T, name, patch string) {
	t.Helper()
	if _, err := p.networks.NetworkInterfaces(p.namespace).Patch(
		t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

func ephemeralPrefix(spec v1alpha1.PrefixSpec) *v1alpha1.EphemeralPrefixSource {
	return &v1alpha1.EphemeralPrefixSource{PrefixTemplate: &v1alpha1.PrefixTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"made": "so"}}, Spec: spec,
	}}
}

// asking is a NetworkInterface that asks for an address and a range.
func asking(name string) *v1alpha1.NetworkInterface {
	nic := networkInterface(name, "")
	nic.Spec.IPs[0] = v1alpha1.IPSource{Ephemeral: ephemeralPrefix(v1alpha1.PrefixSpec{
		ParentRef: &v1alpha1.LocalObjectReference{Name: "root"},
	})}
	nic.Spec.Prefixes = []v1alpha1.PrefixSource{{Ephemeral: ephemeralPrefix(v1alpha1.PrefixSpec{
		IPFamily: v1alpha1.IPv4Protocol, Prefix: "10.1.0.0/24",
	})}}
	return nic
}

func TestEphemeralPrefixes(t *testing.T) {
	root := admin(t)
	configure(t, prefixCRD)
	root.kubectl(t, "wait", "--for=condition=Established", "crd/prefixes.ipam.ironcore.dev", "--timeout=30s")
	for name, test := range map[string]func(*testing.T, *prefixes){
		"are made for interfaces and go with their entry":    prefixesOfInterfaces,
		"are made for LoadBalancers and go with their entry": prefixesOfBalancers,
		"are not adopted, and whoever asks for them is told": prefixesNotAdopted,
		"that another controller made are kept and deleted":  prefixesOfOthers,
		"that are deleted by hand come back":                 prefixesComeBack,
		"go with their owner":                                prefixesGoWithOwner,
		"do not move at rest":                                prefixesAtRest,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newPrefixes(t))
		})
	}
}

func prefixesOfInterfaces(t *testing.T, p *prefixes) {
	nic := p.createNIC(t, asking("nic"))
	address := p.exists(t, "nic-0")
	if diff := cmp.Diff(map[string]any{
		"ipFamily": "IPv4", "prefixLength": int64(32), "parentRef": map[string]any{"name": "root"},
	}, address.Object["spec"]); diff != "" {
		t.Errorf("the address (-want +got):\n%s", diff)
	}
	if !metav1.IsControlledBy(address, nic) || address.GetLabels()["made"] != "so" ||
		address.GetAnnotations()[v1alpha1.EphemeralManagedByAnnotation] != v1alpha1.EphemeralManager {
		t.Errorf("the metadata are %v", address.Object["metadata"])
	}
	if got := p.exists(t, "nic-pf-0").Object["spec"]; !cmp.Equal(got, map[string]any{"ipFamily": "IPv4", "prefix": "10.1.0.0/24"}) {
		t.Errorf("the range is %v", got)
	}
	p.patchNIC(t, "nic", `{"spec":{"prefixes":null}}`)
	p.isGone(t, "nic-pf-0")
	if now := p.exists(t, "nic-0"); now.GetResourceVersion() != address.GetResourceVersion() {
		t.Errorf("Prefix nic-0 was written: %v", now)
	}
	p.patchNIC(t, "nic", `{"spec":{"ips":[{"value":"10.0.0.1"}]}}`)
	p.isGone(t, "nic-0")
}

func prefixesOfBalancers(t *testing.T, p *prefixes) {
	balancers := p.networks.LoadBalancers(p.namespace)
	balancer, err := balancers.Create(t.Context(), &v1alpha1.LoadBalancer{
		ObjectMeta: metav1.ObjectMeta{Name: "lb"},
		Spec: v1alpha1.LoadBalancerSpec{
			Type: v1alpha1.LoadBalancerTypeInternal, IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv6Protocol},
			IPs:        []v1alpha1.IPSource{{Ephemeral: ephemeralPrefix(v1alpha1.PrefixSpec{ParentSelector: &metav1.LabelSelector{}})}},
			NetworkRef: v1alpha1.LocalObjectReference{Name: "net"},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	prefix := p.exists(t, "lb-0")
	if diff := cmp.Diff(map[string]any{
		"ipFamily": "IPv6", "prefixLength": int64(128), "parentSelector": map[string]any{},
	}, prefix.Object["spec"]); diff != "" || !metav1.IsControlledBy(prefix, balancer) {
		t.Errorf("its owners are %v, its spec (-want +got):\n%s", prefix.GetOwnerReferences(), diff)
	}
	// A Public one has no addresses of its own.
	if _, err := balancers.Patch(t.Context(), "lb", types.MergePatchType, []byte(`{"spec":{"type":"Public"}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	p.isGone(t, "lb-0")
}

func prefixesNotAdopted(t *testing.T, p *prefixes) {
	foreign := p.make(t, "nic-0", nil)
	p.createNIC(t, asking("nic"))
	p.exists(t, "nic-pf-0")
	p.sees(t, p.namespace, "NetworkInterface", "nic", "PrefixRefused", "Prefix nic-0 exists already")
	if now := p.exists(t, "nic-0"); now.GetUID() != foreign.GetUID() || now.GetResourceVersion() != foreign.GetResourceVersion() {
		t.Errorf("the Prefix was written: %v", now)
	}
	if err := p.api.Delete(t.Context(), "nic-0", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.exists(t, "nic-0", foreign.GetUID())
}

// prefixesOfOthers has a Prefix as ironcore's controller makes it for a range: without the annotation.
func prefixesOfOthers(t *testing.T, p *prefixes) {
	nic := p.createNIC(t, networkInterface("nic", "10.0.0.1"))
	stranger := p.make(t, "nic-0", nic) // Its name fits, but nothing says that it was made for the NetworkInterface's address.
	p.make(t, "nic-pf-7", nic)
	p.isGone(t, "nic-pf-7") // There is no such entry.
	if now := p.exists(t, "nic-0"); now.GetUID() != stranger.GetUID() {
		t.Errorf("the Prefix was replaced: %v", now)
	}
}

func prefixesComeBack(t *testing.T, p *prefixes) {
	p.createNIC(t, asking("nic"))
	former := p.exists(t, "nic-0")
	if err := p.api.Delete(t.Context(), "nic-0", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.exists(t, "nic-0", former.GetUID())
}

func prefixesGoWithOwner(t *testing.T, p *prefixes) {
	p.createNIC(t, asking("nic"))
	former := p.exists(t, "nic-0")
	if err := p.networks.NetworkInterfaces(p.namespace).Delete(t.Context(), "nic", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// Another one of that name gets another Prefix, once the former one's is collected.
	nic := p.createNIC(t, asking("nic"))
	eventually(t, 90*time.Second, func(ctx context.Context) error {
		prefix, err := p.api.Get(ctx, "nic-0", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if prefix.GetUID() == former.GetUID() || !metav1.IsControlledBy(prefix, nic) {
			return fmt.Errorf("Prefix nic-0 is of %v", prefix.GetOwnerReferences())
		}
		return nil
	})
	if err := p.networks.NetworkInterfaces(p.namespace).Delete(t.Context(), "nic", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.isGone(t, "nic-0")
	p.isGone(t, "nic-pf-0")
}

func prefixesAtRest(t *testing.T, p *prefixes) {
	p.createNIC(t, asking("nic"))
	p.exists(t, "nic-0")
	p.exists(t, "nic-pf-0")
	versions := func() map[string]string {
		return map[string]string{"nic-0": p.exists(t, "nic-0").GetResourceVersion(), "nic-pf-0": p.exists(t, "nic-pf-0").GetResourceVersion()}
	}
	before := versions()
	// An event of the NetworkInterface, and work that comes after it.
	p.patchNIC(t, "nic", `{"metadata":{"labels":{"a":"b"}}}`)
	p.createNIC(t, asking("later"))
	p.exists(t, "later-pf-0")
	if diff := cmp.Diff(before, versions()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
