// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package prefix

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

var (
	kind          = schema.GroupVersionKind{Group: "ipam.ironcore.dev", Version: "v1alpha1", Kind: "Prefix"}
	kindInterface = v1alpha1.SchemeGroupVersion.WithKind("NetworkInterface")
	kindBalancer  = v1alpha1.SchemeGroupVersion.WithKind("LoadBalancer")
)

// templates returns what a NetworkInterface or LoadBalancer asks for, by the names of the Prefixes.
func templates(object metav1.Object) map[string]*v1alpha1.PrefixTemplateSpec {
	found := make(map[string]*v1alpha1.PrefixTemplateSpec)
	add := func(name string, source *v1alpha1.EphemeralPrefixSource) {
		if source != nil && source.PrefixTemplate != nil {
			found[name] = source.PrefixTemplate
		}
	}
	switch object := object.(type) {
	case *v1alpha1.NetworkInterface:
		for i := range object.Spec.IPs {
			add(fmt.Sprintf("%s-%d", object.Name, i), object.Spec.IPs[i].Ephemeral)
		}
		for i := range object.Spec.Prefixes {
			add(fmt.Sprintf("%s-pf-%d", object.Name, i), object.Spec.Prefixes[i].Ephemeral)
		}
	case *v1alpha1.LoadBalancer:
		for i := range object.Spec.IPs {
			add(fmt.Sprintf("%s-%d", object.Name, i), object.Spec.IPs[i].Ephemeral)
		}
	}
	return found
}

func kindOf(object metav1.Object) schema.GroupVersionKind {
	if _, ok := object.(*v1alpha1.LoadBalancer); ok {
		return kindBalancer
	}
	return kindInterface
}

// chosen returns the object that a missing Prefix is made for: of those that ask for it and are not being deleted, the one that was
// created first. Nil if there is none.
func chosen(asking []metav1.Object) metav1.Object {
	var first metav1.Object
	for _, object := range asking {
		if object.GetDeletionTimestamp() == nil && (first == nil || rules.CompareAge(object, first) < 0) {
			first = object
		}
	}
	return first
}

// ephemeralPrefix returns the Prefix of the name that an object asks for.
func ephemeralPrefix(name string, object metav1.Object) (*unstructured.Unstructured, error) {
	template := templates(object)[name]
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&template.Spec)
	if err != nil {
		return nil, err
	}
	prefix := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	prefix.SetGroupVersionKind(kind)
	prefix.SetNamespace(object.GetNamespace())
	prefix.SetName(name)
	prefix.SetLabels(template.Labels)
	annotations := map[string]string{}
	maps.Copy(annotations, template.Annotations)
	annotations[v1alpha1.EphemeralManagedByAnnotation] = v1alpha1.EphemeralManager
	prefix.SetAnnotations(annotations)
	prefix.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(object, kindOf(object))})
	return prefix, nil
}

// rangeName is the end of the name of a Prefix for a NetworkInterface's range. ironcore's own controllers do not annotate these.
var rangeName = regexp.MustCompile(`-pf-\d+$`)

// makerOf returns the NetworkInterface or LoadBalancer that a Prefix was made for, nil if there is none.
func makerOf(prefix metav1.Object) *metav1.OwnerReference {
	nic := rules.ControllerOf(prefix, kindInterface.Kind)
	if prefix.GetAnnotations()[v1alpha1.EphemeralManagedByAnnotation] == v1alpha1.EphemeralManager {
		return cmp.Or(nic, rules.ControllerOf(prefix, kindBalancer.Kind))
	}
	if nic != nil && nic.Name+rangeName.FindString(prefix.GetName()) == prefix.GetName() && nic.Name != prefix.GetName() {
		return nic
	}
	return nil
}

// dropped tells whether the maker of a Prefix no longer asks for it. If the maker is gone or being deleted, the garbage collector
// of the host cluster deletes the Prefix.
func dropped(name string, maker *metav1.OwnerReference, now metav1.Object) bool {
	if now == nil || now.GetUID() != maker.UID || now.GetDeletionTimestamp() != nil {
		return false
	}
	_, asked := templates(now)[name]
	return !asked
}

// refused returns the objects that ask for a Prefix that was made for another one.
func refused(prefix metav1.Object, asking []metav1.Object) []metav1.Object {
	var without []metav1.Object
	for _, object := range asking {
		if object.GetDeletionTimestamp() == nil && !metav1.IsControlledBy(prefix, object) {
			without = append(without, object)
		}
	}
	return without
}
