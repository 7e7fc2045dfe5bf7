// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// managedByAnnotation on an object tells that somebody else realizes it.
const managedByAnnotation = "common.ironcore.dev/managed-by"

// IsManagedElsewhere tells whether somebody else than the provider realizes an object.
func IsManagedElsewhere(object metav1.Object) bool {
	return object.GetAnnotations()[managedByAnnotation] != ""
}

// ControllerOf returns the owner that controls an object, if it is of the given kind of this API, else nil.
func ControllerOf(object metav1.Object, kind string) *metav1.OwnerReference {
	owner := metav1.GetControllerOf(object)
	if owner == nil || owner.Kind != kind || owner.APIVersion != v1alpha1.SchemeGroupVersion.String() {
		return nil
	}
	return owner
}
