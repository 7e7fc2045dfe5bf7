// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/kube-openapi/pkg/validation/spec"

	"ironcore.dev/networking/internal/apis/networking/validation"
)

func definitions() map[string]spec.Schema {
	schemas := map[string]spec.Schema{}
	for name, definition := range Definitions(func(name string) spec.Ref { return spec.MustCreateRef("#/definitions/" + name) }) {
		schemas[name] = definition.Schema
	}
	return schemas
}

func TestTheSchemaSpeaksOfFieldsThatThereAre(t *testing.T) {
	properties := map[string]bool{}
	keys := map[string][]string{
		"NetworkPeering": {"name"}, "NetworkPeeringStatus": {"name"}, "PeeringPrefix": {"name"}, "PeeringPrefixStatus": {"name"},
		"NetworkPeeringClaimRef": {"uid"}, "NetworkPeeringBinding": {"name"},
	}
	for name, schema := range definitions() {
		for field, property := range schema.Properties {
			properties[name[strings.LastIndex(name, ".")+1:]+"."+field] = true
			if kind := name[strings.LastIndex(name, ".")+1:]; slices.Contains(keys[kind], field) {
				continue // Server-side apply needs the default to tell that an item has no key.
			}
			text, isText := property.Default.(string)
			if isText && (len(property.Enum) > 0 || !regexp.MustCompile(property.Pattern).MatchString(text)) ||
				property.Minimum != nil && *property.Minimum > 0 && property.Default == 0 {
				t.Errorf("%s.%s has a default that it does not allow: %v", name, field, property.Default)
			}
		}
	}
	for name, demands := range validation.Schemas() {
		for _, field := range slices.Concat(demands.Required, demands.Optional, demands.Immutable, slices.Collect(maps.Keys(demands.Fields))) {
			if !properties[name+"."+field] {
				t.Errorf("there is no %s.%s", name, field)
			}
		}
	}
}
