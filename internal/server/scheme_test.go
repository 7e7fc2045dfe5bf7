// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
)

func TestNetworksAreStoredAsProtobufAndReadAsWhateverIsStored(t *testing.T) {
	network := &networking.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"},
		Spec:       networking.NetworkSpec{ProviderID: "local://5"},
	}
	stored, err := runtime.Encode(storageCodec(), network)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(stored, []byte("k8s\x00")) {
		t.Errorf("what is stored is not protobuf: %q", stored)
	}
	asJSON, err := runtime.Encode(codecs.LegacyCodec(v1alpha1.SchemeGroupVersion), network)
	if err != nil {
		t.Fatal(err)
	}
	for encoding, data := range map[string][]byte{"protobuf": stored, "JSON": asJSON} {
		got, err := runtime.Decode(storageCodec(), data)
		if err != nil {
			t.Errorf("reading %s: %v", encoding, err)
			continue
		}
		if diff := cmp.Diff(network, got); diff != "" {
			t.Errorf("read from %s (-want +got):\n%s", encoding, diff)
		}
	}
}
