// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package virtualip

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// state is what is known of one VirtualIP.
type state struct {
	vip *v1alpha1.VirtualIP // nil if there is none
	// namesake is the NetworkInterface of the same name, target the one that targetRef names; nil if there is none.
	namesake, target *v1alpha1.NetworkInterface
	// claimants are the NetworkInterfaces that name the VirtualIP in virtualIPRef.
	claimants []*v1alpha1.NetworkInterface
}

// action is the one write that is due; at most one field is set.
type action struct {
	create, update *v1alpha1.VirtualIP
	remove         bool
}

// decide returns what is to be done about a VirtualIP.
func decide(s state) action {
	switch {
	case s.vip == nil:
		if asks(s.namesake) {
			return action{create: ephemeral(s.namesake)}
		}
		return action{}
	case s.vip.DeletionTimestamp != nil:
		return action{}
	case isUnwanted(s):
		return action{remove: true}
	case isManaged(s.vip, s.namesake) && asks(s.namesake) && owns(s.namesake) && !metav1.IsControlledBy(s.vip, s.namesake):
		changed := s.vip.DeepCopy()
		changed.OwnerReferences = append(changed.OwnerReferences, owner(s.namesake))
		return action{update: changed}
	}
	target := claim(s)
	if before := s.vip.Spec.TargetRef; target == before || target != nil && before != nil && *target == *before {
		return action{}
	}
	changed := s.vip.DeepCopy()
	changed.Spec.TargetRef = target
	return action{update: changed}
}

// takesAway tells whether an action takes a VirtualIP from the NetworkInterface that it is stored to belong to.
func takesAway(vip *v1alpha1.VirtualIP, due action) bool {
	if due.update == nil {
		return due.remove
	}
	before, after := vip.Spec.TargetRef, due.update.Spec.TargetRef
	return before != nil && (after == nil || *after != *before)
}

// asks tells whether a NetworkInterface asks for a VirtualIP of its own.
func asks(nic *v1alpha1.NetworkInterface) bool {
	return nic != nil && nic.DeletionTimestamp == nil && nic.Spec.VirtualIP != nil && nic.Spec.VirtualIP.Ephemeral != nil &&
		nic.Spec.VirtualIP.Ephemeral.VirtualIPTemplate != nil
}

// owns tells whether the VirtualIP is deleted with its NetworkInterface.
func owns(nic *v1alpha1.NetworkInterface) bool {
	return nic.Spec.VirtualIP.Ephemeral.VirtualIPTemplate.Spec.ReclaimPolicy != v1alpha1.ReclaimPolicyRetain
}

// isManaged tells whether a VirtualIP was made for the NetworkInterface.
func isManaged(vip *v1alpha1.VirtualIP, nic *v1alpha1.NetworkInterface) bool {
	if nic == nil {
		return false
	}
	return metav1.IsControlledBy(vip, nic) ||
		isEphemeral(vip) && vip.Spec.TargetRef != nil && vip.Spec.TargetRef.UID == nic.UID
}

// isUnwanted tells whether a VirtualIP was made for a NetworkInterface that does not ask for it any more, that has another name,
// or that owned it and is gone: a standalone server has no garbage collector.
func isUnwanted(s state) bool {
	if isManaged(s.vip, s.namesake) {
		return s.namesake.DeletionTimestamp == nil && !asks(s.namesake)
	}
	owner := rules.ControllerOf(s.vip, "NetworkInterface")
	if owner == nil {
		return false
	}
	if owner.Name != s.vip.Name {
		return isEphemeral(s.vip)
	}
	return s.namesake == nil || s.namesake.UID != owner.UID
}

// isEphemeral tells whether a VirtualIP says that it was made for a NetworkInterface.
func isEphemeral(vip *v1alpha1.VirtualIP) bool {
	return vip.Annotations[v1alpha1.EphemeralManagedByAnnotation] == v1alpha1.EphemeralManager
}

// claim returns the target of the VirtualIP. Its target stays until that is gone or names another VirtualIP. Then it is the
// NetworkInterface that was created first among those that name the VirtualIP.
func claim(s state) *v1alpha1.LocalUIDReference {
	ref := s.vip.Spec.TargetRef
	if ref != nil && s.target != nil && (ref.UID == "" || ref.UID == s.target.UID) {
		names := s.target.Spec.VirtualIP
		if names == nil || names.VirtualIPRef == nil || names.VirtualIPRef.Name == s.vip.Name {
			return ref
		}
	}
	var first *v1alpha1.NetworkInterface
	for _, nic := range s.claimants {
		if nic.DeletionTimestamp == nil && (first == nil || rules.CompareAge(nic, first) < 0) {
			first = nic
		}
	}
	if first == nil {
		return nil
	}
	return &v1alpha1.LocalUIDReference{Name: first.Name, UID: first.UID}
}

// ephemeral returns the VirtualIP that a NetworkInterface asks for.
func ephemeral(nic *v1alpha1.NetworkInterface) *v1alpha1.VirtualIP {
	template := nic.Spec.VirtualIP.Ephemeral.VirtualIPTemplate
	annotations := map[string]string{}
	maps.Copy(annotations, template.Annotations)
	annotations[v1alpha1.EphemeralManagedByAnnotation] = v1alpha1.EphemeralManager
	vip := &v1alpha1.VirtualIP{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: nic.Namespace, Name: nic.Name, Labels: maps.Clone(template.Labels), Annotations: annotations,
		},
		Spec: v1alpha1.VirtualIPSpec{
			Type: template.Spec.Type, IPFamily: template.Spec.IPFamily,
			TargetRef: &v1alpha1.LocalUIDReference{Name: nic.Name, UID: nic.UID},
		},
	}
	if owns(nic) {
		vip.OwnerReferences = []metav1.OwnerReference{owner(nic)}
	}
	return vip
}

func owner(nic *v1alpha1.NetworkInterface) metav1.OwnerReference {
	return *metav1.NewControllerRef(nic, v1alpha1.SchemeGroupVersion.WithKind("NetworkInterface"))
}
