// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/raft/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

// retryAfter is how many seconds a client is asked to wait when etcd did not answer.
const retryAfter = 1

// tooLargeToSend is what the client of etcd says of a request that it does not send.
const tooLargeToSend = "trying to send message larger than max"

// explainEtcd answers errors of etcd with a code that says what they mean, where the library answers 500: 413 if the object is too
// large, and 503 or 504 with Retry-After if etcd failed. Clients repeat a request after Retry-After. Each answer comes within
// etcdCallTimeout, and that to a list within askPeriod more.
type explainEtcd struct{ generic.RESTOptionsGetter }

// GetRESTOptions returns the options with a storage whose errors tell what etcd meant.
func (g explainEtcd) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	options, err := g.RESTOptionsGetter.GetRESTOptions(resource, example)
	decorate := options.Decorator
	options.Decorator = func(config *storagebackend.ConfigForResource, prefix string, keyFunc func(runtime.Object) (string, error),
		newFunc, newListFunc func() runtime.Object, attrs storage.AttrFunc, trigger storage.IndexerFuncs,
		indexers *cache.Indexers) (storage.Interface, factory.DestroyFunc, error) {
		inside, destroy, err := decorate(config, prefix, keyFunc, newFunc, newListFunc, attrs, trigger, indexers)
		return explainedStorage{inside}, destroy, err
	}
	return options, err
}

type explainedStorage struct{ storage.Interface }

// explain returns the answer for an error of etcd, and any other error as it is.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if known := apierrors.APIStatus(nil); errors.As(err, &known) {
		return err
	}
	if strings.Contains(err.Error(), rpctypes.ErrRequestTooLarge.Error()) || strings.Contains(err.Error(), tooLargeToSend) {
		return apierrors.NewRequestEntityTooLargeError("the object is larger than what can be stored")
	}
	if strings.Contains(err.Error(), rpctypes.ErrNoSpace.Error()) {
		return apierrors.NewServiceUnavailable("the database of etcd has reached its quota: see NetworkStorageFillingUp in docs/operate.md")
	}
	switch code := etcdCode(err); {
	case errors.Is(err, context.DeadlineExceeded), code == codes.DeadlineExceeded:
		return apierrors.NewTimeoutError(fmt.Sprintf("etcd did not answer in time, the outcome is not known: %v", err), retryAfter)
	case code == codes.Unavailable, strings.Contains(err.Error(), raft.ErrStopped.Error()):
		unavailable := apierrors.NewServiceUnavailable(fmt.Sprintf("etcd is not available, the outcome is not known: %v", err))
		unavailable.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: retryAfter}
		return unavailable
	}
	return err
}

// isCanceled tells whether a call ended because its caller gave up.
func isCanceled(err error) bool {
	return errors.Is(err, context.Canceled) || etcdCode(err) == codes.Canceled
}

// etcdCode is the code of gRPC inside an error. The client of etcd gives some errors a type of its own.
func etcdCode(err error) codes.Code {
	if coded := (interface{ Code() codes.Code })(nil); errors.As(err, &coded) {
		return coded.Code()
	}
	if coded := (interface{ GRPCStatus() *status.Status })(nil); errors.As(err, &coded) {
		return coded.GRPCStatus().Code()
	}
	return codes.Unknown
}

func (s explainedStorage) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	ctx, patience := newPatience(ctx)
	return patience.end(ctx, s.Interface.Create(ctx, key, obj, out, ttl))
}

func (s explainedStorage) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, cached runtime.Object, opts storage.DeleteOptions) error {
	ctx, patience := newPatience(ctx)
	return patience.end(ctx, s.Interface.Delete(ctx, key, out, preconditions, patience.validating(validate), cached, opts))
}

func (s explainedStorage) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	watching, err := s.Interface.Watch(ctx, key, opts)
	return watching, explain(err)
}

func (s explainedStorage) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	ctx, patience := newPatience(ctx)
	return patience.end(ctx, s.Interface.Get(ctx, key, opts, out))
}

// GetList takes as long as there is much to read, while etcd answers.
func (s explainedStorage) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	ctx, stop := whileAnswering(ctx, s.Interface)
	defer stop()
	err := s.Interface.GetList(ctx, key, opts, list)
	return explain(orNoAnswer(ctx, err))
}

func (s explainedStorage) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, update storage.UpdateFunc, cached runtime.Object) error {
	ctx, patience := newPatience(ctx)
	return patience.end(ctx, s.Interface.GuaranteedUpdate(ctx, key, out, ignoreNotFound, preconditions, patience.updating(update), cached))
}
