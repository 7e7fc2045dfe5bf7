// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command importrules holds the imports of a module against the rules of docs/architecture.md: which folder may import
// which. It reads the source below the current directory and prints each import that breaks a rule.
package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "ironcore.dev/networking"

// A rule speaks of the files below a folder, or of those with a name anywhere, tests aside.
type rule struct {
	folder, file string
	// only, where given, are the prefixes of all imports allowed beside the standard library.
	only []string
	// never are prefixes of imports that are not allowed.
	never []string
	why   string
}

var rules = []rule{
	{
		folder: "apis",
		only:   []string{module + "/apis", "k8s.io/apimachinery", "k8s.io/api/"},
		why:    "client authors import the API types, which stay light",
	},
	{
		folder: "pkg",
		never:  []string{module + "/internal"},
		why:    "public packages never import internal ones",
	},
	{
		folder: "cmd",
		only:   []string{module + "/internal/server", "k8s.io/component-base/cli"},
		why:    "main is wiring",
	},
	{
		folder: ".",
		never:  []string{module + "/cmd"},
		why:    "nothing imports a command",
	},
	{
		folder: "internal/apis",
		never: []string{module + "/internal/registry", module + "/internal/controllers", module + "/internal/server",
			module + "/internal/admission", module + "/internal/provider", module + "/pkg"},
		why: "the hub version knows the API types alone",
	},
	{
		folder: "internal/registry",
		never: []string{module + "/internal/controllers", module + "/internal/server", module + "/internal/provider",
			module + "/pkg"},
		why: "requests flow from the registry to the controllers through etcd and watches, never by a call",
	},
	{
		folder: "internal/controllers",
		never:  []string{module + "/internal/registry", module + "/internal/server", module + "/internal/apis"},
		why:    "controllers are clients of the API",
	},
	{
		folder: "internal/provider",
		never: []string{module + "/internal/registry", module + "/internal/server", module + "/internal/apis",
			module + "/internal/controllers"},
		why: "providers are called by the network controller and know the API types alone",
	},
	{
		file: "decide.go",
		only: []string{module + "/apis", module + "/internal/binding", module + "/internal/membership", module + "/internal/provider",
			"k8s.io/api/", "k8s.io/apimachinery"},
		why: "decisions are pure functions of types",
	},
}

func (r rule) speaksOf(file string) bool {
	if r.file != "" {
		return path.Base(file) == r.file
	}
	return r.folder == "." || strings.HasPrefix(file, r.folder+"/")
}

func (r rule) allows(imported string) bool {
	hasPrefix := func(prefix string) bool {
		return imported == strings.TrimSuffix(prefix, "/") || strings.HasPrefix(imported, strings.TrimSuffix(prefix, "/")+"/")
	}
	if slices.ContainsFunc(r.never, hasPrefix) {
		return false
	}
	standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
	return r.only == nil || standard || slices.ContainsFunc(r.only, hasPrefix)
}

func main() {
	broken, err := check(".")
	for _, line := range broken {
		fmt.Println(line)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "importrules:", err)
	}
	if err != nil || len(broken) > 0 {
		os.Exit(1)
	}
}

func check(root string) (broken []string, err error) {
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			_, nested := os.Stat(filepath.Join(file, "go.mod"))
			if file != root && (nested == nil || strings.HasPrefix(name, ".") || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "zz_generated") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			for _, rule := range rules {
				if rule.speaksOf(filepath.ToSlash(file)) && !rule.allows(imported) {
					broken = append(broken, fmt.Sprintf("%s imports %s: %s", file, imported, rule.why))
				}
			}
		}
		return nil
	})
	return broken, err
}
