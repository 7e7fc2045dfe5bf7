// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// managedByAnnotation on an object tells that somebody else realizes it.
const managedByAnnotation = "common.ironcore.dev/managed-by"

// IsManagedElsewhere tells whether somebody else than the provider realizes an object.
func IsManagedElsewhere(object metav1.Object) bool {
	return object.GetAnnotations()[managedByAnnotation] != ""
}
