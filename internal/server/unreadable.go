// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/internal/controllers/index"
)

// readableStorageGetter makes storages whose watch caches hold every object that can be read. With the library's own, one stored
// object that can't be decoded keeps the cache empty and the server unready.
type readableStorageGetter struct {
	generic.RESTOptionsGetter
	etcd       *options.EtcdOptions
	unreadable *index.Unreadable
	pool       *stringPool
}

// GetRESTOptions returns the options with a storage, cached or not, that leaves out what can't be read.
func (g readableStorageGetter) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	restOptions, err := g.RESTOptionsGetter.GetRESTOptions(resource, example)
	if err != nil {
		return restOptions, err
	}
	sizes, err := options.ParseWatchCacheSizes(g.etcd.WatchCacheSizes)
	if err != nil {
		return restOptions, err
	}
	restOptions.StorageConfig = checkingConfig(restOptions.StorageConfig, g.pool) // Also for what a dry run makes of a write.
	restOptions.Decorator = g.newCached
	if size, given := sizes[resource]; !g.etcd.EnableWatchCache || given && size <= 0 {
		restOptions.Decorator = g.newUncached
	}
	return restOptions, nil
}

func (g readableStorageGetter) newUncached(config *storagebackend.ConfigForResource, prefix string, _ func(runtime.Object) (string, error),
	newFunc, newListFunc func() runtime.Object, _ storage.AttrFunc, _ storage.IndexerFuncs,
	_ *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
	stored, destroy, err := generic.NewRawStorage(config, newFunc, newListFunc, prefix)
	if err != nil {
		return nil, nil, err
	}
	return uncachedLists{Interface: stored, readable: g.newStorage(config, prefix, stored, newListFunc)}, destroy, nil
}

func (g readableStorageGetter) newStorage(config *storagebackend.ConfigForResource, prefix string, stored storage.Interface,
	newList func() runtime.Object) *readableStorage {
	return &readableStorage{
		Interface: stored, newList: newList, prefix: prefix, resource: config.GroupResource.Resource, unreadable: g.unreadable,
	}
}

// uncachedLists answers lists without a watch cache in the same way as with one. A list with which an informer begins gets what can
// be read, in one piece. Any other list fails with the name of what can't be read.
type uncachedLists struct {
	storage.Interface
	readable *readableStorage
}

func (s uncachedLists) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	if !opts.Recursive || !takesWhatCanBeRead(opts) {
		return s.Interface.GetList(ctx, key, opts, list)
	}
	opts.Predicate.Limit = 0
	return s.readable.GetList(ctx, key, opts, list)
}

func (s uncachedLists) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	return s.readable.Watch(ctx, key, opts)
}

// takesWhatCanBeRead tells whether a list begins with what a cache has, as informers do. One that asks for a state that is not
// older than it says wants to miss nothing.
func takesWhatCanBeRead(opts storage.ListOptions) bool {
	return opts.ResourceVersion == "0" || opts.ResourceVersion != "" && opts.ResourceVersionMatch == ""
}

func (g readableStorageGetter) newCached(config *storagebackend.ConfigForResource, prefix string, keyFunc func(runtime.Object) (string, error),
	newFunc, newListFunc func() runtime.Object, attrs storage.AttrFunc, trigger storage.IndexerFuncs,
	indexers *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
	stored, destroyStored, err := generic.NewRawStorage(config, newFunc, newListFunc, prefix)
	if err != nil {
		return nil, nil, err
	}
	readable := g.newStorage(config, prefix, stored, newListFunc)
	cached, err := cacher.NewCacherFromConfig(cacher.Config{
		Storage:             readable,
		Versioner:           storage.APIObjectVersioner{},
		GroupResource:       config.GroupResource,
		EventsHistoryWindow: config.EventsHistoryWindow,
		ResourcePrefix:      prefix,
		KeyFunc:             keyFunc,
		NewFunc:             newFunc,
		NewListFunc:         newListFunc,
		GetAttrsFunc:        attrs,
		IndexerFuncs:        trigger,
		Indexers:            indexers,
		Codec:               config.Codec,
	})
	if err != nil {
		destroyStored()
		return nil, nil, err
	}
	delegator := cacher.NewCacheDelegator(cached, promptRevision{stored})
	destroy := sync.OnceFunc(func() {
		delegator.Stop()
		cached.Stop()
		destroyStored()
	})
	return completeLists{Interface: delegator, stored: stored, incomplete: &readable.incomplete}, destroy, nil
}

// completeLists lets a list of the newest state fail with the name of what can't be read, as a get does. A list or watch that begins
// with what the cache has, as informers do, gets the other objects.
type completeLists struct {
	storage.Interface
	stored     storage.Interface
	incomplete *atomic.Bool // The cache leaves something out.
}

func (s completeLists) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	if s.incomplete.Load() && !takesWhatCanBeRead(opts) {
		return s.stored.GetList(ctx, key, opts, list)
	}
	return s.Interface.GetList(ctx, key, opts, list)
}

// Delete begins with the version that is suggested, if one is. The library's cache would begin with its own, which may be older.
func (s completeLists) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, suggested runtime.Object, opts storage.DeleteOptions) error {
	if suggested != nil {
		return s.stored.Delete(ctx, key, out, preconditions, validate, suggested, opts)
	}
	return s.Interface.Delete(ctx, key, out, preconditions, validate, nil, opts)
}

// readableStorage is what a watch cache is filled from. When a watch meets what can't be read, it ends, and the cache begins
// anew with a list.
type readableStorage struct {
	storage.Interface
	newList          func() runtime.Object
	prefix, resource string
	unreadable       *index.Unreadable
	incomplete       atomic.Bool
}

// IsWatchListSemanticsUnSupported makes the cache begin with a list.
func (s *readableStorage) IsWatchListSemanticsUnSupported() bool { return true }

// GetList lists what can be read, and logs the rest.
func (s *readableStorage) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	err := s.Interface.GetList(ctx, key, opts, list)
	if !apierrors.IsStoreReadError(err) {
		if err == nil && opts.Predicate.Continue == "" {
			s.incomplete.Store(false)
		}
		if err == nil {
			s.foundNone(key, opts.Predicate, list)
		}
		return err
	}
	s.incomplete.Store(true)
	var revision int64
	if from := opts.Predicate.Continue; from != "" {
		_, revision, err = storage.DecodeContinue(from, "/")
	} else {
		var current uint64
		current, err = s.GetCurrentResourceVersion(ctx)
		revision = int64(current)
	}
	if err != nil {
		return err
	}
	items, unreadable, err := s.listReadable(ctx, key, opts.Predicate, revision)
	if err != nil {
		return err
	}
	if s.isWhole(key, opts.Predicate) {
		s.unreadable.Found(s.resource, revision, unreadable)
	}
	if err := meta.SetList(list, items); err != nil {
		return err
	}
	return s.Versioner().UpdateList(list, uint64(revision), "", nil)
}

// isWhole tells whether a list is one of all objects of the kind.
func (s *readableStorage) isWhole(key string, wanted storage.SelectionPredicate) bool {
	return strings.Trim(key, "/") == strings.Trim(s.prefix, "/") && wanted.Empty()
}

// foundNone notes that the rest of the kind can be read, if it is that which was listed. What comes before would have ended
// the list.
func (s *readableStorage) foundNone(key string, wanted storage.SelectionPredicate, list runtime.Object) {
	listed, err := meta.ListAccessor(list)
	if err != nil || listed.GetContinue() != "" || !s.isWhole(key, wanted) {
		return
	}
	if revision, err := s.Versioner().ParseResourceVersion(listed.GetResourceVersion()); err == nil {
		s.unreadable.Found(s.resource, int64(revision), nil)
	}
}

// Watch notes what can be read again. Where it meets what can't be read, it asks for a new list at once: the library's cache
// would try the same again for half a minute.
func (s *readableStorage) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	watching, err := s.Interface.Watch(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	return watch.Filter(watching, func(event watch.Event) (watch.Event, bool) {
		if status, ok := event.Object.(*metav1.Status); ok && strings.Contains(status.Message, cannotBeRead) {
			expired := apierrors.NewResourceExpired(status.Message).Status()
			event.Object = &expired
		} else if s.unreadable.Any(s.resource) && event.Type != watch.Bookmark {
			s.closed(event.Object)
		}
		return event, true
	}), nil
}

// closed notes that an object can be read, or is gone.
func (s *readableStorage) closed(obj runtime.Object) {
	object, err := meta.Accessor(obj)
	if err != nil {
		return // An error, not an object.
	}
	if revision, err := s.Versioner().ParseResourceVersion(object.GetResourceVersion()); err == nil {
		s.unreadable.Closed(s.resource, types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}, int64(revision))
	}
}

// listReadable returns what can be read at a revision, and the names of the rest. A list that fails also returns what it has read.
// Its error names up to 100 objects. If there may be more, the list ended at the last of them.
func (s *readableStorage) listReadable(ctx context.Context, key string, wanted storage.SelectionPredicate, revision int64,
) (items []runtime.Object, unreadable []types.NamespacedName, err error) {
	for {
		opts := storage.ListOptions{Recursive: true, Predicate: wanted}
		opts.Predicate.Limit = 0
		if wanted.Continue == "" {
			opts.ResourceVersion = strconv.FormatInt(revision, 10)
			opts.ResourceVersionMatch = metav1.ResourceVersionMatchExact
		}
		list := s.newList()
		failure := s.Interface.GetList(ctx, key, opts, list)
		if failure != nil && !apierrors.IsStoreReadError(failure) {
			return nil, nil, failure
		}
		some, err := meta.ExtractList(list)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, some...)
		named, more := logUnreadable(ctx, failure)
		for _, stored := range named {
			namespace, name := path.Split(stored)
			unreadable = append(unreadable, types.NamespacedName{Namespace: path.Base(namespace), Name: name})
		}
		if !more {
			return items, unreadable, nil
		}
		last := named[len(named)-1]
		before, _, found := strings.Cut(last, key)
		if !found {
			return nil, nil, fmt.Errorf("a list of %s ended at %s: %w", key, last, failure)
		}
		if wanted.Continue, err = storage.EncodeContinue(last+"\x00", before+strings.TrimSuffix(key, "/")+"/", revision); err != nil {
			return nil, nil, err
		}
	}
}

// logUnreadable logs which objects a list could not read, and returns their keys and whether the list ended with the last.
func logUnreadable(ctx context.Context, failure error) (keys []string, ended bool) {
	status, ok := failure.(apierrors.APIStatus)
	if !ok || status.Status().Details == nil {
		return nil, false
	}
	for _, cause := range status.Status().Details.Causes {
		switch cause.Type {
		case metav1.CauseTypeUnexpectedServerResponse:
			keys = append(keys, cause.Field)
			klog.FromContext(ctx).Error(nil, "A stored object cannot be read and is left out: restore or remove it, see docs/operate.md",
				"key", cause.Field, "reason", cause.Message)
		case metav1.CauseTypeTooMany:
			ended = len(keys) > 0
		}
	}
	return keys, ended
}
