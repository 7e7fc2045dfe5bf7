// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command openapi-schema prints the OpenAPI definitions of the API types, from which the apply configurations learn how
// lists are merged.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"ironcore.dev/networking/pkg/openapi"
)

func main() {
	definitions := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref {
		return spec.MustCreateRef("#/definitions/" + name)
	})
	swagger := spec.Swagger{SwaggerProps: spec.SwaggerProps{
		Swagger:     "2.0",
		Info:        &spec.Info{InfoProps: spec.InfoProps{Title: "network-apiserver", Version: "v1alpha1"}},
		Paths:       &spec.Paths{},
		Definitions: spec.Definitions{},
	}}
	for name, definition := range definitions {
		schema := definition.Schema
		// OpenAPI v2 can't express everything that v3 can, so a type may have a second schema for it.
		if v2, ok := schema.Extensions[common.ExtensionV2Schema]; ok {
			if v2Schema, ok := v2.(spec.Schema); ok {
				schema = v2Schema
			}
		}
		swagger.Definitions[name] = schema
	}
	if err := json.NewEncoder(os.Stdout).Encode(swagger); err != nil {
		fmt.Fprintln(os.Stderr, "openapi-schema:", err)
		os.Exit(1)
	}
}
