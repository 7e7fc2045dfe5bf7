// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command metrics prints docs/metrics.md: every metric that the code below internal defines, found in its source.
package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const head = `<!--
SPDX-FileCopyrightText: The network-apiserver authors
SPDX-License-Identifier: Apache-2.0
-->

# Metrics

Made from the code by "make generate". The server serves them on ` + "`/metrics`" + `, to whoever may ` + "`get`" + ` that path.

## Of this server

| metric | type | labels | meaning |
|---|---|---|---|
`

const library = `
## Of the libraries

The server also serves what every Kubernetes API server does. The most useful of it:

| metric | meaning |
|---|---|
| ` + "`apiserver_request_total`" + ` | requests, by verb, resource and code |
| ` + "`apiserver_request_duration_seconds`" + ` | how long they take |
| ` + "`apiserver_current_inflight_requests`" + ` | requests that are being served |
| ` + "`apiserver_resource_objects`" + ` | objects in etcd, by resource |
| ` + "`apiserver_storage_size_bytes`" + ` | size of the database of etcd |
| ` + "`etcd_request_duration_seconds`, `etcd_request_errors_total`" + ` | requests to etcd |
| ` + "`workqueue_depth`, `workqueue_retries_total`, `workqueue_longest_running_processor_seconds`" + ` | work of the controllers, by ` + "`name`" + ` |
| ` + "`process_resident_memory_bytes`, `process_cpu_seconds_total`, `go_goroutines`" + ` | the process |

With an etcd inside the server, these of etcd are there too:

`

// metric is one that the code defines.
type metric struct {
	name, kind, help string
	labels           []string
}

func main() {
	found, etcd, err := find("internal")
	if err != nil {
		fmt.Fprintln(os.Stderr, "metrics:", err)
		os.Exit(1)
	}
	fmt.Print(head)
	for _, m := range found {
		labels := ""
		if len(m.labels) > 0 {
			labels = "`" + strings.Join(m.labels, "`, `") + "`"
		}
		fmt.Printf("| `%s` | %s | %s | %s |\n", m.name, m.kind, labels, m.help)
	}
	fmt.Print(library)
	for _, name := range etcd {
		fmt.Printf("- `%s`\n", name)
	}
}

// find returns the metrics below a folder, and the names of those of etcd that are passed on.
func find(root string) (found []metric, etcd []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.CallExpr:
				if m, ok := definition(node); ok {
					found = append(found, m)
				}
			case *ast.ValueSpec:
				if node.Names[0].Name == "etcdMetrics" {
					etcd = texts(node.Values[0])
				}
			}
			return true
		})
		return nil
	})
	slices.SortFunc(found, func(a, b metric) int { return cmp.Compare(a.name, b.name) })
	return found, etcd, err
}

// definition reads a call of one of the constructors of component-base/metrics.
func definition(call *ast.CallExpr) (m metric, ok bool) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return m, false
	}
	if pkg, isName := selector.X.(*ast.Ident); !isName || pkg.Name != "metrics" || len(call.Args) == 0 {
		return m, false
	}
	constructor := selector.Sel.Name
	if constructor == "NewDesc" {
		return metric{name: text(call.Args[0]), kind: "gauge", help: text(call.Args[1]), labels: texts(call.Args[2])}, true
	}
	pointer, ok := call.Args[0].(*ast.UnaryExpr)
	if !ok {
		return m, false
	}
	options, ok := pointer.X.(*ast.CompositeLit)
	if !ok {
		return m, false
	}
	m.kind = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(constructor, "New"), "Vec"), "Func"))
	var prefix strings.Builder // of namespace and subsystem, which stand before the name
	for _, element := range options.Elts {
		field := element.(*ast.KeyValueExpr)
		switch field.Key.(*ast.Ident).Name {
		case "Namespace", "Subsystem":
			prefix.WriteString(text(field.Value) + "_")
		case "Name":
			m.name = text(field.Value)
		case "Help":
			m.help = text(field.Value)
		}
	}
	if m.name == "" {
		return m, false
	}
	m.name = prefix.String() + m.name
	if len(call.Args) > 1 {
		m.labels = texts(call.Args[1])
	}
	return m, true
}

// text is the value of a string in the source, written in one piece or several.
func text(expression ast.Expr) string {
	switch expression := expression.(type) {
	case *ast.BasicLit:
		value, err := strconv.Unquote(expression.Value)
		if err != nil {
			return ""
		}
		return value
	case *ast.BinaryExpr:
		return text(expression.X) + text(expression.Y)
	default:
		return ""
	}
}

// texts are the strings of a list in the source.
func texts(expression ast.Expr) (values []string) {
	if list, ok := expression.(*ast.CompositeLit); ok {
		for _, element := range list.Elts {
			values = append(values, text(element))
		}
	}
	return values
}
