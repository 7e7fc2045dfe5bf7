// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

var (
	// SchemeGroupVersion is the version that this package converts.
	SchemeGroupVersion = v1alpha1.SchemeGroupVersion

	// localSchemeBuilder also gets the generated conversions.
	localSchemeBuilder = runtime.NewSchemeBuilder(v1alpha1.AddToScheme, RegisterDefaults, addFieldLabelConversions)
	// AddToScheme registers the types of the version, their conversions, defaults and selectable fields.
	AddToScheme = localSchemeBuilder.AddToScheme
)

// selectable are the fields that a field selector may use, by kind.
var selectable = map[string][]string{
	"Network":          {"metadata.name", "metadata.namespace", "metadata.uid", "spec.providerID", "status.state"},
	"NetworkInterface": {"metadata.name", "metadata.namespace", "spec.networkRef.name", "spec.machineRef.name", "status.state"},

	"LoadBalancer":        {"metadata.name", "metadata.namespace", "spec.networkRef.name"},
	"LoadBalancerRouting": {"metadata.name", "metadata.namespace", "networkRef.name"},
	"NATGateway":          {"metadata.name", "metadata.namespace", "spec.networkRef.name"},
	"NetworkPolicy":       {"metadata.name", "metadata.namespace", "spec.networkRef.name"},
	"VirtualIP":           {"metadata.name", "metadata.namespace", "spec.targetRef.name"},
}

func addFieldLabelConversions(scheme *runtime.Scheme) error {
	for kind, fields := range selectable {
		last := len(fields) - 1
		choice := strings.Join(fields[:last], ", ") + " and " + fields[last]
		err := scheme.AddFieldLabelConversionFunc(SchemeGroupVersion.WithKind(kind),
			func(label, value string) (string, string, error) {
				if slices.Contains(fields, label) {
					return label, value, nil
				}
				return "", "", fmt.Errorf("field label not supported: %s; a %s can be selected by %s", label, kind, choice)
			})
		if err != nil {
			return err
		}
	}
	return nil
}
