// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package upstream has what the group's other server, ironcore-apiserver, publishes of its types.
package upstream

import (
	_ "embed"
	"encoding/json"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
)

//go:embed openapi.json
var openAPI []byte

// Schemas are the definitions of an API by their full names.
type Schemas map[string]spec.Schema

// Read returns the other server's schemas, without prose and paths.
func Read() (Schemas, error) {
	var document struct {
		Components struct{ Schemas Schemas }
	}
	err := json.Unmarshal(openAPI, &document)
	return document.Components.Schemas, err
}

// Named finds a type of the group by its short name, and returns nil if there is none.
func (s Schemas) Named(name string) *spec.Schema {
	for full, schema := range s {
		if strings.Contains(full, ".networking.v1alpha1.") && strings.HasSuffix(full, "."+name) {
			return &schema
		}
	}
	return nil
}

// Reference is the full name of the type that the schema refers to, empty if it says all itself.
func Reference(schema *spec.Schema) string {
	ref := schema.Ref.String()
	if len(schema.AllOf) == 1 {
		ref = schema.AllOf[0].Ref.String()
	}
	return strings.TrimPrefix(ref, "#/components/schemas/")
}

// Resolve returns the type that the schema refers to, or the schema itself.
func (s Schemas) Resolve(schema *spec.Schema) *spec.Schema {
	if name := Reference(schema); name != "" {
		target := s[name]
		return &target
	}
	return schema
}
