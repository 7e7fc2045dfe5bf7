// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"fmt"
	"strings"
)

// fairQueue is a queue in which namespaces take turns. The keys of one namespace come in their order. However many they are, a key
// of another namespace waits for one of them at most.
type fairQueue[K comparable] struct {
	// order has the namespaces with waiting keys, the next one first.
	order   []string
	waiting map[string][]K
	length  int
}

// Touch does nothing: a key that is added again keeps its place.
func (*fairQueue[K]) Touch(K) {}

// Push adds a key behind the others of its namespace.
func (t *fairQueue[K]) Push(key K) {
	namespace := namespaceOf(key)
	if t.waiting == nil {
		t.waiting = make(map[string][]K)
	}
	if len(t.waiting[namespace]) == 0 {
		t.order = append(t.order, namespace)
	}
	t.waiting[namespace] = append(t.waiting[namespace], key)
	t.length++
}

// Len is how many keys wait.
func (t *fairQueue[K]) Len() int { return t.length }

// Pop takes the next key, of which there is one.
func (t *fairQueue[K]) Pop() K {
	namespace := t.order[0]
	t.order = t.order[1:]
	keys := t.waiting[namespace]
	key := keys[0]
	if len(keys) > 1 {
		t.waiting[namespace] = keys[1:]
		t.order = append(t.order, namespace)
	} else {
		delete(t.waiting, namespace)
	}
	t.length--
	return key
}

// namespaceOf is the first part of a key that prints as namespace/name.
func namespaceOf(key any) string {
	namespace, _, _ := strings.Cut(fmt.Sprint(key), "/")
	return namespace
}
