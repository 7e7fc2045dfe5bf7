// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"

	"ironcore.dev/networking/test/upstream"
)

const fullFile = "testdata/full.yaml"

// beyondSchemas are the faults that no schema can tell of: a comparison of fields, or a form that a pattern does not tell.
var beyondSchemas = regexp.MustCompile(strings.Join([]string{
	"Duplicate value",
	"must be immutable|field is immutable",
	"in canonical form|must be a unicast address|must be a range of unicast addresses",
	"must have either|must not have both|must not be given (beside|without)",
	"must name another Network",
	"must have( at most)? \\d items, one for each of ipFamilies|must have one item for each of ipFamilies",
	"must be IPv[46], as in ipFamilies|must be an IPv[46] (address|range)|must end with /|must be from 0 to \\d+$|must be \\d+, for one address",
	"must have the length that prefixLength says",
	"must be IPv4 or IPv6$", // the family of a template, if nothing else tells it
	"must be a power of two",
	"must be >= port|overlaps with port range",
	"must be a part of",
	"must have Ingress, Egress or both",
	"must be the metadata.uid of the Machine",                              // a machineRef is empty or whole
	`(machineRef|targetRef|networkRef)\.name: Required`,                    // likewise what has a uid
	"virtualIPRef.name: .*(dots|63 bytes)",                                 // a VirtualIP has such a name
	`must have IPv4, IPv6 or both|ipFamilies\[\d\]: Unsupported value: ""`, // the families, if no address tells them
	`conditions\[\d+\]\.(type|status|reason|observedGeneration): `,         // Kubernetes publishes no rules of its own types
	`matchExpressions\[\d+\]\.(key|operator|values)`,
	"conditions: Too many", // with those that the server adds
}, "|"))

func isBeyondSchemas(answer []byte) bool {
	var status metav1.Status
	if json.Unmarshal(answer, &status) != nil || status.Details == nil || len(status.Details.Causes) == 0 {
		return false
	}
	return !slices.ContainsFunc(status.Details.Causes, func(cause metav1.StatusCause) bool {
		return !beyondSchemas.MatchString(cause.Field + ": " + cause.Message)
	})
}

// servedSchemas are what the server publishes, by the kind.
func servedSchemas(t *testing.T, w writer) map[string]*spec.Schema {
	t.Helper()
	answer, err := w.runKubectl(t, "", "get", "--raw", "/openapi/v3/apis/networking.ironcore.dev/v1alpha1")
	if err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	var document struct {
		Components struct{ Schemas upstream.Schemas }
	}
	if err := json.Unmarshal([]byte(answer), &document); err != nil {
		t.Fatal(err)
	}
	schemas := map[string]*spec.Schema{}
	for _, kind := range writables {
		schemas[kind.kind] = inlined(document.Components.Schemas, document.Components.Schemas.Named(kind.kind))
	}
	return schemas
}

// takesAnything tells a type that takes anything, or a list of one.
func takesAnything(schema *spec.Schema) bool {
	return len(schema.Type) == 0 || schema.Items != nil && takesAnything(schema.Items.Schema)
}

// inlined replaces references by what they refer to. Metadata takes anything.
func inlined(all upstream.Schemas, schema *spec.Schema) *spec.Schema {
	if strings.HasSuffix(upstream.Reference(schema), ".ObjectMeta") {
		return &spec.Schema{}
	}
	resolved := *all.Resolve(schema)
	resolved.Properties = maps.Clone(resolved.Properties)
	for name, property := range resolved.Properties {
		resolved.Properties[name] = *inlined(all, &property)
	}
	if resolved.Items != nil {
		resolved.Items = &spec.SchemaOrArray{Schema: inlined(all, resolved.Items.Schema)}
	}
	return &resolved
}

// formats are those of the schemas: each takes an empty text as a field that is left out.
func formats() strfmt.Registry {
	registry := strfmt.NewFormats()
	for name, parses := range map[string]func(string) bool{
		"ip": func(text string) bool { ip, err := netip.ParseAddr(text); return err == nil && !ip.Is4In6() },
		"cidr": func(text string) bool {
			cidr, err := netip.ParsePrefix(text)
			return err == nil && !cidr.Addr().Is4In6()
		},
		"uuid": func(text string) bool { return uuid.MatchString(text) },
		"mac":  func(string) bool { return true },
	} {
		registry.Add(name, new(strfmt.Date), func(text string) bool { return text == "" || parses(text) })
	}
	return registry
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// texts are tried in every field that is a text.
var texts = []string{
	"", "a", "A", "a-b", "a.b", "-", "a b", "é", "0", "Other", "IPv4", "IPv6", "local://1", "10.0.0.1", "10.0.0.256", "10.0.0.0/24", "10.0.0.1/24",
	"10.0.0.0/33", "2001:db8::1", "2001:db8::/32", "::ffff:10.0.0.1", "fe80::1%eth0", "3f0c7a52-6f0e-4bd0-9a35-6b1f6ac3d2a1",
	"3F0C7A52-6F0E-4BD0-9A35-6B1F6AC3D2A1", "02:00:5e:10:00:01", "VirtualIP", "UDP", "Retain", "Available", "Ready", "Bound",
}

// candidates are values at and beyond what a schema says.
func candidates(schema *spec.Schema, value any) []any {
	var values []any
	number := func(n float64) { values = append(values, n) }
	switch value := value.(type) {
	case string:
		for _, text := range texts {
			values = append(values, text)
		}
		values = append(values, schema.Enum...)
		if schema.MaxLength != nil {
			longest := int(*schema.MaxLength)
			values = append(values, strings.Repeat("a", longest), strings.Repeat("a", longest+1), strings.Repeat("a.", longest/2)+"a")
		}
		number(1)
	case float64:
		for _, limit := range []*float64{schema.Minimum, schema.Maximum} {
			if limit != nil {
				number(*limit - 1)
				number(*limit)
				number(*limit + 1)
			}
		}
		number(-1)
		number(0)
		number(math.MaxInt32)
		values = append(values, "1")
	case []any:
		values = append(values, []any{}, []any{object{}}, []any{""}, "a")
		if schema.MaxItems != nil {
			most := int(*schema.MaxItems)
			values = append(values, slices.Repeat(value[:1], most), slices.Repeat(value[:1], most+1))
		}
	case object:
		values = append(values, object{}, "a")
		if of := schema.AdditionalProperties; of != nil && of.Schema != nil {
			if schema.MaxProperties != nil {
				many := object{}
				for i := range int(*schema.MaxProperties) {
					many[fmt.Sprint(i)] = "b"
				}
				more := maps.Clone(many)
				more["one"] = "more"
				values = append(values, many, more)
			}
			if most := of.Schema.MaxLength; most != nil {
				values = append(values, object{"a": strings.Repeat("a", int(*most))}, object{"a": strings.Repeat("a", int(*most)+1)})
			}
		}
	}
	return values
}

// attempt is an object with another value somewhere.
type attempt struct {
	path  string
	value any
	// put changes the object, and returns what changes it back.
	put func() (back func())
}

// attempts visits what is in a value, by its schema.
func attempts(path string, schema *spec.Schema, value any, set func(any)) []attempt {
	var all []attempt
	if path != "" && !takesAnything(schema) {
		for _, candidate := range candidates(schema, value) {
			all = append(all, attempt{path, candidate, func() func() {
				set(candidate)
				return func() { set(value) }
			}})
		}
	}
	switch value := value.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			property, ok := schema.Properties[name]
			if !ok || path == "" && (name == "metadata" || name == "kind" || name == "apiVersion") {
				continue
			}
			was := value[name]
			all = append(all, attempt{strings.TrimPrefix(path+"."+name, "."), "left out", func() func() {
				delete(value, name)
				return func() { value[name] = was }
			}})
			all = append(all, attempts(strings.TrimPrefix(path+"."+name, "."), &property, was, func(other any) { value[name] = other })...)
		}
	case []any:
		for i := 0; schema.Items != nil && i < len(value); i++ {
			all = append(all, attempts(fmt.Sprintf("%s[%d]", path, i), schema.Items.Schema, value[i], func(other any) { value[i] = other })...)
		}
	}
	return all
}

// restored are the fields that the server fills in, restores or drops, whatever is sent.
var restored = regexp.MustCompile(`^spec\.incomingPeerings|^status\.conditions\[\d+\]\.(lastTransitionTime|message)$|` +
	`^status\.(observedGeneration|lastStateTransitionTime|networkInterfaces)|` +
	`^status\.peerings(\[\d+\])?(\.(name|phase|reason|message|lastPhaseTransitionTime|networkRef(\..*)?))?$`)

// The published schema and the server accept the same values, in every field of every kind. What the server refuses beyond
// that, no schema can say.
func TestTheServerTakesWhatItsSchemaSays(t *testing.T) {
	s := ownServer(t, "--network-provider=external", "--controllers=")
	w := newWriter(t, s)
	schemas, known := servedSchemas(t, w), formats()
	tried := map[string]bool{}
	for i, manifest := range strings.Split(readFile(t, fullFile), "\n---\n") {
		var full object
		if err := yaml.Unmarshal([]byte(manifest), &full); err != nil {
			t.Fatal(err)
		}
		kind := full["kind"].(string)
		row := writables[slices.IndexFunc(writables, func(k writable) bool { return k.kind == kind })]
		collection, name := fmt.Sprintf("schema-%d/%s", i, row.plural), "full"
		full["apiVersion"], full["metadata"] = "networking.ironcore.dev/v1alpha1", object{"name": name}
		schema := schemas[kind]
		validator := validate.NewSchemaValidator(schema, nil, "", known)
		w.mustSend(t, "POST", collection, jsonType, full)
		if _, ok := full["status"]; ok {
			w.mustSend(t, "PUT", collection+"/"+name+"/status", jsonType, full)
		}
		for _, attempt := range attempts("", schema, full, nil) {
			tried[kind+"."+index.ReplaceAllString(attempt.path, "")] = true
			if restored.MatchString(attempt.path) {
				continue
			}
			back := attempt.put()
			isAllowed := validator.Validate(full).IsValid()
			method, path := "POST", collection+"?dryRun=All"
			if attempt.path == "status" || strings.HasPrefix(attempt.path, "status.") {
				method, path = "PUT", collection+"/"+name+"/status?dryRun=All"
			} else {
				full["metadata"] = object{"name": "other"}
			}
			answer := w.send(t, method, path, jsonType, full)
			full["metadata"] = object{"name": name}
			back()
			isTaken := answer.code < 300
			switch {
			case isAllowed && !isTaken && !isBeyondSchemas(answer.body):
				t.Errorf("%s.%s: the schema allows %.60q, and the server does not: %.400s", kind, attempt.path, fmt.Sprint(attempt.value), answer.body)
			case !isAllowed && isTaken:
				t.Errorf("%s.%s: the server takes %.60q, and the schema does not allow it", kind, attempt.path, fmt.Sprint(attempt.value))
			}
		}
	}
	for kind, schema := range schemas {
		for _, path := range paths(kind, schema) {
			if !tried[path] && !restored.MatchString(strings.TrimPrefix(path, kind+".")) {
				t.Errorf("%s has no value in %s", path, fullFile)
			}
		}
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// paths are those of all fields of a schema.
func paths(path string, schema *spec.Schema) (all []string) {
	for name, property := range schema.Properties {
		if takesAnything(&property) || !strings.Contains(path, ".") && (name == "kind" || name == "apiVersion") {
			continue
		}
		path := path + "." + name
		all = append(append(all, path), paths(path, &property)...)
		if property.Items != nil {
			all = append(all, paths(path, property.Items.Schema)...)
		}
	}
	return all
}
