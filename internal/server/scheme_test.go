// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/internal/apis/networking"
)

func TestNetworksAreStoredAsChosenAndReadAsWhateverIsStored(t *testing.T) {
	network := &networking.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a"},
		Spec:       networking.NetworkSpec{ProviderID: "local://5"},
	}
	stored := make(map[string][]byte)
	for mediaType, begin := range map[string]string{
		runtime.ContentTypeProtobuf: "k8s\x00", runtime.ContentTypeJSON: `{"kind":"Network"`, runtime.ContentTypeYAML: "apiVersion:",
	} {
		data, err := runtime.Encode(storageCodec(mediaType), network)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(data, []byte(begin)) {
			t.Errorf("what is stored as %s begins with %.20q, want %q", mediaType, data, begin)
		}
		stored[mediaType] = data
	}
	for reader := range stored {
		for written, data := range stored {
			got, err := runtime.Decode(storageCodec(reader), data)
			if err != nil {
				t.Errorf("reading %s: %v", written, err)
				continue
			}
			if diff := cmp.Diff(network, got); diff != "" {
				t.Errorf("read from %s (-want +got):\n%s", written, diff)
			}
		}
	}
}
