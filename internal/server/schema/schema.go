// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package schema has the OpenAPI definitions that the server publishes: the generated ones, with the rules that validation
// has for each field.
package schema

import (
	"regexp"
	"slices"
	"strings"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"ironcore.dev/networking/internal/apis/networking/validation"
	"ironcore.dev/networking/pkg/openapi"
)

// Definitions returns the definitions by their full names.
func Definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	definitions := openapi.GetOpenAPIDefinitions(ref)
	demands, keys := validation.Schemas(), itemKeys(definitions)
	for name, definition := range definitions {
		if !strings.Contains(name, ".networking.v1alpha1.") {
			continue
		}
		demand(&definition.Schema, demands[kind(name)], keys[kind(name)])
		definitions[name] = definition
	}
	return definitions
}

// kind returns the name of a type without its package.
func kind(name string) string { return name[strings.LastIndex(name, ".")+1:] }

// itemKeys returns the fields by which lists tell items of a type apart, by type.
func itemKeys(definitions map[string]common.OpenAPIDefinition) map[string][]string {
	keys := map[string][]string{}
	for _, definition := range definitions {
		for _, property := range definition.Schema.Properties {
			if of, ok := property.Extensions["x-kubernetes-list-map-keys"].([]any); ok {
				for _, key := range of {
					name := kind(property.Items.Schema.Ref.String())
					keys[name] = append(keys[name], key.(string))
				}
			}
		}
	}
	return keys
}

// demand adds what validation demands to the schema of a type.
func demand(schema *spec.Schema, demands validation.Schema, keys []string) {
	for _, name := range demands.Required {
		if !slices.Contains(schema.Required, name) {
			schema.Required = append(schema.Required, name)
		}
	}
	schema.Required = slices.DeleteFunc(schema.Required, func(name string) bool {
		return slices.Contains(demands.Optional, name)
	})
	for name, property := range schema.Properties {
		generated := property.Default
		restrict(&property, demands.Fields[name])
		if slices.Contains(keys, name) && len(property.Enum) == 0 {
			property.Default = generated // Server-side apply needs it to tell that an item has no key.
		}
		if slices.Contains(demands.MaybeEmpty, name) {
			property.Enum = append(slices.Clone(property.Enum), "")
		}
		schema.Properties[name] = property
	}
}

// restrict adds the restrictions of a value and of what is in it.
func restrict(schema *spec.Schema, to spec.SchemaProps) {
	if to.Enum != nil {
		schema.Enum = to.Enum
	}
	if to.Format != "" {
		schema.Format = to.Format
	}
	schema.Pattern, schema.MaxLength = to.Pattern, to.MaxLength
	schema.Minimum, schema.Maximum = to.Minimum, to.Maximum
	schema.MinItems, schema.MaxItems, schema.MaxProperties = to.MinItems, to.MaxItems, to.MaxProperties
	if refusesDefault(schema) {
		schema.Default = nil
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		var items spec.SchemaProps
		if to.Items != nil {
			items = to.Items.Schema.SchemaProps
		}
		restrict(schema.Items.Schema, items)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil && to.AdditionalProperties != nil {
		restrict(schema.AdditionalProperties.Schema, to.AdditionalProperties.Schema.SchemaProps)
	}
}

// refusesDefault tells whether the generated default, which is the zero of the type, is no value that the schema allows.
func refusesDefault(schema *spec.Schema) bool {
	switch zero := schema.Default.(type) {
	case string:
		return len(schema.Enum) > 0 && !slices.Contains(schema.Enum, any(zero)) ||
			schema.Pattern != "" && !regexp.MustCompile(schema.Pattern).MatchString(zero)
	case int:
		return schema.Minimum != nil && float64(zero) < *schema.Minimum
	}
	return false
}
