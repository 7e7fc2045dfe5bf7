// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

var kind = schema.GroupVersionKind{Group: "compute.ironcore.dev", Version: "v1alpha1", Kind: "Machine"}

// machine is the part of a Machine that this controller reads.
type machine struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	// interfaces are the NetworkInterfaces that it lists, by the names of these.
	interfaces map[string]listed
}

// DeepCopyObject returns the machine itself, which nobody changes.
func (m *machine) DeepCopyObject() runtime.Object { return m }

// listed is an entry of a Machine's spec.networkInterfaces.
type listed struct {
	// template is what an ephemeral NetworkInterface is made from. Nil refers to one that somebody else makes.
	template *v1alpha1.NetworkInterface
	// fault is what is wrong with the template.
	fault error
	// digest tells the template from others.
	digest string
}

// parse reads a Machine. Entries that are not as the Machine API has them are left out.
func parse(object *unstructured.Unstructured) *machine {
	m := &machine{
		TypeMeta: metav1.TypeMeta{APIVersion: object.GetAPIVersion(), Kind: object.GetKind()},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         object.GetNamespace(),
			Name:              object.GetName(),
			UID:               object.GetUID(),
			ResourceVersion:   object.GetResourceVersion(),
			CreationTimestamp: object.GetCreationTimestamp(),
			DeletionTimestamp: object.GetDeletionTimestamp(),
		},
		interfaces: make(map[string]listed),
	}
	entries, _, _ := unstructured.NestedSlice(object.Object, "spec", "networkInterfaces")
	for _, entry := range entries {
		fields, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		if name, _, _ := unstructured.NestedString(fields, "networkInterfaceRef", "name"); name != "" {
			m.interfaces[name] = listed{}
			continue
		}
		name, _, _ := unstructured.NestedString(fields, "name")
		template, found, _ := unstructured.NestedMap(fields, "ephemeral", "networkInterfaceTemplate")
		if name == "" || !found {
			continue
		}
		nic := &v1alpha1.NetworkInterface{}
		fault := runtime.DefaultUnstructuredConverter.FromUnstructured(template, nic)
		m.interfaces[m.Name+"-"+name] = listed{template: nic, fault: fault, digest: digest(template)}
	}
	return m
}

// templateAnnotation on an ephemeral NetworkInterface has the digest of the template that it was made of.
const templateAnnotation = "networking.ironcore.dev/template-digest"

func digest(template map[string]any) string {
	text, err := json.Marshal(template) // Keys are in order.
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))[:16]
}

// makerOf returns the Machine that an ephemeral NetworkInterface was made for, or nil if it was not made here.
func makerOf(nic *v1alpha1.NetworkInterface) *metav1.OwnerReference {
	owner := metav1.GetControllerOf(nic)
	if owner == nil || owner.APIVersion != kind.GroupVersion().String() || owner.Kind != kind.Kind ||
		nic.Annotations[v1alpha1.EphemeralManagedByAnnotation] != v1alpha1.EphemeralManager {
		return nil
	}
	return owner
}

// deletionCause returns why an ephemeral NetworkInterface is to be deleted, given the Machine of its maker's name that there is
// now, or an empty text. One whose Machine lists it otherwise now is replaced: its template changed.
func deletionCause(nic *v1alpha1.NetworkInterface, maker *metav1.OwnerReference, now *machine) string {
	switch {
	case now == nil:
		return fmt.Sprintf("Machine %s is gone", maker.Name)
	case now.UID != maker.UID:
		return fmt.Sprintf("Machine %s was deleted and created again", maker.Name)
	case !now.lists(nic.Name):
		return fmt.Sprintf("Machine %s does not list it any more", maker.Name)
	}
	entry, madeOf := now.interfaces[nic.Name], nic.Annotations[templateAnnotation]
	if now.DeletionTimestamp == nil && entry.template != nil && entry.fault == nil && madeOf != "" && madeOf != entry.digest {
		return fmt.Sprintf("Machine %s has another template for it now", maker.Name)
	}
	return ""
}

// lists tells whether a Machine lists a NetworkInterface.
func (m *machine) lists(name string) bool {
	_, ok := m.interfaces[name]
	return ok
}

// may tells whether a Machine may use a NetworkInterface: one that it lists by reference, or one that was made for it.
// An ephemeral one that is there already under the name is not adopted.
func (m *machine) may(nic *v1alpha1.NetworkInterface) bool {
	return m.interfaces[nic.Name].template == nil || metav1.IsControlledBy(nic, m)
}

// withUID returns the Machine with a UID, or nil.
func withUID(machines []*machine, uid types.UID) *machine {
	for _, m := range machines {
		if m.UID == uid {
			return m
		}
	}
	return nil
}

// chosen returns which of the Machines that list a free NetworkInterface is to use it, or nil: the first that may and
// is not being deleted.
func chosen(nic *v1alpha1.NetworkInterface, machines []*machine) *machine {
	for _, m := range machines {
		if m.DeletionTimestamp == nil && m.may(nic) {
			return m
		}
	}
	return nil
}

// firstMaker returns for which of the Machines that list a missing NetworkInterface it is to be made, or nil.
func firstMaker(name string, machines []*machine) *machine {
	for _, m := range machines {
		if m.DeletionTimestamp == nil && m.interfaces[name].template != nil {
			return m
		}
	}
	return nil
}

// ephemeralInterface returns the ephemeral NetworkInterface of a Machine, which uses it from the beginning.
func ephemeralInterface(name string, m *machine) *v1alpha1.NetworkInterface {
	template := m.interfaces[name].template
	nic := &v1alpha1.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       m.Namespace,
			Name:            name,
			Labels:          template.Labels,
			Annotations:     maps.Clone(template.Annotations),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(m, kind)},
		},
		Spec: *template.Spec.DeepCopy(),
	}
	metav1.SetMetaDataAnnotation(&nic.ObjectMeta, v1alpha1.EphemeralManagedByAnnotation, v1alpha1.EphemeralManager)
	metav1.SetMetaDataAnnotation(&nic.ObjectMeta, templateAnnotation, m.interfaces[name].digest)
	nic.Spec.ProviderID = ""
	nic.Spec.MachineRef = &v1alpha1.LocalUIDReference{Name: m.Name, UID: m.UID}
	return nic
}

// claimed returns the NetworkInterface with the Machine as its user.
func claimed(nic *v1alpha1.NetworkInterface, m *machine) *v1alpha1.NetworkInterface {
	nic = nic.DeepCopy()
	nic.Spec.MachineRef = &v1alpha1.LocalUIDReference{Name: m.Name, UID: m.UID}
	return nic
}

// freed returns the NetworkInterface without a user.
func freed(nic *v1alpha1.NetworkInterface) *v1alpha1.NetworkInterface {
	nic = nic.DeepCopy()
	nic.Spec.MachineRef = nil
	nic.Spec.ProviderID = ""
	return nic
}

// releaseCause returns why a Machine does not use a NetworkInterface any more, given the Machine of its name that there is now,
// or an empty text if it does.
func releaseCause(nic *v1alpha1.NetworkInterface, now *machine) string {
	ref := nic.Spec.MachineRef
	switch {
	case now == nil:
		return fmt.Sprintf("Machine %s is gone", ref.Name)
	case now.UID != ref.UID:
		return fmt.Sprintf("Machine %s was deleted and created again", ref.Name)
	case !now.lists(nic.Name):
		return fmt.Sprintf("Machine %s does not list it any more", ref.Name)
	}
	return ""
}

// refusal tells a Machine why it does not get a NetworkInterface that it lists.
type refusal struct {
	machine *machine
	message string
}

// refusals returns what to tell the Machines that list a NetworkInterface and do not use it.
func refusals(nic *v1alpha1.NetworkInterface, machines []*machine) []refusal {
	var refused []refusal
	user := nic.Spec.MachineRef
	for _, m := range machines {
		switch {
		case m.DeletionTimestamp != nil || user != nil && user.UID == m.UID:
		case !m.may(nic):
			refused = append(refused, refusal{m, fmt.Sprintf(
				"NetworkInterface %s exists already and was not made for Machine %s: it is not adopted", nic.Name, m.Name)})
		case user != nil:
			refused = append(refused, refusal{m, fmt.Sprintf(
				"NetworkInterface %s is used by Machine %s, so Machine %s does not get it", nic.Name, user.Name, m.Name)})
		}
	}
	return refused
}
