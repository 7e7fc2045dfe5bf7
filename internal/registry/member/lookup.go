// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"path"
	"strconv"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
)

// Lookup finds the members of Networks.
type Lookup struct {
	// Etcd has all that is stored, below Prefix.
	Etcd   clientv3.KV
	Prefix string
}

// OfNetwork returns the names of the members of a Network, one list for each of the kinds. It misses none that was created before
// the call.
func (l Lookup) OfNetwork(ctx context.Context, namespace, network string, kinds ...Storage) ([][]string, error) {
	ctx = genericrequest.WithNamespace(ctx, namespace)
	// One request usually shows that the namespace has no members. Otherwise it returns the revision that the watch cache must have to
	// know of all.
	var firsts []clientv3.Op
	for _, kind := range kinds {
		firsts = append(firsts, clientv3.OpGet(l.root(ctx, kind), clientv3.WithPrefix(), clientv3.WithLimit(1), clientv3.WithKeysOnly()))
	}
	answer, err := l.Etcd.Txn(ctx).Then(firsts...).Commit()
	if err != nil {
		return nil, err
	}
	names := make([][]string, len(kinds))
	looks, ctx := errgroup.WithContext(ctx)
	for i, kind := range kinds {
		if len(answer.Responses[i].GetResponseRange().Kvs) > 0 {
			looks.Go(func() (err error) {
				names[i], err = kind.ofNetwork(ctx, network, answer.Header.Revision)
				return err
			})
		}
	}
	return names, looks.Wait()
}

// RemoveFromEmpty removes what is stored under a key if it still has the given revision and its namespace has no member of the kinds.
// It tells whether it did. This is one transaction, so no member is created in between. Etcd reads all members of the namespace for
// it, so there should seem to be none.
func (l Lookup) RemoveFromEmpty(ctx context.Context, namespace, key string, revision int64, kinds ...Storage) (removed bool, err error) {
	ctx = genericrequest.WithNamespace(ctx, namespace)
	stored := path.Join("/", l.Prefix, key)
	conditions := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(stored), "=", revision)}
	for _, kind := range kinds {
		// All keys of a range meet a condition if there is none. No stored key has the revision 0.
		conditions = append(conditions, clientv3.Compare(clientv3.CreateRevision(l.root(ctx, kind)).WithPrefix(), "=", 0))
	}
	answer, err := l.Etcd.Txn(ctx).If(conditions...).Then(clientv3.OpDelete(stored)).Commit()
	if err != nil {
		return false, err
	}
	return answer.Succeeded, nil
}

// root begins the keys of a kind in the namespace of the request.
func (l Lookup) root(ctx context.Context, kind Storage) string {
	return path.Join("/", l.Prefix, kind.Main.KeyRootFunc(ctx)) + "/"
}

// ofNetwork returns the names of the members of a Network in the namespace of the request, as of a revision or later.
func (s Storage) ofNetwork(ctx context.Context, network string, revision int64) ([]string, error) {
	// Without this request, the cache may get that revision 100 ms later.
	if err := s.Main.Storage.Storage.RequestWatchProgress(ctx); err != nil {
		return nil, err
	}
	selector := fields.OneTermEqualSelector(NetworkField, network)
	found, err := s.Main.ListPredicate(ctx, s.selected(labels.Everything(), selector), &internalversion.ListOptions{
		ResourceVersion: strconv.FormatInt(revision, 10), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		return nil, err
	}
	var names []string
	err = meta.EachListItem(found, func(obj runtime.Object) error {
		member, err := meta.Accessor(obj)
		if err == nil {
			names = append(names, member.GetName())
		}
		return err
	})
	return names, err
}
