// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestNamespacesTakeTurns(t *testing.T) {
	for sentence, tc := range map[string]struct{ push, want string }{
		"the keys of one namespace come in order": {"a/1 a/2 a/3", "a/1 a/2 a/3"},
		"another namespace waits for one key":     {"a/1 a/2 a/3 b/1", "a/1 b/1 a/2 a/3"},
		"each of them comes in turn":              {"a/1 a/2 b/1 b/2 c/1", "a/1 b/1 c/1 a/2 b/2"},
	} {
		t.Run(sentence, func(t *testing.T) {
			q := &fairQueue[types.NamespacedName]{}
			for key := range strings.FieldsSeq(tc.push) {
				namespace, name, _ := strings.Cut(key, "/")
				q.Push(types.NamespacedName{Namespace: namespace, Name: name})
			}
			var got []string
			for q.Len() > 0 {
				got = append(got, q.Pop().String())
			}
			if want := strings.Fields(tc.want); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if len(q.waiting) > 0 || len(q.order) > 0 {
				t.Error("an empty queue remembers ", fmt.Sprint(q.waiting, q.order))
			}
		})
	}
}
