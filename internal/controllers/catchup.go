// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
)

const (
	// catchUpPeriod is how often a new leader looks whether its informers have caught up.
	catchUpPeriod = 5 * time.Millisecond
	// catchUpPatience is how long a new leader waits for them before it lets another lead.
	catchUpPatience = 10 * time.Second
)

// catchUp waits until the informers have seen all that is stored by now, so that nothing is decided on what an earlier
// leader has changed since. It asks etcd for the revisions of the objects, without their content.
func (m *Manager) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpPatience)
	defer cancel()
	for resource, informer := range m.informers() {
		answer, err := m.Etcd.Get(ctx, path.Join(m.StoragePrefix, resource)+"/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
		if err != nil {
			return fmt.Errorf("reading how new the stored %s are: %w", resource, err)
		}
		stored := make(map[int64]bool, len(answer.Kvs))
		for _, kv := range answer.Kvs {
			stored[kv.ModRevision] = true
		}
		if err := wait.PollUntilContextCancel(ctx, catchUpPeriod, true, func(context.Context) (bool, error) {
			return caughtUp(stored, answer.Header.Revision, seenBy(informer), cachedBy(informer)), nil
		}); err != nil {
			return fmt.Errorf("waiting for the informer of %s to see revision %d: %w", resource, answer.Header.Revision, err)
		}
	}
	return nil
}

// caughtUp tells whether an informer has seen what was stored at a revision: the objects of these revisions, and no others.
// It has seen all up to a revision, of which its watch need not have told lately, and has the objects of some revisions.
func caughtUp(stored map[int64]bool, at, seen int64, cached func() []int64) bool {
	if seen >= at {
		return true
	}
	for revision := range stored {
		if revision > seen {
			return false
		}
	}
	return !slices.ContainsFunc(cached(), func(revision int64) bool { return revision <= at && !stored[revision] })
}

// seenBy returns up to which revision the cache of an informer is, zero before it has read anything.
func seenBy(informer cache.SharedIndexInformer) int64 {
	version := cmp.Or(informer.GetStore().LastStoreSyncResourceVersion(), informer.LastSyncResourceVersion())
	revision, _ := strconv.ParseInt(version, 10, 64)
	return revision
}

// cachedBy returns the revisions of the objects that an informer has.
func cachedBy(informer cache.SharedIndexInformer) func() []int64 {
	return func() []int64 {
		var revisions []int64
		for _, obj := range informer.GetStore().List() {
			if object, err := meta.Accessor(obj); err == nil {
				revision, _ := strconv.ParseInt(object.GetResourceVersion(), 10, 64) // The API server writes numbers.
				revisions = append(revisions, revision)
			}
		}
		return revisions
	}
}
