// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"k8s.io/client-go/tools/cache"
)

// Source tells a loop of the changes of an informer, until unfollow is called.
type Source func() (unfollow func(), err error)

// FollowFromStart calls changed with each change of an object that the informer learns of. Before is nil for a new object, after is
// nil for one that is gone. If the two differ in UID, the object was deleted and created again. AtStart is true for the objects that
// existed when the informer began.
func FollowFromStart[T any](informer cache.SharedIndexInformer, changed func(before, after *T, atStart bool)) Source {
	return func() (func(), error) {
		registration, err := informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
			AddFunc:    func(obj any, atStart bool) { changed(nil, obj.(*T), atStart) },
			UpdateFunc: func(old, obj any) { changed(old.(*T), obj.(*T), false) },
			DeleteFunc: func(obj any) {
				if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok { // Its deletion was missed, and noticed later.
					obj = gone.Obj
				}
				changed(obj.(*T), nil, false)
			},
		})
		return func() { _ = informer.RemoveEventHandler(registration) }, err // It only says that the informer has stopped.
	}
}

// Follow is FollowFromStart without atStart.
func Follow[T any](informer cache.SharedIndexInformer, changed func(before, after *T)) Source {
	return FollowFromStart(informer, func(before, after *T, _ bool) { changed(before, after) })
}

// FollowEach calls keys with the object before a change and after it, because the two may name different objects.
func FollowEach[T any](informer cache.SharedIndexInformer, keys func(*T)) Source {
	return Follow(informer, func(before, after *T) {
		for _, version := range []*T{before, after} {
			if version != nil {
				keys(version)
			}
		}
	})
}
