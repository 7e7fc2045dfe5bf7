// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command ovn-models generates the Go models of those tables and columns of OVN's north-bound database that the provider
// ovn uses, from the schema that OVN's packages bring:
//
//	go run ./hack/ovn-models /usr/share/ovn/ovn-nb.ovsschema internal/provider/ovn/nb
//
// Columns that the provider does not use are left out, because older versions of OVN lack some.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/modelgen"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"
)

const header = "// SPDX-FileCopyrightText: The network-apiserver authors\n// SPDX-License-Identifier: Apache-2.0\n\n"

// used are the tables and columns that the provider uses.
var used = map[string][]string{
	"NB_Global":                   {"nb_cfg", "sb_cfg"},
	"Logical_Router":              {"name", "ports", "static_routes", "policies", "external_ids"},
	"Logical_Router_Port":         {"name", "mac", "networks", "peer", "external_ids"},
	"Logical_Router_Static_Route": {"ip_prefix", "nexthop", "output_port", "external_ids"},
	"Logical_Router_Policy":       {"priority", "match", "action", "external_ids"},
	"Logical_Switch":              {"name", "ports", "acls", "external_ids"},
	"Logical_Switch_Port":         {"name", "type", "addresses", "port_security", "options", "up", "external_ids"},
	"ACL":                         {"priority", "direction", "match", "action", "external_ids"},
	"Static_MAC_Binding":          {"logical_port", "ip", "mac", "override_dynamic_mac"},
	"Port_Group":                  {"name", "ports", "external_ids"},
	"Address_Set":                 {"name", "addresses", "external_ids"},
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ovn-models SCHEMA FOLDER")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "ovn-models:", err)
		os.Exit(1)
	}
}

func generate(schemaFile, folder string) error {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		return err
	}
	var schema ovsdb.DatabaseSchema
	if err := json.Unmarshal(text, &schema); err != nil {
		return fmt.Errorf("%s: %w", schemaFile, err)
	}
	for name, table := range schema.Tables {
		columns, ok := used[name]
		if !ok {
			delete(schema.Tables, name)
			continue
		}
		for column := range table.Columns {
			if !slices.Contains(columns, column) {
				delete(table.Columns, column)
			}
		}
	}
	generator, err := modelgen.NewGenerator()
	if err != nil {
		return err
	}
	pkg := filepath.Base(folder)
	for name, table := range schema.Tables {
		file := filepath.Join(folder, "zz_generated."+strings.ToLower(name)+".go")
		if err := generator.Generate(file, modelgen.NewTableTemplate(), modelgen.GetTableTemplateData(pkg, name, &table)); err != nil {
			return err
		}
		if err := withHeader(file); err != nil {
			return err
		}
	}
	file := filepath.Join(folder, "zz_generated.model.go")
	if err := generator.Generate(file, modelgen.NewDBTemplate(), modelgen.GetDBTemplateData(pkg, schema)); err != nil {
		return err
	}
	return withHeader(file)
}

func withHeader(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append([]byte(header), text...), 0o644)
}
