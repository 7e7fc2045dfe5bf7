// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

var (
	// SchemeGroupVersion is the version that this package converts.
	SchemeGroupVersion = v1alpha1.SchemeGroupVersion

	localSchemeBuilder = &v1alpha1.SchemeBuilder
	// AddToScheme registers the types of the version, their conversions, defaults and selectable fields.
	AddToScheme = localSchemeBuilder.AddToScheme
)

func init() {
	localSchemeBuilder.Register(addDefaultingFuncs, addFieldLabelConversions)
}

func addDefaultingFuncs(scheme *runtime.Scheme) error {
	return RegisterDefaults(scheme)
}

// addFieldLabelConversions names the fields that a field selector may use.
func addFieldLabelConversions(scheme *runtime.Scheme) error {
	return scheme.AddFieldLabelConversionFunc(SchemeGroupVersion.WithKind("Network"),
		func(label, value string) (string, string, error) {
			switch label {
			case "metadata.name", "metadata.namespace", "spec.providerID", "status.state":
				return label, value, nil
			}
			return "", "", fmt.Errorf("field label not supported: %s; Networks can be selected by metadata.name, metadata.namespace, spec.providerID and status.state", label)
		})
}
