// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
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
	checked.Codec, checked.Transformer = checkingCodec{config.Codec, &checkedFields{}, pool}, keyCheckingTransformer{checked.Transformer}
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

// checkingCodec refuses to read objects that can't be keys of a cache, and to read or write what can't be sent to clients. All others
// share their strings.
type checkingCodec struct {
	runtime.Codec
	checked *checkedFields
	pool    *stringPool
}

// Encode refuses an object that could not be read again: it would stay in the way of all others, and nobody could delete it.
func (c checkingCodec) Encode(obj runtime.Object, w io.Writer) error {
	if c.checked.unpresentable(reflect.ValueOf(obj)) != nil {
		return c.checked.refusalOf(obj)
	}
	return c.Codec.Encode(obj, w)
}

func (c checkingCodec) Decode(stored []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	obj, kind, err := c.Codec.Decode(stored, defaults, into)
	if err == nil {
		err = checkPresentable(obj, c.checked)
	}
	if err != nil {
		return nil, kind, fmt.Errorf(cannotBeRead+"%w", err)
	}
	c.pool.share(obj)
	return obj, kind, nil
}
