// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"math/rand"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	networkingfuzzer "ironcore.dev/networking/internal/apis/networking/fuzzer"
	"ironcore.dev/networking/internal/registry"
)

func boundNetwork() *v1alpha1.Network {
	peer := v1alpha1.NetworkPeeringNetworkRef{Namespace: "team-b", Name: "peer", UID: "a-uid-of-a-network"}
	return storedNetwork(func(n *v1alpha1.Network) {
		n.Labels = map[string]string{"a label": "of a value"}
		n.Finalizers = []string{"a finalizer"}
		n.Spec.Peerings = []v1alpha1.NetworkPeering{{Name: "to-peer", NetworkRef: peer}}
		n.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{{Namespace: "team-b", Name: "peer", UID: peer.UID}}
		n.Status.State = v1alpha1.NetworkStateAvailable
		n.Status.Conditions = []metav1.Condition{{Type: "Available", Reason: "Realized", Message: "The provider has realized the Network."}}
		n.Status.Peerings = []v1alpha1.NetworkPeeringStatus{{Name: "to-peer", Phase: "Bound", Message: "Both name each other.", NetworkRef: &peer}}
	})
}

func TestObjectsInCachesHoldEqualStringsOnce(t *testing.T) {
	pool := &stringPool{}
	first := make(map[string]*byte) // Where each string is.
	for sentence, mediaType := range map[string]string{"stored as protobuf": runtime.ContentTypeProtobuf, "stored as JSON": runtime.ContentTypeJSON} {
		codec := checkingCodec{storageCodec(mediaType), &checkedFields{}, pool}
		stored, err := runtime.Encode(codec, boundNetwork())
		if err != nil {
			t.Fatal(err)
		}
		obj, err := runtime.Decode(codec, stored)
		if err != nil {
			t.Fatal(err)
		}
		cached := obj.(*networking.Network)
		expectShared(t, sentence, first, reflect.ValueOf(&cached.ObjectMeta), reflect.ValueOf(&cached.Spec), reflect.ValueOf(&cached.Status))
	}
	for range 2 {
		// As the library decodes it for an informer.
		stored, err := boundNetwork().Marshal()
		received := &v1alpha1.Network{}
		if err != nil || received.Unmarshal(stored) != nil {
			t.Fatal("it can't be decoded")
		}
		obj, err := pool.forControllers(received)
		if err != nil {
			t.Fatal(err)
		}
		if received = obj.(*v1alpha1.Network); received.ManagedFields != nil {
			t.Error("controllers have managedFields, which none reads")
		}
		expectShared(t, "in an informer", first, reflect.ValueOf(received))
	}
	if len(first) < 15 {
		t.Errorf("%d strings were compared, want those of a whole Network", len(first))
	}
}

// expectShared compares where the strings in values are with where the first ones were that were equal.
func expectShared(t *testing.T, sentence string, first map[string]*byte, values ...reflect.Value) {
	t.Helper()
	for _, v := range values {
		switch v.Kind() {
		case reflect.String:
			text := v.String()
			if known, ok := first[text]; ok && known != unsafe.StringData(text) {
				t.Errorf("%s: %q takes memory of its own", sentence, text)
			} else if text != "" {
				first[text] = unsafe.StringData(text)
			}
		case reflect.Pointer:
			if !v.IsNil() {
				expectShared(t, sentence, first, v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					expectShared(t, sentence, first, v.Field(i))
				}
			}
		case reflect.Slice:
			if v.Len() < v.Cap() && v.Type().Elem().Kind() != reflect.Uint8 {
				t.Errorf("%s: a %s of %d has room for %d", sentence, v.Type(), v.Len(), v.Cap())
			}
			for i := range v.Len() {
				expectShared(t, sentence, first, v.Index(i))
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				expectShared(t, sentence, first, key, v.MapIndex(key))
			}
		}
	}
}

func TestSharingChangesNoObjectOfAnyKind(t *testing.T) {
	filler := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, networkingfuzzer.Funcs), rand.NewSource(1), codecs)
	pool := &stringPool{}
	for kind := range scheme.KnownTypes(networking.SchemeGroupVersion) {
		for range 20 {
			obj, err := scheme.New(networking.SchemeGroupVersion.WithKind(kind))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := obj.(registry.Object); !ok {
				continue // It is in no cache.
			}
			filler.Fill(obj)
			want := obj.DeepCopyObject()
			pool.share(obj)
			if diff := cmp.Diff(want, obj); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", kind, diff)
			}
		}
	}
}

func TestAPoolKeepsAFewStrings(t *testing.T) {
	pool := &stringPool{}
	often := pool.shared(strings.Clone("often"))
	long := strings.Repeat("long", pooledLength)
	for i := range 5 * pooledStrings {
		pool.shared(strconv.Itoa(i))
		if again := pool.shared(strings.Clone("often")); unsafe.StringData(again) != unsafe.StringData(often) {
			t.Fatalf("a string that is often met was forgotten after %d others", i)
		}
		pool.shared(long)
	}
	if known := len(pool.recent) + len(pool.older); known > 2*pooledStrings {
		t.Errorf("it keeps %d", known)
	}
	if _, ok := pool.recent[long]; ok {
		t.Error("it keeps a long one")
	}
}

// BenchmarkShare is what each object read from etcd costs beside its decoding.
func BenchmarkShare(b *testing.B) {
	stored, err := boundNetwork().Marshal()
	if err != nil {
		b.Fatal(err)
	}
	pool := &stringPool{}
	network := &v1alpha1.Network{}
	if err := network.Unmarshal(stored); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		pool.share(network)
	}
}
