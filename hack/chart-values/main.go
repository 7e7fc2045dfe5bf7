// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command chart-values prints a table of the values of a Helm chart, with the comments above them, in Markdown.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chart-values:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: chart-values VALUES-FILE")
	}
	content, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return err
	}
	fmt.Fprintln(out, "| value | default | meaning |\n|---|---|---|")
	return rows(document.Content[0], "", out)
}

// rows prints a row for each value below a mapping, and one for each group of values that has a comment.
func rows(mapping *yaml.Node, path string, out io.Writer) error {
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name, meaning := path+key.Value, comment(key)
		isMapping := value.Kind == yaml.MappingNode && len(value.Content) > 0
		switch {
		case isMapping && (meaning == "" || explained(value)):
			if meaning != "" {
				fmt.Fprintf(out, "| `%s` | | %s |\n", name, meaning)
			}
			if err := rows(value, name+".", out); err != nil {
				return err
			}
			continue
		case meaning == "":
			return fmt.Errorf("line %d: %s has no comment: write one above it", key.Line, name)
		}
		var content any
		if err := value.Decode(&content); err != nil {
			return err
		}
		text, err := json.Marshal(content)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "| `%s` | `%s` | %s |\n", name, text, meaning)
	}
	return nil
}

// explained tells whether each value below a mapping has its own comment.
func explained(mapping *yaml.Node) bool {
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if comment(key) == "" && (value.Kind != yaml.MappingNode || !explained(value)) {
			return false
		}
	}
	return true
}

// comment is the paragraph right above a key, on one line.
func comment(key *yaml.Node) string {
	paragraphs := strings.Split(key.HeadComment, "\n\n")
	lines := strings.Split(paragraphs[len(paragraphs)-1], "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(strings.TrimPrefix(lines[i], "#"))
	}
	return strings.ReplaceAll(strings.TrimSpace(strings.Join(lines, " ")), "|", `\|`)
}
