// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

var (
	networkType  = reflect.TypeFor[v1alpha1.Network]()
	encodedTypes = map[schema.GroupVersionKind]reflect.Type{
		v1alpha1.SchemeGroupVersion.WithKind("Network"):     networkType,
		v1alpha1.SchemeGroupVersion.WithKind("NetworkList"): reflect.TypeFor[v1alpha1.NetworkList](),
	}
)

// encodedAs is a body in protobuf: what is around an object, and the object.
func encodedAs(kind string, raw []byte) []byte {
	var named []byte
	if kind != "" {
		named = appendField(named, versionField, []byte(v1alpha1.SchemeGroupVersion.String()))
		named = appendField(named, kindField, []byte(kind))
	}
	return appendField(appendField(bytes.Clone(protobufPrefix), typeField, named), rawField, raw)
}

func appendField(message []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, number, protowire.BytesType), value)
}

func TestCheckProtobuf(t *testing.T) {
	const (
		specField, peeringsField, prefixesField   = 2, 2, 3
		metadata, labels, managedFields, ownerRef = 1, 11, 17, 13
	)
	empty := func(count int, number protowire.Number) (message []byte) {
		for range count {
			message = appendField(message, number, nil)
		}
		return message
	}
	in := func(number protowire.Number, message []byte) []byte { return appendField(nil, number, message) }
	var split []byte
	for range 1001 {
		split = append(split, in(specField, empty(1, peeringsField))...)
	}
	var nested []byte
	for range 1000 {
		nested = appendField(nested, peeringsField, empty(1000, prefixesField))
	}
	for sentence, tc := range map[string]struct {
		body []byte
		want []string
	}{
		"1,000 items are taken":                       {encodedAs("Network", in(specField, empty(1000, peeringsField))), nil},
		"more are refused by their path":              {encodedAs("Network", in(specField, empty(1001, peeringsField))), []string{"spec.peerings"}},
		"of the kind of the path, if none is named":   {encodedAs("", in(specField, empty(1001, peeringsField))), []string{"spec.peerings"}},
		"of another kind that is named":               {encodedAs("NetworkList", empty(1001, 2)), []string{"items"}},
		"in metadata too":                             {encodedAs("Network", in(metadata, empty(1001, managedFields))), []string{"metadata.managedFields"}},
		"labels":                                      {encodedAs("Network", in(metadata, empty(1001, labels))), []string{"metadata.labels"}},
		"owners":                                      {encodedAs("Network", in(metadata, empty(1001, ownerRef))), []string{"metadata.ownerReferences"}},
		"a list that comes in several parts":          {encodedAs("Network", split), []string{"spec"}},
		"many lists of many lists":                    {encodedAs("Network", in(specField, nested)), []string{"body"}},
		"an unknown kind is for decoding to refuse":   {encodedAs("Pod", in(specField, empty(1001, peeringsField))), nil},
		"what is malformed is for decoding to refuse": {append(bytes.Clone(protobufPrefix), bytes.Repeat([]byte{0xff}, 5000)...), nil},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := paths(checkProtobuf(tc.body, encodedTypes, networkType)); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestABodyIsReadAsWhatItIs(t *testing.T) {
	const cborOfEmptyMap = "\xd9\xd9\xf7\xa0"
	for sentence, tc := range map[string]struct{ body, contentType, want string }{
		"JSON":                       {`{"a": 1}`, "application/json", `{"a": 1}`},
		"JSON as YAML":               {`{"a": 1}`, "application/apply-patch+yaml", `{"a": 1}`},
		"YAML":                       {"a: 1\n", "application/yaml", `{"a":1}`},
		"YAML that begins like JSON": {"{a: [1, 2]}", "application/apply-patch+yaml", `{"a":[1,2]}`},
		"a list in YAML":             {"[a, b]", "application/yaml", `["a","b"]`},
		"CBOR":                       {cborOfEmptyMap, "application/apply-patch+cbor", `{}`},
		"neither":                    {"a: 1\n", "application/json", ""},
	} {
		if got := string(asJSON([]byte(tc.body), tc.contentType)); got != tc.want {
			t.Errorf("%s: got %q, want %q", sentence, got, tc.want)
		}
	}
}

// BenchmarkCheckProtobuf is what the guard costs a write in protobuf.
func BenchmarkCheckProtobuf(b *testing.B) {
	for _, peerings := range []int{5, 1000} {
		network := &v1alpha1.Network{}
		network.APIVersion, network.Kind = v1alpha1.SchemeGroupVersion.String(), "Network"
		network.Name, network.Namespace = "net", "team-a"
		for i := range peerings {
			network.Spec.Peerings = append(network.Spec.Peerings, v1alpha1.NetworkPeering{Name: fmt.Sprint("p", i),
				NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: fmt.Sprint("n", i)}})
		}
		scheme := runtime.NewScheme()
		body, err := runtime.Encode(protobuf.NewSerializer(scheme, scheme), network)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(peerings, " peerings"), func(b *testing.B) {
			for b.Loop() {
				if errs := checkProtobuf(body, encodedTypes, networkType); len(errs) > 0 {
					b.Fatal(errs)
				}
			}
		})
	}
}
