// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package guard checks writes before the API does: it limits the size of a write, notes which fields the write empties
// explicitly, and answers 400 to patches at which the library would panic.
package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	cbor "k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/endpoints/responsewriter"
	"k8s.io/klog/v2"
	"sigs.k8s.io/yaml"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/intent"
)

// MaxBody is how long the body of a write may be: a little more than twice the largest object that etcd takes, which is how
// much longer JSON is than what is stored.
const MaxBody = 3 << 20

// writes are the verbs that change something.
var writes = []string{"create", "update", "patch", "delete", "deletecollection"}

// Writes guards the writes of the API that a handler serves. The scheme has the types of the kinds.
func Writes(handler http.Handler, scheme *runtime.Scheme, codecs runtime.NegotiatedSerializer) http.Handler {
	kinds, all := make(map[string]reflect.Type), scheme.AllKnownTypes()
	for kind, goType := range scheme.KnownTypes(v1alpha1.SchemeGroupVersion) {
		plural, singular := meta.UnsafeGuessKindToResource(v1alpha1.SchemeGroupVersion.WithKind(kind))
		kinds[plural.Resource] = goType
		kinds[singular.Resource+"s"] = goType // The guess for NATGateway is wrong.
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, ok := apirequest.RequestInfoFrom(r.Context())
		if !ok || !info.IsResourceRequest || info.APIGroup != v1alpha1.GroupName || !slices.Contains(writes, info.Verb) {
			handler.ServeHTTP(w, r)
			return
		}
		refuse := func(err error) {
			responsewriters.ErrorNegotiated(err, codecs, v1alpha1.SchemeGroupVersion, w, r)
		}
		checked, err := check(r, info, kinds[info.Resource], all)
		if err != nil {
			refuse(err)
			return
		}
		watched := &trackedAnswer{ResponseWriter: w}
		defer func() {
			panicked := recover()
			if panicked == nil {
				return
			}
			if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) || watched.started {
				panic(panicked) // An answer has begun: only the end of the connection tells that it is not whole.
			}
			klog.FromContext(r.Context()).Error(nil, "A request made the server panic", "verb", info.Verb, "resource", info.Resource,
				"namespace", info.Namespace, "name", info.Name, "panic", panicked, "stack", string(debug.Stack()))
			refuse(answerToPanic(mediaTypeOf(r)))
		}()
		handler.ServeHTTP(responsewriter.WrapForHTTP1Or2(watched), checked)
	})
}

// answerToPanic blames a strategic merge patch, at which the library may panic, and for anything else the server.
func answerToPanic(mediaType string) error {
	if mediaType == string(types.StrategicMergePatchType) {
		return apierrors.NewBadRequest("the patch can't be applied: it does not fit the types of the fields that it names")
	}
	return apierrors.NewInternalError(errors.New("the request could not be handled: the log of the server says more"))
}

// mediaTypeOf returns what a body is, whatever follows: patches are served with anything behind that.
func mediaTypeOf(r *http.Request) string {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// trackedAnswer tells whether an answer has begun.
type trackedAnswer struct {
	http.ResponseWriter
	started bool
}

// Unwrap is for what looks for the abilities of the inner writer.
func (a *trackedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader begins the answer.
func (a *trackedAnswer) WriteHeader(code int) {
	a.started = true
	a.ResponseWriter.WriteHeader(code)
}

// Write begins the answer if nothing has.
func (a *trackedAnswer) Write(data []byte) (int, error) {
	a.started = true
	return a.ResponseWriter.Write(data)
}

// check reads the body of a request for objects of the given type and returns the request with it, or why it is refused. All are the
// types that a body can name.
func check(r *http.Request, info *apirequest.RequestInfo, kind reflect.Type, all map[schema.GroupVersionKind]reflect.Type,
) (*http.Request, error) {
	if r.Body == nil || info.Verb == "delete" || info.Verb == "deletecollection" {
		return r, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("reading the body: %v", err))
	}
	if len(body) > MaxBody {
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("the body must not be longer than %d bytes", MaxBody))
	}
	var said intent.Intent
	contentType := mediaTypeOf(r)
	if isApplied(contentType) {
		said.Applier = r.URL.Query().Get("fieldManager")
	}
	if document := asJSON(body, contentType); document != nil {
		errs := checkSizes(document)
		if isMerged(contentType) && info.Resource == "networks" && info.Subresource == "" {
			errs = append(errs, emptyPrefixes(document)...)
		}
		if len(errs) > 0 {
			return nil, invalid(info, kind, errs)
		}
		if contentType == string(types.StrategicMergePatchType) {
			if err := misused(document, kind); err != nil {
				return nil, apierrors.NewBadRequest("the patch can't be applied: " + err.Error())
			}
		}
		if info.Verb == "patch" && info.Subresource == "" {
			said.Cleared = clearedFields(document, types.PatchType(contentType))
		}
	}
	if bytes.HasPrefix(body, protobufPrefix) {
		if errs := checkProtobuf(body, all, kind); len(errs) > 0 {
			return nil, invalid(info, kind, errs)
		}
	}
	r = r.WithContext(intent.With(r.Context(), said))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, nil
}

// isMerged tells whether an empty list in a body may be gone before validation can see it.
func isMerged(contentType string) bool {
	return isApplied(contentType) || contentType == string(types.StrategicMergePatchType)
}

func isApplied(contentType string) bool {
	return contentType == string(types.ApplyYAMLPatchType) || contentType == string(types.ApplyCBORPatchType)
}

func invalid(info *apirequest.RequestInfo, kind reflect.Type, errs field.ErrorList) error {
	name := info.Resource
	if kind != nil {
		name = kind.Name()
	}
	return apierrors.NewInvalid(schema.GroupKind{Group: info.APIGroup, Kind: name}, info.Name, errs)
}

// asJSON returns a body as JSON, or nil if it is in a binary form or malformed: then decoding has the word.
func asJSON(body []byte, contentType string) []byte {
	trimmed := bytes.TrimSpace(body)
	looksLikeJSON := len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
	switch {
	case looksLikeJSON && (!strings.HasSuffix(contentType, "yaml") || json.Valid(body)): // YAML may begin in the same way.
		return body
	case strings.HasSuffix(contentType, "yaml"):
		if document, err := yaml.YAMLToJSON(body); err == nil {
			return document
		}
	case strings.HasSuffix(contentType, "cbor"):
		var value any
		if cbor.Unmarshal(body, &value) == nil {
			document, _ := json.Marshal(value)
			return document
		}
	}
	return nil
}
