// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/value"
	plaintext "k8s.io/apiserver/pkg/storage/value/encrypt/identity"
)

// checkingConfig returns a configuration with which a stored object counts as unreadable also if it can be decoded, but is another
// than its key says or can't be sent to clients. Else one such object would hide another, or spoil every list. What is read has its
// strings in common with the pool.
func checkingConfig(config *storagebackend.ConfigForResource, pool *stringPool) *storagebackend.ConfigForResource {
	checked := *config
	if checked.Transformer == nil {
		checked.Transformer = plaintext.NewEncryptCheckTransformer() // As the library does.
	}
	checked.Codec, checked.Transformer = checkingCodec{config.Codec, &timeFields{}, pool}, keyCheckingTransformer{checked.Transformer}
	return &checked
}

// cannotBeRead begins what is said of a stored object that can't be read. An error of a watch has nothing else to be known by.
const cannotBeRead = "the stored object can't be read: "

// keyCheckingTransformer refuses what is stored under the key of another object.
type keyCheckingTransformer struct{ value.Transformer }

func (t keyCheckingTransformer) TransformFromStorage(ctx context.Context, stored []byte, key value.Context) (plain []byte, stale bool, err error) {
	if plain, stale, err = t.Transformer.TransformFromStorage(ctx, stored, key); err != nil {
		return plain, stale, fmt.Errorf(cannotBeRead+"%w", err)
	}
	if object, ok := nameOf(plain); ok && !strings.HasSuffix(string(key.AuthenticatedData()), "/"+object.String()) {
		return nil, false, fmt.Errorf(cannotBeRead+"it is the object %q of namespace %q, which has another key", object.Name, object.Namespace)
	}
	return plain, stale, nil
}

// protobufPrefix is what objects stored as protobuf begin with.
var protobufPrefix = []byte("k8s\x00")

// The fields of protobuf that lead to the name of an object.
const (
	rawField       = 2 // of runtime.Unknown
	metadataField  = 1 // of any kind
	nameField      = 1 // of metav1.ObjectMeta
	namespaceField = 3
)

// nameOf returns the name of a stored object. Where there is none, decoding fails as well. It reads no more than it needs, for
// that is done with each object that is read or written.
func nameOf(plain []byte) (name types.NamespacedName, ok bool) {
	encoded, isProtobuf := bytes.CutPrefix(plain, protobufPrefix)
	if !isProtobuf {
		var object metav1.PartialObjectMetadata
		err := utiljson.Unmarshal(plain, &object)
		return types.NamespacedName{Namespace: object.Namespace, Name: object.Name}, err == nil
	}
	raw, isRaw := bytesOf(encoded, rawField)
	metadata, isMetadata := bytesOf(raw, metadataField)
	namespace, isNamespace := bytesOf(metadata, namespaceField)
	last, isName := bytesOf(metadata, nameField)
	return types.NamespacedName{Namespace: string(namespace), Name: string(last)}, isRaw && isMetadata && isNamespace && isName
}

// bytesOf returns the last value of a field of an encoded message, as decoding does, and whether the message is well-formed.
func bytesOf(message []byte, field protowire.Number) (value []byte, ok bool) {
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeField(message)
		if length < 0 {
			return nil, false
		}
		if number == field && kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(message)
			value, _ = protowire.ConsumeBytes(message[tag:])
		}
		message = message[length:]
	}
	return value, true
}

// checkingCodec refuses objects that can't be keys of a cache or that can't be sent to clients. All others share their strings.
type checkingCodec struct {
	runtime.Codec
	timed *timeFields
	pool  *stringPool
}

func (c checkingCodec) Decode(stored []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	obj, kind, err := c.Codec.Decode(stored, defaults, into)
	if err == nil {
		err = checkPresentable(obj, c.timed)
	}
	if err != nil {
		return nil, kind, fmt.Errorf(cannotBeRead+"%w", err)
	}
	c.pool.share(obj)
	return obj, kind, nil
}

// checkPresentable returns what keeps an object from being cached or sent in any of the encodings.
func checkPresentable(obj runtime.Object, timed *timeFields) error {
	object, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	if object.GetNamespace() == "" || object.GetName() == "" || len(content.IsPathSegmentName(object.GetName())) > 0 {
		return fmt.Errorf("it can't have the name %q in namespace %q", object.GetName(), object.GetNamespace())
	}
	for _, managed := range object.GetManagedFields() {
		if managed.FieldsV1 != nil && !json.Valid([]byte(managed.FieldsV1.GetRawString())) {
			return errors.New("its managedFields are not JSON")
		}
	}
	return timed.presentable(reflect.ValueOf(obj))
}

var timeType = reflect.TypeFor[metav1.Time]()

// timeFields has the fields of a struct type that have times in them, for each type that was met.
type timeFields struct{ known sync.Map }

// presentable returns an error for a year that has more than four digits, which no client can read.
func (t *timeFields) presentable(v reflect.Value) error {
	switch {
	case v.Type() == timeType:
		if year := v.Interface().(metav1.Time).Year(); year < 0 || year > 9999 {
			return fmt.Errorf("it has a time in the year %d", year)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return t.presentable(v.Elem())
	case v.Kind() == reflect.Struct:
		for _, field := range t.of(v.Type()) {
			if err := t.presentable(v.Field(field)); err != nil {
				return err
			}
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			if err := t.presentable(v.Index(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// of returns the fields of a struct type that have times in them.
func (t *timeFields) of(structType reflect.Type) []int {
	if known, ok := t.known.Load(structType); ok {
		return known.([]int)
	}
	var fields []int
	for i := range structType.NumField() {
		inside := structType.Field(i).Type
		for inside.Kind() == reflect.Pointer || inside.Kind() == reflect.Slice {
			inside = inside.Elem()
		}
		if inside == timeType || inside.Kind() == reflect.Struct && len(t.of(inside)) > 0 {
			fields = append(fields, i)
		}
	}
	t.known.Store(structType, fields)
	return fields
}
