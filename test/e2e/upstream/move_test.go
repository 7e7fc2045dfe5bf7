// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/internal/compare"
)

// Controllers that do not run write nothing: this is how the server stands beside the other one, to be compared.
func TestEveryObjectIsServedAsItWasAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	i := restore(t)
	s := i.serve(t, "--controllers=")
	for _, difference := range compare.Objects(known(t), s.all(t)) {
		t.Error(difference)
	}
	if diff := cmp.Diff(i.restored, i.stored(t, prefix)); diff != "" {
		t.Errorf("what etcd has (-restored +now):\n%s", diff)
	}
}

// cleaned is what the first write of each object takes away: claims of Networks that aren't available, and items of the status
// without a peering, without a name, or a second time, of which the worst stays.
var cleaned = []string{
	`- Network t1/net-k: spec.incomingPeerings: [{"name":"net-j","namespace":"t1","uid":"0efc2d24-7f2b-4b61-95e5-7c49f6638141"}]`,
	`- Network t2/net-f: status.peerings: [{"name":"left-over-1","state":"Ready"},{"name":"left-over-2","prefixes":[{"name":"x"}],"state":"Error"}]`,
	`- Network t2/net-g: spec.incomingPeerings: [{"name":"net-h","namespace":"t2","uid":"6faee0d9-3200-44b2-a634-7b3d6da75c9d"},{"name":"net-i","namespace":"t2","uid":"89e99623-91d8-498b-8dc9-bdf20b9e70b6"}]`,
	`~ Network t2/net-h: status.peerings[0].state: "Ready" became "Error"`,
	`~ Network t2/net-h: status.peerings[1].name: "h1" became "h2"`,
	`- Network t2/net-h: status.peerings[1].state: "Error"`,
	`- Network t2/net-h: status.peerings[2]: {"name":"h2"}`,
	`- Network t2/net-h: status.peerings[3]: {"name":"old","state":"Ready"}`,
	`- Network t2/net-h: status.peerings[4]: {"name":"h2","state":"NotAState"}`,
	`- Network t2/net-i: spec.incomingPeerings: [{"name":"net-g","namespace":"t2","uid":"cb85136d-c7c1-4d94-92b5-e108441ab2b7"}]`,
	`- Network t2/net-i: status.peerings[1]: {"name":"","state":"Pending"}`,
	`- Network t2/net-i: status.peerings[2]: {"name":"i1","prefixes":[{"name":"i-p","prefix":"192.168.7.7/24"},{"name":"i-p"},{"name":""}],"state":"Ready"}`,
	`- Network t2/net-i: status.peerings[3]: {"name":""}`,
}

func TestEveryObjectTakesAWriteThatDoesNotTouchItsFaults(t *testing.T) {
	t.Parallel()
	labelled := func(object *unstructured.Unstructured) *unstructured.Unstructured {
		changed := object.DeepCopy()
		labels := changed.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels["written"] = "yes"
		changed.SetLabels(labels)
		return changed
	}
	for verb, write := range map[string]func(t *testing.T, s *served, object *unstructured.Unstructured) error{
		"update": func(t *testing.T, s *served, object *unstructured.Unstructured) error {
			_, err := s.of(object).Update(t.Context(), labelled(object), metav1.UpdateOptions{})
			return err
		},
		"patch": func(t *testing.T, s *served, object *unstructured.Unstructured) error {
			_, err := s.of(object).Patch(t.Context(), object.GetName(), types.MergePatchType,
				[]byte(`{"metadata":{"labels":{"written":"yes"}}}`), metav1.PatchOptions{})
			return err
		},
		"apply": func(t *testing.T, s *served, object *unstructured.Unstructured) error {
			applied := &unstructured.Unstructured{}
			applied.SetGroupVersionKind(object.GroupVersionKind())
			applied.SetName(object.GetName())
			_, err := s.of(object).Apply(t.Context(), object.GetName(), labelled(applied), metav1.ApplyOptions{FieldManager: "test"})
			return err
		},
		"update of the status": func(t *testing.T, s *served, object *unstructured.Unstructured) error {
			if object.GetKind() == "LoadBalancerRouting" {
				return nil
			}
			_, err := s.of(object).UpdateStatus(t.Context(), object, metav1.UpdateOptions{})
			return err
		},
	} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			i := restore(t)
			s := i.serve(t, "--controllers=")
			for _, object := range s.all(t) {
				if err := write(t, s, &object); err != nil {
					t.Errorf("%s %s/%s: %v", object.GetKind(), object.GetNamespace(), object.GetName(), err)
				}
			}
			var lost []string
			for _, difference := range compare.Objects(known(t), s.all(t)) {
				if !difference.IsAddition() {
					lost = append(lost, difference.String())
				}
			}
			if diff := cmp.Diff(cleaned, lost); diff != "" {
				t.Errorf("what was lost (-want +got):\n%s", diff)
			}
		})
	}
}

// objects is what etcd has of API objects.
func (i *installation) objects(t *testing.T) map[string]string {
	t.Helper()
	values := i.stored(t, prefix)
	maps.DeleteFunc(values, func(key, _ string) bool { return strings.HasPrefix(key, prefix+"/network-apiserver/") })
	return values
}

// others are the objects of other groups.
func others(values map[string]string) map[string]string {
	values = maps.Clone(values)
	maps.DeleteFunc(values, func(key, _ string) bool { return strings.HasPrefix(key, group) })
	return values
}

func TestEveryObjectCanBeDeleted(t *testing.T) {
	t.Parallel()
	i := restore(t)
	s := i.serve(t, "--controllers=*")
	objects := s.all(t)
	for _, object := range objects {
		err := s.of(&object).Delete(t.Context(), object.GetName(), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
	// Those who put finalizers on take them off.
	for _, object := range objects {
		foreign := slices.ContainsFunc(object.GetFinalizers(), func(finalizer string) bool {
			return strings.HasPrefix(finalizer, "example.com/")
		})
		if !foreign {
			continue
		}
		patch, err := json.Marshal([]map[string]any{{"op": "remove", "path": "/metadata/finalizers/0"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.of(&object).Patch(t.Context(), object.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
	var left []string
	poll(t, func() bool {
		left = slices.Sorted(maps.Keys(i.objects(t)))
		return len(left) == len(others(i.restored))
	}, func() any { return left })
	if diff := cmp.Diff(others(i.restored), i.objects(t)); diff != "" {
		t.Errorf("what etcd has of other groups (-restored +now):\n%s", diff)
	}
}
