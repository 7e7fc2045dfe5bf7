// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/apis/networking/install"
)

// scheme knows the types that the server serves and stores.
var (
	scheme = newScheme()
	codecs = serializer.NewCodecFactory(scheme)
)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	scheme.AddUnversionedTypes(schema.GroupVersion{Version: "v1"},
		&metav1.Status{}, &metav1.APIVersions{}, &metav1.APIGroupList{}, &metav1.APIGroup{}, &metav1.APIResourceList{})
	return scheme
}

// storageCodec writes objects to etcd in an encoding, and reads whatever encoding was written. With a media type that is not
// known it writes protobuf; the options refuse such a type.
func storageCodec(mediaType string) runtime.Codec {
	encoder := runtime.Serializer(protobuf.NewSerializer(scheme, scheme))
	if info, ok := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), mediaType); ok {
		encoder = info.Serializer
	}
	return namedCodec{codecs.CodecForVersions(encoder, codecs.UniversalDeserializer(),
		v1alpha1.SchemeGroupVersion, networking.SchemeGroupVersion)}
}

// namedCodec does not take for an object what has no name, such as an empty value: it would keep the watch cache of its kind from
// filling, and nothing would say which key it has.
type namedCodec struct{ runtime.Codec }

func (c namedCodec) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object,
) (runtime.Object, *schema.GroupVersionKind, error) {
	obj, kind, err := c.Codec.Decode(data, defaults, into)
	if err != nil {
		return obj, kind, err
	}
	object, err := meta.Accessor(obj)
	if err == nil && (object.GetName() == "" || object.GetNamespace() == "") {
		err = errors.New("it has no name or no namespace")
	}
	return obj, kind, err
}
