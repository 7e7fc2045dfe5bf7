// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/util/dryrun"

	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
)

// Networks reads a Network as it is now, not from a cache.
type Networks func(ctx context.Context, name string) (*networking.Network, error)

// networkRead is the result of ReadOnce.
type networkRead struct {
	done    bool
	name    string
	network *networking.Network
	err     error
}

type networkReadKey struct{}

// ReadOnce reads a Network, and returns the same result for the rest of the request.
func (n Networks) ReadOnce(ctx context.Context, name string) (*networking.Network, error) {
	read, ok := ctx.Value(networkReadKey{}).(*networkRead)
	if !ok {
		return n(ctx, name)
	}
	if !read.done || read.name != name {
		network, err := n(ctx, name)
		*read = networkRead{done: true, name: name, network: network, err: err}
	}
	return read.network, read.err
}

// REST serves members of Networks. None is created in a Network that is being deleted: Create stores the member, then reads the
// Network, and removes the member if the deletion has begun. The deletion first marks the Network and then reads the members, so
// one of the two sees the other.
type REST struct {
	*registry.REST
	plural   string
	networks Networks
	// networkOf names the Network of a member.
	networkOf func(runtime.Object) string
}

// Create stores a member, unless its Network is being deleted.
func (r *REST) Create(ctx context.Context, obj runtime.Object, createValidation rest.ValidateObjectFunc,
	options *metav1.CreateOptions) (runtime.Object, error) {
	ctx = context.WithValue(ctx, networkReadKey{}, &networkRead{})
	before, err := r.checkBefore(ctx, obj)
	if err != nil {
		return nil, err
	}
	created, err := r.REST.Create(ctx, obj, createValidation, options)
	if err != nil {
		return nil, err
	}
	return r.checkAfter(ctx, created, before, options.DryRun)
}

// Update changes a member, or creates it: server-side apply does so.
func (r *REST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, createValidation rest.ValidateObjectFunc,
	updateValidation rest.ValidateObjectUpdateFunc, forceAllowCreate bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	ctx = context.WithValue(ctx, networkReadKey{}, &networkRead{})
	var before types.UID
	check := func(ctx context.Context, obj runtime.Object) (err error) {
		if before, err = r.checkBefore(ctx, obj); err != nil || createValidation == nil {
			return err
		}
		return createValidation(ctx, obj)
	}
	obj, created, err := r.REST.Update(ctx, name, info, check, updateValidation, forceAllowCreate, options)
	if err != nil || !created {
		return obj, created, err
	}
	obj, err = r.checkAfter(ctx, obj, before, options.DryRun)
	return obj, true, err
}

// checkBefore refuses a member of a Network that is being deleted. It returns the UID of the Network, empty if there is none.
func (r *REST) checkBefore(ctx context.Context, obj runtime.Object) (types.UID, error) {
	network, err := r.networks.ReadOnce(ctx, r.networkOf(obj))
	switch {
	case IsMissing(err):
		return "", nil
	case err != nil:
		return "", err
	case network.DeletionTimestamp != nil:
		return "", r.refused(obj, "is being deleted: wait until it is gone, or name another")
	}
	return network.UID, nil
}

// undoTimeout bounds the removal of a member. It goes on even if the client ends the request.
const undoTimeout = 10 * time.Second

// checkAfter removes a stored member if the deletion of its Network has begun since checkBefore.
func (r *REST) checkAfter(ctx context.Context, created runtime.Object, before types.UID, dryRun []string) (runtime.Object, error) {
	member, ok := created.(registry.Object)
	if !ok || dryrun.IsDryRun(dryRun) {
		return created, nil
	}
	network, err := r.networks(ctx, r.networkOf(created))
	var refusal error
	switch {
	case IsMissing(err) && before == "":
		return created, nil
	case IsMissing(err) || err == nil && before != "" && network.UID != before:
		refusal = r.refused(member, "was deleted in the meantime: create it again, or name another")
	case err != nil:
		refusal = err // The Network may be being deleted.
	case network.DeletionTimestamp != nil:
		refusal = r.refused(member, "is being deleted: wait until it is gone, or name another")
	default:
		return created, nil
	}
	undoCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	if err := r.undo(undoCtx, member); err != nil {
		return nil, fmt.Errorf("removing %s %s again: %w, after: %w", r.plural, member.GetName(), err, refusal)
	}
	return nil, refusal
}

// undo removes a stored member, even if it has finalizers.
func (r *REST) undo(ctx context.Context, member registry.Object) error {
	key, err := r.KeyFunc(ctx, member.GetName())
	if err != nil {
		return err
	}
	uid := member.GetUID()
	err = r.Storage.Delete(ctx, key, r.New(), &storage.Preconditions{UID: &uid},
		rest.ValidateAllObjectFunc, false, nil, storage.DeleteOptions{})
	if storage.IsNotFound(err) || storage.IsInvalidObj(err) { // It is gone, or another has its name.
		return nil
	}
	return err
}

// IsMissing tells that there is no such Network. A malformed name is an error too, and no Network has one.
func IsMissing(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsBadRequest(err) }

func (r *REST) refused(member runtime.Object, why string) error {
	name := ""
	if object, err := meta.Accessor(member); err == nil {
		name = object.GetName()
	}
	return apierrors.NewForbidden(networking.Resource(r.plural), name,
		fmt.Errorf("spec.networkRef names Network %s, which %s", r.networkOf(member), why))
}
