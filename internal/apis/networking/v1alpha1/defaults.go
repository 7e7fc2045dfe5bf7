// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "ironcore.dev/networking/apis/networking/v1alpha1"

// SetDefaults_PeeringPrefix reads an empty prefixRef as none: clients whose type has no pointer there always send one.
func SetDefaults_PeeringPrefix(prefix *v1alpha1.PeeringPrefix) {
	if prefix.PrefixRef != nil && *prefix.PrefixRef == (v1alpha1.LocalObjectReference{}) {
		prefix.PrefixRef = nil
	}
}
