// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apiserver/pkg/storage/value"
	plaintext "k8s.io/apiserver/pkg/storage/value/encrypt/identity"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

const storedKey = "/registry/networking.ironcore.dev/networks/team-a/net"

func storedNetwork(changes ...func(*v1alpha1.Network)) *v1alpha1.Network {
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "net"}}
	network.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{}}`)}}
	for _, change := range changes {
		change(network)
	}
	return network
}

func TestWhatCountsAsUnreadable(t *testing.T) {
	endless := metav1.Time{Time: time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)}
	for sentence, tc := range map[string]struct {
		network *v1alpha1.Network
		want    string
	}{
		"the last second that can be written": {storedNetwork(func(n *v1alpha1.Network) {
			n.CreationTimestamp = metav1.Time{Time: time.Date(9999, 12, 31, 22, 59, 59, 0, time.FixedZone("", -3600))}
		}), ""},
		"a second that is in the year 10000 where clients read it": {storedNetwork(func(n *v1alpha1.Network) {
			n.CreationTimestamp = metav1.Time{Time: time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600))}
		}), "10000"},
		"nothing about an ordinary object": {storedNetwork(), ""},
		"a name that is no part of a path": {storedNetwork(func(n *v1alpha1.Network) { n.Name = "a/b" }), `name "a/b"`},
		"no name":                          {storedNetwork(func(n *v1alpha1.Network) { n.Name = "" }), `name ""`},
		"no namespace":                     {storedNetwork(func(n *v1alpha1.Network) { n.Namespace = "" }), `namespace ""`},
		"managedFields that are not JSON": {storedNetwork(func(n *v1alpha1.Network) {
			n.ManagedFields[0].FieldsV1 = metav1.NewFieldsV1(`{"f:spec`)
		}), "managedFields"},
		"a creation in a year that nobody can write": {storedNetwork(func(n *v1alpha1.Network) { n.CreationTimestamp = endless }), "12345"},
		"a deletion then": {storedNetwork(func(n *v1alpha1.Network) { n.DeletionTimestamp = &endless }), "12345"},
		"a condition of then": {storedNetwork(func(n *v1alpha1.Network) {
			n.Status.Conditions = []metav1.Condition{{LastTransitionTime: endless}}
		}), "12345"},
	} {
		err := checkPresentable(tc.network, &checkedFields{})
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", sentence, err, tc.want)
		}
	}
}

func TestAnObjectUnderTheKeyOfAnotherIsUnreadable(t *testing.T) {
	encoders := map[string]runtime.Encoder{
		"protobuf": codecs.EncoderForVersion(protobuf.NewSerializer(scheme, scheme), v1alpha1.SchemeGroupVersion),
		"JSON":     codecs.LegacyCodec(v1alpha1.SchemeGroupVersion),
	}
	for how, encoder := range encoders {
		for sentence, tc := range map[string]struct {
			network *v1alpha1.Network
			refused bool
		}{
			"its own":           {storedNetwork(), false},
			"another name":      {storedNetwork(func(n *v1alpha1.Network) { n.Name = "another" }), true},
			"another namespace": {storedNetwork(func(n *v1alpha1.Network) { n.Namespace = "team-b" }), true},
			"no name":           {storedNetwork(func(n *v1alpha1.Network) { n.Name = "" }), true},
		} {
			stored, err := runtime.Encode(encoder, tc.network)
			if err != nil {
				t.Fatal(err)
			}
			plain, _, err := keyCheckingTransformer{plaintext.NewEncryptCheckTransformer()}.
				TransformFromStorage(t.Context(), stored, value.DefaultContext(storedKey))
			if (err != nil) != tc.refused || err == nil && string(plain) != string(stored) {
				t.Errorf("%s, %s: got %v", how, sentence, err)
			}
		}
	}
}

func TestANameIsReadFromWhatIsWellFormed(t *testing.T) {
	whole, err := runtime.Encode(codecs.EncoderForVersion(protobuf.NewSerializer(scheme, scheme), v1alpha1.SchemeGroupVersion), storedNetwork())
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := nameOf(whole); !ok || name.String() != "team-a/net" {
		t.Errorf("got %s, %t", name, ok)
	}
	for length := range whole {
		if name, ok := nameOf(whole[:length]); ok && name.String() != "team-a/net" && name.Name != "" {
			t.Errorf("the first %d bytes have the name %s", length, name)
		}
	}
}

// BenchmarkPresentable is what each object read from etcd costs beside its decoding.
func BenchmarkPresentable(b *testing.B) {
	network := storedNetwork(func(n *v1alpha1.Network) {
		n.Spec.Peerings = make([]v1alpha1.NetworkPeering, 10)
		n.Status.Peerings = make([]v1alpha1.NetworkPeeringStatus, 10)
		n.Status.Conditions = make([]metav1.Condition, 3)
	})
	checked := &checkedFields{}
	b.ReportAllocs()
	for b.Loop() {
		if err := checkPresentable(network, checked); err != nil {
			b.Fatal(err)
		}
	}
}
