// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"iter"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// protobufPrefix is what bodies in protobuf begin with.
var protobufPrefix = []byte("k8s\x00")

// The fields of protobuf around an object.
const (
	typeField    = 1 // of runtime.Unknown
	rawField     = 2
	versionField = 1 // of runtime.TypeMeta
	kindField    = 2
)

// checkProtobuf is checkSizes for an encoded object. An empty item is two bytes there, and some hundred once it is decoded. The object
// is of the type that it names, or else of the given kind.
func checkProtobuf(encoded []byte, types map[schema.GroupVersionKind]reflect.Type, kind reflect.Type) field.ErrorList {
	if len(encoded) < 2*min(maxItems, maxLabels) {
		return nil
	}
	unknown := bytes.TrimPrefix(encoded, protobufPrefix)
	var raw, version, name []byte
	for number, value := range fieldsOf(unknown) {
		switch number {
		case rawField:
			raw = value
		case typeField:
			for number, value := range fieldsOf(value) {
				switch number {
				case versionField:
					version = value
				case kindField:
					name = value
				}
			}
		}
	}
	if len(name) > 0 {
		kind = types[schema.FromAPIVersionAndKind(string(version), string(name))]
	}
	if kind == nil {
		return nil // For decoding to refuse.
	}
	if err := new(counter).check(raw, kind, nil); err != nil {
		return field.ErrorList{err}
	}
	return nil
}

// fieldsOf are the texts and messages in an encoded message, up to where it is malformed.
func fieldsOf(message []byte) iter.Seq2[protowire.Number, []byte] {
	return func(yield func(protowire.Number, []byte) bool) {
		for len(message) > 0 {
			number, kind, length := protowire.ConsumeField(message)
			if length < 0 {
				return
			}
			if kind == protowire.BytesType {
				_, _, tag := protowire.ConsumeTag(message)
				if value, _ := protowire.ConsumeBytes(message[tag:]); !yield(number, value) {
					return
				}
			}
			message = message[length:]
		}
	}
}

// counter counts the items in all lists and maps of a body.
type counter struct{ items int }

// check returns an error for the first list or map of a message that is too large. A message that is no item of a list may come once:
// decoding would add up the lists of several.
func (c *counter) check(message []byte, of reflect.Type, path *field.Path) *field.Error {
	known := messageOf(of)
	counts := make([]int, len(known))
	for number, value := range fieldsOf(message) {
		if int(number) >= len(known) || known[number].most == 0 {
			continue
		}
		known, at := known[number], path.Child(known[number].name)
		counts[number]++
		if err := c.count(at, counts[number], known.most); err != nil {
			return err
		}
		if known.items != nil {
			if err := c.check(value, known.items, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// count counts one more item of a list or map.
func (c *counter) count(path *field.Path, count, most int) *field.Error {
	if count > most {
		return field.TooMany(path, count, most)
	}
	if c.items++; c.items > maxTotal {
		return field.TooMany(field.NewPath("body"), c.items, maxTotal)
	}
	return nil
}

// messageField is a field of a message that has items, or is a message.
type messageField struct {
	name  string
	most  int          // 0 for any other field
	items reflect.Type // nil for those that are no messages
}

// messages has what messageOf found.
var messages sync.Map

// messageOf returns the fields of a message by their numbers, as the tags of its type say.
func messageOf(of reflect.Type) []messageField {
	if known, ok := messages.Load(of); ok {
		return known.([]messageField)
	}
	var known []messageField
	for i := range of.NumField() {
		tag := strings.Split(of.Field(i).Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			continue
		}
		number, err := strconv.Atoi(tag[1])
		if err != nil {
			continue
		}
		for len(known) <= number {
			known = append(known, messageField{})
		}
		known[number] = fieldOf(of.Field(i))
	}
	messages.Store(of, known)
	return known
}

func fieldOf(structField reflect.StructField) messageField {
	name, _, _ := strings.Cut(structField.Tag.Get("json"), ",")
	found := messageField{name: name}
	of := structField.Type
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch {
	case of.Kind() == reflect.Map:
		found.most = mostKeys(name)
		return found
	case of.Kind() == reflect.Slice && of.Elem().Kind() != reflect.Uint8:
		found.most, of = mostItems(name), of.Elem()
	case of.Kind() == reflect.Struct:
		found.most = 1
	}
	if of.Kind() == reflect.Struct {
		found.items = of
	}
	return found
}
