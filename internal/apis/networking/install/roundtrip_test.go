// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Random objects of every kind must come back unchanged from each encoding that clients and the storage use, through
// conversion and defaulting.
package install_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/apitesting/roundtrip"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking/fuzzer"
	"ironcore.dev/networking/internal/apis/networking/install"
)

func TestMain(m *testing.M) {
	// The filler leaves three lists in four empty; a prefix, a list deep, needs many rounds to be met.
	*roundtrip.FuzzIters = 500
	m.Run()
}

func TestRoundTripThroughJSONAndProtobuf(t *testing.T) {
	roundtrip.RoundTripProtobufTestForAPIGroup(t, install.Install, fuzzer.Funcs)
}

func TestRoundTripThroughUnstructuredJSONAndCBOR(t *testing.T) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	// Every group registers these shared kinds, without a hub version.
	withoutHub := sets.New[schema.GroupVersionKind]()
	for _, kind := range []string{"CreateOptions", "PatchOptions", "UpdateOptions"} {
		withoutHub.Insert(v1alpha1.SchemeGroupVersion.WithKind(kind))
	}
	roundtrip.RoundtripToUnstructured(t, scheme, fuzzer.Funcs, nil, withoutHub)
}
