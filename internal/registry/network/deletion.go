// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/registry"
	"ironcore.dev/networking/internal/rules"
)

// The deletion of a Network first marks it, with a finalizer, and then looks for its members. The creation of a member first
// stores it, and then looks whether its Network is marked or gone. So whatever the order of the two, one of them sees the other:
// either the deletion waits, or the creation is refused. Where there are no members at all, a deletion is one transaction instead.

// Members knows what is in the Networks.
type Members interface {
	// OfNetwork returns what is in a Network. It misses nothing that was created before the call.
	OfNetwork(ctx context.Context, namespace, network string) (rules.Members, error)
	// RemoveFromEmpty removes the Network that is stored under a key if it still has the given revision and its namespace has no
	// members at all. It tells whether it did.
	RemoveFromEmpty(ctx context.Context, namespace, key string, revision int64) (removed bool, err error)
}

// REST serves Networks; a deletion waits for their members.
type REST struct {
	*registry.REST
	release releaser
	view    View
}

// Delete removes the Network, or marks it as being deleted and lets it go unless it has members.
func (r *REST) Delete(ctx context.Context, name string, deleteValidation rest.ValidateObjectFunc, options *metav1.DeleteOptions,
) (runtime.Object, bool, error) {
	if network := r.removable(ctx, name, deleteValidation, options); network != nil {
		switch removed, err := r.removeAtOnce(ctx, network); {
		case err != nil:
			return nil, false, err
		case removed:
			return deleted(network), true, nil
		}
	}
	obj, gone, err := r.REST.Delete(ctx, name, deleteValidation, options)
	if network, ok := obj.(*networking.Network); ok && err == nil && !gone {
		return r.release.settle(ctx, network, options != nil && dryrun.IsDryRun(options.DryRun))
	}
	return obj, gone, err
}

// removable returns a Network that can go in one step, as the watch cache has it: nothing holds it, and its namespace seems to have no
// members. It returns nil if anything speaks against that. The other way reads what is stored, which may be newer, and says what is
// wrong.
func (r *REST) removable(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions,
) *networking.Network {
	if !isPlain(options) || r.view.MayHaveMembers(genericrequest.NamespaceValue(ctx)) {
		return nil
	}
	obj, err := r.Get(ctx, name, &metav1.GetOptions{ResourceVersion: "0"})
	if err != nil {
		return nil
	}
	network := obj.(*networking.Network)
	preconditions := (*storage.Preconditions)(options.Preconditions)
	if network.DeletionTimestamp != nil || !isHeldByNone(network) || preconditions.Check(name, network) != nil {
		return nil
	}
	if validate != nil && validate(ctx, network) != nil {
		return nil
	}
	return network
}

// removeAtOnce removes a Network if it has not changed and its namespace has no members. It tells whether it did.
func (r *REST) removeAtOnce(ctx context.Context, network *networking.Network) (bool, error) {
	key, err := r.KeyFunc(ctx, network.Name)
	if err != nil {
		return false, err
	}
	revision, err := r.Storage.Versioner().ObjectResourceVersion(network)
	if err != nil {
		return false, err
	}
	return r.release.members.RemoveFromEmpty(ctx, network.Namespace, key, int64(revision))
}

// isPlain tells whether a deletion asks for nothing but to remove the object.
func isPlain(options *metav1.DeleteOptions) bool {
	if options == nil {
		return false
	}
	policy := ptr.Deref(options.PropagationPolicy, metav1.DeletePropagationBackground)
	orphans := options.OrphanDependents != nil //nolint:staticcheck // Clients may still use it.
	return !dryrun.IsDryRun(options.DryRun) && policy == metav1.DeletePropagationBackground && !orphans &&
		!ptr.Deref(options.IgnoreStoreReadErrorWithClusterBreakingPotential, false)
}

// DeleteCollection deletes each Network of a collection as Delete does.
func (r *REST) DeleteCollection(ctx context.Context, deleteValidation rest.ValidateObjectFunc, options *metav1.DeleteOptions,
	listOptions *metainternalversion.ListOptions) (runtime.Object, error) {
	list, err := r.List(ctx, listOptions)
	if err != nil {
		return nil, err
	}
	networks := list.(*networking.NetworkList)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(max(r.DeleteCollectionWorkers, 1))
	for i := range networks.Items {
		network := &networks.Items[i]
		group.Go(func() error {
			ctx := genericrequest.WithNamespace(groupCtx, network.Namespace)
			if _, _, err := r.Delete(ctx, network.Name, deleteValidation, options.DeepCopy()); !apierrors.IsNotFound(err) {
				return err
			}
			return nil
		})
	}
	return networks, group.Wait()
}

// MembershipREST serves networks/membership, which alone ends the wait for the last member.
type MembershipREST struct {
	*registry.DecisionREST[*networking.Network, *networking.NetworkMembership]
	release releaser
}

// Create applies a count to its Network. A count of none lets a Network go that is being deleted, if it is true.
func (r *MembershipREST) Create(ctx context.Context, name string, obj runtime.Object, createValidation rest.ValidateObjectFunc,
	options *metav1.CreateOptions) (runtime.Object, error) {
	answer, err := r.DecisionREST.Create(ctx, name, obj, createValidation, options)
	counted, ok := answer.(*networking.NetworkMembership)
	if err != nil || !ok || counted.NetworkInterfaces > 0 || len(counted.Holders) > 0 || dryrun.IsDryRun(options.DryRun) {
		return answer, err
	}
	stored, err := r.release.store.Get(ctx, name, &metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return answer, nil
	case err != nil:
		return nil, err
	}
	if network := stored.(*networking.Network); network.DeletionTimestamp != nil && network.UID == counted.UID {
		if _, _, err := r.release.settle(ctx, network, false); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// releaser lets a Network go whose deletion has begun.
type releaser struct {
	store   *genericregistry.Store
	members Members
}

// settle looks for the members of a Network that is marked as being deleted. Without any, it lets the Network go,
// or takes the protection off if there are other finalizers; else it says what the deletion waits for. It tells whether the
// Network is gone.
func (r releaser) settle(ctx context.Context, network *networking.Network, dryRun bool) (runtime.Object, bool, error) {
	members, err := r.members.OfNetwork(ctx, network.Namespace, network.Name)
	if err != nil {
		// Without an answer there may be some. The membership controller counts again.
		klog.FromContext(ctx).Error(err, "Looking for the members of a Network failed", "network", klog.KObj(network))
		return network, false, nil
	}
	counted := &networking.NetworkMembership{NetworkInterfaces: int32(len(members.NetworkInterfaces))}
	for _, holders := range members.Holders() {
		counted.Holders = append(counted.Holders, networking.NetworkHolders(holders))
	}
	isEmpty := len(counted.Holders) == 0
	if dryRun { // Nothing is marked.
		return network, isEmpty && isLast(network), nil
	}
	key, err := r.store.KeyFunc(ctx, network.Name)
	if err != nil {
		return nil, false, err
	}
	preconditions := &storage.Preconditions{UID: &network.UID}
	settled := &networking.Network{}
	remove := func(stored runtime.Object) error {
		return r.store.Storage.Delete(ctx, key, settled, preconditions, func(_ context.Context, obj runtime.Object) error {
			if isLast(obj.(*networking.Network)) {
				return nil
			}
			return apierrors.NewConflict(networking.Resource("networks"), network.Name, errors.New("it got another finalizer: try again"))
		}, false, stored, storage.DeleteOptions{})
	}
	if isEmpty && isLast(network) {
		// It has just been stored so. The watch cache mostly doesn't know yet.
		if err = remove(network); err == nil {
			return deleted(network), true, nil
		}
		if !apierrors.IsConflict(err) && !storage.IsConflict(err) {
			return r.interpret(network, settled, err)
		}
	}
	err = r.store.Storage.GuaranteedUpdate(ctx, key, settled, false, preconditions,
		storage.SimpleUpdate(func(existing runtime.Object) (runtime.Object, error) {
			changed := existing.(*networking.Network)
			if isEmpty && isLast(changed) {
				return nil, errLast
			}
			stored, now := changed.DeepCopy(), metav1.Now()
			if isEmpty {
				changed.Finalizers = slices.DeleteFunc(changed.Finalizers, rules.IsProtection)
			}
			applyMembership(changed, counted, now)
			definition.Derive(changed, stored, now)
			return changed, nil
		}), false, nil)
	if errors.Is(err, errLast) {
		if err = remove(nil); err == nil {
			return deleted(network), true, nil
		}
	}
	return r.interpret(network, settled, err)
}

// interpret returns the answer for what became of a Network that was to be settled.
func (r releaser) interpret(network, settled *networking.Network, err error) (runtime.Object, bool, error) {
	if storage.IsNotFound(err) || storage.IsInvalidObj(err) { // It is gone, or another has its name.
		return deleted(network), true, nil
	}
	return settled, false, storeerr.InterpretUpdateError(err, networking.Resource("networks"), network.Name)
}

// errLast ends an update in whose place the Network is to go.
var errLast = errors.New("nothing holds the Network any more")

// isLast tells whether nothing but the protection holds a Network that is being deleted.
func isLast(network *networking.Network) bool {
	return network.DeletionTimestamp != nil && isHeldByNone(network)
}

// isHeldByNone tells whether a Network has no finalizer but the protection.
func isHeldByNone(network *networking.Network) bool {
	return !slices.ContainsFunc(network.Finalizers, func(finalizer string) bool {
		return !rules.IsProtection(finalizer)
	})
}

// deleted is the answer to a deletion that has ended.
func deleted(network *networking.Network) *metav1.Status {
	return &metav1.Status{Status: metav1.StatusSuccess, Details: &metav1.StatusDetails{
		Name: network.Name, Group: networking.GroupName, Kind: definition.Plural, UID: network.UID,
	}}
}

// applyMembership puts the number of its members into the Network, and into words while its deletion waits for them.
func applyMembership(network *networking.Network, counted *networking.NetworkMembership, now metav1.Time) {
	status := &network.Status
	status.NetworkInterfaces = counted.NetworkInterfaces
	if len(counted.Holders) == 0 || network.DeletionTimestamp == nil || !slices.ContainsFunc(network.Finalizers, rules.IsProtection) {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.NetworkDeletionBlocked)
		return
	}
	var holders []v1alpha1.NetworkHolders
	for _, of := range counted.Holders {
		holders = append(holders, v1alpha1.NetworkHolders(of))
	}
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type:               v1alpha1.NetworkDeletionBlocked,
		Status:             metav1.ConditionTrue,
		Reason:             rules.DeletionReason(holders),
		Message:            rules.DeletionMessage(holders),
		LastTransitionTime: now,
	})
}
