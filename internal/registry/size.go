// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// What etcd stores is bounded, so an object is: a write of the object itself leaves room for what the server, a provider and a
// deletion may have to add. Bytes, as stored.
const (
	MaxStored = 1_400_000 // of an object with all that is counted on; etcd takes 1.5 MiB a request
	Reserve   = 100_000   // for a status, finalizers, the deletion, and the managed fields of a provider
	beyond    = 100_000   // for what is not counted on: a longer status, and what controllers write into the object itself
)

// validateSize refuses a write of the object itself that leaves no room for what is still to come. One that is too large
// already may be written as long as it does not grow. What asks for nothing else, such as the finalizer and the providerID of a
// provider, may take more room than what asks. On create, stored is empty.
func (s Strategy[T]) validateSize(object, stored T) field.ErrorList {
	most := MaxStored
	if object.GetGeneration() == stored.GetGeneration() {
		most += beyond
	}
	size := func(object T) int { return s.size(object) - sizeOf(earlierReports(object, stored)) } // They may go: see makeRoom.
	largest := func(object T) int {
		if s.kind.Largest != nil {
			return s.kind.Largest(object, size)
		}
		return size(object) + Reserve
	}
	return grown(largest, object, stored, most)
}

// validateStatusSize refuses a status that is too large to be stored with the server's words.
func (s Strategy[T]) validateStatusSize(object, stored T) field.ErrorList {
	return grown(s.sizeWithWords, object, stored, MaxStored+beyond)
}

// sizeWithWords is how large an object is with what the server may still say about it.
func (s Strategy[T]) sizeWithWords(object T) int {
	if s.kind.Unsaid != nil {
		return s.size(object) + s.kind.Unsaid(object)
	}
	return s.size(object)
}

// makeRoom drops the managed fields of those who wrote the status before, the oldest first, while an object is too large with
// them. So everybody can report, whoever did before. Who is forgotten owns its fields again after its next write of them.
func (s Strategy[T]) makeRoom(object, stored T) {
	earlier := earlierReports(object, stored)
	if len(earlier) == 0 {
		return
	}
	slices.SortStableFunc(earlier, func(a, b metav1.ManagedFieldsEntry) int { return timeOf(a).Compare(timeOf(b)) })
	managed, excess := slices.Clone(object.GetManagedFields()), s.sizeWithWords(object)-MaxStored
	for _, entry := range earlier {
		if excess <= 0 {
			break
		}
		managed = slices.DeleteFunc(managed, func(kept metav1.ManagedFieldsEntry) bool { return equality.Semantic.DeepEqual(kept, entry) })
		excess -= entry.FieldsV1.Size()
	}
	object.SetManagedFields(managed)
}

// earlierReports are the managed fields of those who had written the status before. What is not stored like this is of this write, or
// made up.
func earlierReports(object, stored metav1.Object) (earlier []metav1.ManagedFieldsEntry) {
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource == "status" && slices.ContainsFunc(stored.GetManagedFields(), func(before metav1.ManagedFieldsEntry) bool {
			return equality.Semantic.DeepEqual(before, entry)
		}) {
			earlier = append(earlier, entry)
		}
	}
	return earlier
}

func sizeOf(managed []metav1.ManagedFieldsEntry) (size int) {
	for _, entry := range managed {
		size += entry.FieldsV1.Size()
	}
	return size
}

func timeOf(entry metav1.ManagedFieldsEntry) time.Time {
	if entry.Time == nil {
		return time.Time{}
	}
	return entry.Time.Time
}

func grown[T any](largest func(T) int, object, stored T, most int) field.ErrorList {
	size := largest(object)
	if size <= most || size <= largest(stored) {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("object"), fmt.Sprintf("%d bytes", size), fmt.Sprintf(
		"must not be larger than %d bytes, with room for the longest status: use shorter lists, shorter names, or less metadata", most))}
}

// sizeBy returns how many bytes of an object a codec stores.
func sizeBy(scheme *runtime.Scheme, codec runtime.Encoder, sample runtime.Object) func(runtime.Object) int {
	var encoded bytes.Buffer
	if codec.Encode(sample, &encoded) == nil && bytes.HasPrefix(encoded.Bytes(), []byte("k8s\x00")) {
		return protobufSize(scheme)
	}
	return func(object runtime.Object) int {
		var size counter
		if codec.Encode(object, &size) != nil {
			return 0 // The storage will tell.
		}
		return int(size)
	}
}

// protobufSize tells the size of an object without encoding it.
func protobufSize(scheme *runtime.Scheme) func(runtime.Object) int {
	return func(object runtime.Object) int {
		versioned, err := scheme.UnsafeConvertToVersion(object, v1alpha1.SchemeGroupVersion)
		if err != nil {
			return 0 // There is no such case: every kind has this version.
		}
		sized, _ := versioned.(interface{ Size() int })
		return sized.Size()
	}
}

// counter counts the bytes that are written to it.
type counter int

var _ io.Writer = new(counter)

func (c *counter) Write(data []byte) (int, error) {
	*c += counter(len(data))
	return len(data), nil
}
