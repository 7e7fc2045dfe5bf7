// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"ironcore.dev/networking/internal/compare"
	published "ironcore.dev/networking/test/upstream"
)

// added are the fields that this server adds, which the other one drops when it writes the object.
var added = []string{
	"LoadBalancer.status.conditions",
	"NATGateway.status.conditions",
	"Network.status.conditions",
	"Network.status.networkInterfaces",
	"Network.status.observedGeneration",
	"Network.status.peerings[].lastPhaseTransitionTime",
	"Network.status.peerings[].message",
	"Network.status.peerings[].networkRef",
	"Network.status.peerings[].phase",
	"Network.status.peerings[].reason",
	"NetworkInterface.status.conditions",
	"VirtualIP.status.conditions",
}

// decided is what has gone when the controllers have decided: beside what is cleaned, claims without a Bound peering, and
// reports on peerings that are Bound no more.
var decided = func() []string {
	after := slices.DeleteFunc(slices.Clone(cleaned), func(line string) bool {
		return strings.HasPrefix(line, "~ Network t2/net-h: status.peerings[0].state")
	})
	const released = `- Network t2/net-h: spec.incomingPeerings: [{"name":"net-g","namespace":"t2","uid":"cb85136d-c7c1-4d94-92b5-e108441ab2b7"}]`
	return slices.Insert(after, 3, released, `- Network t2/net-h: status.peerings[0].state: "Ready"`)
}()

// The other server reads JSON, drops fields that it does not know, and fails at one that it knows otherwise.
func TestTheWayBackStaysOpenAndLeadsHereAgain(t *testing.T) {
	t.Parallel()
	i := restore(t)
	s := i.serve(t, "--storage-media-type=application/json")
	for _, object := range s.all(t) {
		if _, err := s.of(&object).Patch(t.Context(), object.GetName(), types.MergePatchType,
			[]byte(`{"metadata":{"annotations":{"moved":"yes"}}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s.awaitDecisions(t)
	s.isWell(t)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}

	schemas, err := published.Read()
	if err != nil {
		t.Fatal(err)
	}
	unknown := map[string]bool{}
	var back []unstructured.Unstructured
	for key, value := range i.stored(t, prefix+"/networking.ironcore.dev") {
		var object map[string]any
		if err := utiljson.Unmarshal([]byte(value), &object); err != nil { // with whole numbers
			t.Fatalf("%s has no JSON: %v", key, err)
		}
		kind := object["kind"].(string)
		read := reader{schemas, unknown}.read(t, schemas.Named(kind), kind, object).(map[string]any)
		back = append(back, unstructured.Unstructured{Object: read})
		data, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.raw.Put(t.Context(), key, string(data)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(added, slices.Sorted(maps.Keys(unknown))); diff != "" {
		t.Errorf("added fields (-want +got):\n%s", diff)
	}
	var lost []string
	for _, difference := range compare.Objects(known(t), back) {
		if !difference.IsAddition() {
			lost = append(lost, difference.String())
		}
	}
	if diff := cmp.Diff(decided, lost); diff != "" {
		t.Errorf("what the other server has no more (-want +got):\n%s", diff)
	}

	again := i.serve(t, "--storage-media-type=application/json", "--controllers=*")
	again.awaitDecisions(t)
	again.isWell(t)
	for _, difference := range compare.Objects(back, again.all(t)) {
		if !difference.IsAddition() {
			t.Errorf("the second time: %s", difference)
		}
	}
}

func TestWhatBecameProtobufBecomesJSONAgain(t *testing.T) {
	t.Parallel()
	i := restore(t)
	for step, flags := range [][]string{{"--controllers="}, {"--controllers=", "--storage-media-type=application/json"}} {
		s := i.serve(t, flags...)
		for _, object := range s.all(t) {
			patch := fmt.Sprintf(`{"metadata":{"labels":{"written":"%d"}}}`, step)
			if _, err := s.of(&object).Patch(t.Context(), object.GetName(), types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		for key, value := range i.stored(t, strings.TrimSuffix(group, "/")) {
			if isProtobuf := strings.HasPrefix(value, "k8s\x00"); isProtobuf != (step == 0) {
				t.Errorf("step %d: %s begins with %.10q", step, key, value)
			}
		}
	}
	if diff := cmp.Diff(others(i.restored), others(i.stored(t, prefix))); diff != "" {
		t.Errorf("what etcd has of other groups (-restored +now):\n%s", diff)
	}
}

// awaitDecisions returns when the controllers have decided on every peering.
func (s *served) awaitDecisions(t *testing.T) {
	t.Helper()
	var undecided []string
	poll(t, func() bool {
		undecided = nil
		for _, object := range s.all(t) {
			observed, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
			if object.GetKind() == "Network" && observed != object.GetGeneration() {
				undecided = append(undecided, object.GetName())
			}
		}
		return len(undecided) == 0
	}, func() any { return undecided })
}

// reader reads as the other server does, and notes the fields that it does not know.
type reader struct {
	schemas published.Schemas
	unknown map[string]bool
}

// read returns what the other server reads of a value.
func (r reader) read(t *testing.T, schema *spec.Schema, path string, value any) any {
	t.Helper()
	schema = r.schemas.Resolve(schema)
	wrong := func(want string) { t.Errorf("%s is %T, the other server reads %s", path, value, want) }
	switch value := value.(type) {
	case nil:
		return nil
	case map[string]any:
		if len(schema.Type) > 0 && !schema.Type.Contains("object") {
			wrong(fmt.Sprint(schema.Type))
		}
		read := map[string]any{}
		for key, item := range value {
			property, isKnown := schema.Properties[key]
			switch {
			case isKnown:
				read[key] = r.read(t, &property, path+"."+key, item)
			case schema.AdditionalProperties != nil || len(schema.Properties) == 0:
				read[key] = item
			default:
				r.unknown[path+"."+key] = true
			}
		}
		return read
	case []any:
		if !schema.Type.Contains("array") {
			wrong(fmt.Sprint(schema.Type))
			return nil
		}
		read := make([]any, len(value))
		for n, item := range value {
			read[n] = r.read(t, schema.Items.Schema, path+"[]", item)
		}
		return read
	case string:
		if !schema.Type.Contains("string") {
			wrong(fmt.Sprint(schema.Type))
		}
	case int64, float64:
		if !schema.Type.Contains("integer") && !schema.Type.Contains("number") {
			wrong(fmt.Sprint(schema.Type))
		}
	case bool:
		if !schema.Type.Contains("boolean") {
			wrong(fmt.Sprint(schema.Type))
		}
	}
	return value
}
