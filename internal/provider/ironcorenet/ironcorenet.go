// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ironcorenet is the provider that realizes Networks in ironcore-net. For each Network it keeps an object of the
// same kind in one namespace of an ironcore-net API server. The object has the Network's UID as its name and this server as
// its owner:
//
//	Network → decide.go: the remote Network as it should be → create or merge patch
//	remote Network → watch → decide.go: state and peerings → status
//
// The remote side is watched, and written only where it differs. Every write names the version that it was decided on, so a leader
// with old data is refused. Once spec.providerID has the ID, a remote Network that was lost is created with that ID or not at all.
package ironcorenet

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/mirror"
	"ironcore.dev/networking/internal/provider/prefixes"
	"ironcore.dev/networking/internal/rules"
)

// Name of the provider on the command line.
const Name = "ironcore-net"

// Agent names what realizes the kinds that this provider does not: LoadBalancer, NATGateway, NetworkPolicy and VirtualIP.
const Agent = "apinetlet, the agent of ironcore-net"

const (
	// finalizer is the one that ironcore-net's own agent uses, so that either can follow the other.
	finalizer    = "apinet.ironcore.dev/network"
	fieldManager = "network-apiserver"
	// requestTimeout bounds a request to a slow server.
	requestTimeout = 30 * time.Second
	// outdatedPause is the wait after a write that was refused because it was decided on an old version. By its end, a leader that
	// was paused has noticed that it lost its lease.
	outdatedPause = time.Second
)

// If another client keeps changing a remote Network, it is restored at growing intervals. Else the two would write without end.
const (
	firstRestoreDelay = time.Second
	maxRestoreDelay   = 10 * time.Second
)

// idReleaseBackoff tries a creation again while the ID of a remote Network that was just deleted is still taken.
var idReleaseBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: 4}

var (
	kind     = schema.GroupVersionKind{Group: "core.apinet.ironcore.dev", Version: "v1alpha1", Kind: "Network"}
	resource = kind.GroupVersion().WithResource("networks")
)

const (
	byID   = "id"
	byPeer = "peer"
)

// Provider realizes Networks in ironcore-net.
type Provider struct {
	namespace string
	client    dynamic.ResourceInterface
	etcd      *clientv3.Client
	ownerKey  string

	prefixes  *prefixes.Resolver
	contested *flowcontrol.Backoff // Networks whose remote one another client changes
	outdated  *flowcontrol.Backoff // Networks that were decided on an outdated remote one

	// What Run sets; started is closed then.
	started chan struct{}
	owner   string
	found   provider.Found
	remotes *mirror.Mirror

	mu      sync.Mutex
	applied map[types.UID]application
	// waiting are the Networks to try again once the server answers.
	waiting map[types.UID]types.NamespacedName
}

// application is the last write of a remote Network and its result.
type application struct{ desired, result *remote }

var _ provider.Provider = &Provider{}

// New returns a provider that keeps the label value of its objects in etcd below the prefix, and reads Prefixes from the host
// cluster, if there is one. One serves a leader for as long as it leads.
func New(o Options, etcd *clientv3.Client, prefix string, host *rest.Config) (*Provider, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("--ironcore-net-kubeconfig: %w", err)
	}
	resolver, err := prefixes.New(host)
	if err != nil {
		return nil, err
	}
	return &Provider{
		namespace: o.Namespace,
		client:    client.Resource(resource).Namespace(o.Namespace),
		etcd:      etcd,
		ownerKey:  path.Join(prefix, "owner"),
		prefixes:  resolver,
		contested: flowcontrol.NewBackOff(firstRestoreDelay, maxRestoreDelay),
		outdated:  flowcontrol.NewBackOff(outdatedPause, outdatedPause),
		started:   make(chan struct{}),
		applied:   make(map[types.UID]application),
		waiting:   make(map[types.UID]types.NamespacedName),
	}, nil
}

// Finalizer keeps a Network until its remote one is gone.
func (p *Provider) Finalizer() string { return finalizer }

// Run watches this server's remote Networks, and the Prefixes that peerings refer to.
func (p *Provider) Run(ctx context.Context, found provider.Found) error {
	owner, err := loadOwner(ctx, p.etcd, p.ownerKey)
	if err != nil {
		return err
	}
	p.owner, p.found = owner, found
	selector := labels.SelectorFromSet(labels.Set{ownerLabel: owner}).String()
	p.remotes = mirror.New(resource, p.client, selector, cache.Indexers{
		byID:   func(obj any) ([]string, error) { return []string{obj.(*remote).id}, nil },
		byPeer: func(obj any) ([]string, error) { return droppedPeers(obj.(*remote), nil), nil },
	})
	p.remotes.Answered = p.wakeWaiting
	if err := p.remotes.Informer.SetTransform(func(obj any) (any, error) {
		if object, ok := obj.(*unstructured.Unstructured); ok {
			return readRemote(object), nil
		}
		return obj, nil
	}); err != nil {
		return err
	}
	if _, err := p.remotes.Informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { p.changed(nil, obj.(*remote)) },
		UpdateFunc: func(old, obj any) { p.changed(old.(*remote), obj.(*remote)) },
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			p.changed(obj.(*remote), nil)
		},
	}); err != nil {
		return err
	}
	close(p.started)

	var running sync.WaitGroup
	failed := make(chan error, 1)
	running.Go(func() { failed <- p.prefixes.Run(ctx, found) })
	p.remotes.Run(ctx)
	running.Wait()
	return <-failed
}

// changed calls found for the Network of a remote one, and for Networks whose release may have waited for a remote peering that
// is gone now.
func (p *Provider) changed(before, after *remote) {
	current := after
	if current == nil {
		current = before
	}
	p.found(current.source())
	if before == nil {
		return
	}
	for _, id := range droppedPeers(before, after) {
		peers, err := p.remotes.Informer.GetIndexer().ByIndex(byID, id)
		if err != nil {
			continue
		}
		for _, peer := range peers {
			p.found(peer.(*remote).source())
		}
	}
}

// Realize writes the remote Network if it is not as desired, and reports what is there.
func (p *Provider) Realize(
	ctx context.Context, network *v1alpha1.Network, situation provider.Situation,
) (provider.Realization, error) {
	var known identity
	if network.Spec.ProviderID != "" {
		var ok bool
		known, ok = parseIdentity(network.Spec.ProviderID)
		if !ok || known.namespace != p.namespace || known.name != string(network.UID) {
			return provider.Realization{
				State:  v1alpha1.NetworkStateError,
				Reason: "ForeignProviderID",
				Message: fmt.Sprintf("spec.providerID %q does not name the object %s in namespace %s of ironcore-net.",
					network.Spec.ProviderID, network.UID, p.namespace),
			}, nil
		}
	}
	there, err := p.find(ctx, network.UID)
	if err != nil {
		failed := p.failed(ctx, network, err)
		return failed.Realization(network), failed
	}

	resolve := p.prefixes.For(ctx, network)
	peerings := make([]peeringCase, len(network.Spec.Peerings))
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		peerings[i] = decidePeering(peering, situation.Peers[peering.Name], p.namespace, resolve)
	}
	desired := decideRemote(network, p.namespace, p.owner, known.id, peerings)
	if there != nil {
		desired = desired.onto(there)
	}
	there, failed := p.ensure(ctx, network, there, desired)

	if there == nil {
		realization := provider.Realization{State: failed.State, Reason: failed.Reason, Message: failed.Message}
		realization.Peerings = decideStates(peerings, &remote{})
		return realization, failed
	}
	realization := decideState(known, there)
	realization.Peerings = decideStates(peerings, there)
	if failed == nil {
		return realization, nil
	}
	if realization.State == v1alpha1.NetworkStateAvailable {
		realization.Reason, realization.Message = failed.Reason, failed.Message
	}
	return realization, failed
}

// find returns the remote Network of a UID as it was seen last, or nil if there is none.
func (p *Provider) find(ctx context.Context, uid types.UID) (*remote, error) {
	select {
	case <-p.started:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := p.remotes.Await(ctx); err != nil {
		return nil, err
	}
	obj, ok, err := p.remotes.Informer.GetIndexer().GetByKey(p.namespace + "/" + string(uid))
	if err != nil || !ok {
		return nil, err
	}
	there := obj.(*remote)
	p.mu.Lock()
	defer p.mu.Unlock()
	if applied, ok := p.applied[uid]; ok {
		order, err := resourceversion.CompareResourceVersion(there.ResourceVersion, applied.result.ResourceVersion)
		if err == nil && order < 0 {
			return applied.result, nil // Our own write has not come back yet.
		}
	}
	return there, nil
}

// ensure makes the remote Network the desired one, and returns it, or nil if there is none.
func (p *Provider) ensure(
	ctx context.Context, network *v1alpha1.Network, there, desired *remote,
) (*remote, *provider.Trouble) {
	inLine := there != nil && (there.DeletionTimestamp != nil || desired.inLine(there))
	contested := !inLine && there != nil && (!desired.leadsBack(there) || p.wasInLine(network.UID, desired))
	switch now, uid := time.Now(), string(network.UID); {
	case (inLine || contested) && p.contested.IsInBackOffSinceUpdate(uid, now):
		return there, p.failed(ctx, network, contestedError(there))
	case inLine:
		return there, nil
	case p.outdated.IsInBackOffSinceUpdate(uid, now):
		return there, p.failed(ctx, network, outdated(desired.Name))
	}
	result, retaken, err := p.write(ctx, there, desired)
	if apierrors.IsConflict(err) {
		p.pause(network, p.outdated)
	}
	if err != nil {
		return there, p.failed(ctx, network, err)
	}
	p.mu.Lock()
	p.applied[network.UID] = application{desired: desired, result: result}
	p.mu.Unlock()
	if contested || retaken || !desired.inLine(result) {
		p.pause(network, p.contested)
		return result, p.failed(ctx, network, contestedError(result))
	}
	return result, nil
}

// pause begins or prolongs a backoff of a Network, and queues the Network for its end.
func (p *Provider) pause(network *v1alpha1.Network, backoff *flowcontrol.Backoff) {
	name, uid := rules.NameOf(network), network.UID
	backoff.Next(string(uid), time.Now())
	time.AfterFunc(backoff.Get(string(uid)), func() { p.found(name, uid) })
}

func contestedError(there *remote) error {
	return provider.NewTrouble(v1alpha1.NetworkStatePending, "RemoteChanged",
		fmt.Sprintf("Another client changes %s/%s in ironcore-net. The server restores it, at intervals of up to %s.",
			there.Namespace, there.Name, maxRestoreDelay), errors.New("another client changes it"))
}

// outdated tells that a decision was taken on a remote Network that has changed since.
func outdated(name string) error {
	return apierrors.NewConflict(resource.GroupResource(), name, errors.New("it has changed since it was read"))
}

// wasInLine tells whether the remote Network was written as desired before.
func (p *Provider) wasInLine(uid types.UID, desired *remote) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	applied, ok := p.applied[uid]
	return ok && applied.desired.sameAs(desired)
}

// write creates or changes the remote Network, and tells whether it had lost this server's label.
func (p *Provider) write(ctx context.Context, there, desired *remote) (result *remote, retaken bool, err error) {
	if there != nil {
		result, err = p.patch(ctx, desired)
		return result, false, err
	}
	if desired.id == "" {
		if result, err = p.create(ctx, desired); !apierrors.IsAlreadyExists(err) {
			return result, false, err
		}
	}
	// It exists or did once: the watch does not show one without this server's label.
	unmarked, err := p.get(ctx, desired.Name)
	switch {
	case err == nil:
		return p.adopt(ctx, unmarked, desired)
	case !apierrors.IsNotFound(err):
		return nil, false, err
	}
	ended := wait.ExponentialBackoffWithContext(ctx, idReleaseBackoff, func(ctx context.Context) (bool, error) {
		result, err = p.create(ctx, desired)
		return !isIDTaken(err), nil
	})
	switch {
	case ended != nil && !wait.Interrupted(ended):
		return nil, false, ended
	case apierrors.IsAlreadyExists(err):
		return nil, false, outdated(desired.Name)
	}
	return result, false, err
}

// create creates the remote Network, if there is none.
func (p *Provider) create(ctx context.Context, desired *remote) (*remote, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	object, err := p.client.Create(ctx, desired.object(), metav1.CreateOptions{FieldManager: fieldManager})
	if err != nil {
		return nil, err
	}
	return readRemote(object), nil
}

// adopt takes over a remote Network that the watch does not show, because it lacks this server's label.
func (p *Provider) adopt(ctx context.Context, there, desired *remote) (result *remote, retaken bool, err error) {
	switch owner := there.Labels[ownerLabel]; owner {
	case "":
		result, err = p.patch(ctx, desired.onto(there))
		return result, there.ledBack(), err
	case p.owner:
		return nil, false, outdated(desired.Name) // The watch will show it.
	default:
		return nil, false, provider.NewTrouble(v1alpha1.NetworkStateError, "RemoteOwned",
			fmt.Sprintf("%s/%s in ironcore-net belongs to another server, with the label value %s: delete it there, or leave the "+
				"Network to that server.", desired.Namespace, desired.Name, owner), errors.New("it has another owner label"))
	}
}

// patch changes the remote Network, if it still has the resourceVersion of what is desired.
func (p *Provider) patch(ctx context.Context, desired *remote) (*remote, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	patch, err := desired.object().MarshalJSON()
	if err != nil {
		return nil, err
	}
	object, err := p.client.Patch(ctx, desired.Name, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return nil, err
	}
	return readRemote(object), nil
}

func (p *Provider) get(ctx context.Context, name string) (*remote, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	object, err := p.client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return readRemote(object), nil
}

// Release deletes the remote Network.
func (p *Provider) Release(ctx context.Context, network *v1alpha1.Network) (gone bool, err error) {
	if _, err := p.find(ctx, network.UID); err != nil {
		return false, p.failed(ctx, network, err)
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() (err error) {
		gone, err = p.release(ctx, network)
		return err
	})
	if err != nil {
		return false, p.failed(ctx, network, err)
	}
	if gone {
		p.forget(network)
	}
	return gone, nil
}

// release deletes a remote Network. Its ID may then be given to another one, so it waits until no remote Network is peered with it.
func (p *Provider) release(ctx context.Context, network *v1alpha1.Network) (gone bool, err error) {
	there, err := p.get(ctx, string(network.UID))
	switch {
	case apierrors.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, err
	case !isOurs(network, there, p.owner):
		return true, nil
	}
	if len(there.peerings) > 0 && there.DeletionTimestamp == nil {
		// A peer that is released at the same time waits for this.
		if there, err = p.patch(ctx, there.unpeered()); err != nil {
			return false, err
		}
	}
	if there.id != "" {
		peered, err := p.remotes.Informer.GetIndexer().IndexKeys(byPeer, there.id)
		if err != nil || len(peered) > 0 {
			return false, err
		}
	}
	if there.DeletionTimestamp == nil {
		if err := p.delete(ctx, there); err != nil && !apierrors.IsNotFound(err) {
			return false, err
		}
	}
	if _, err := p.get(ctx, there.Name); apierrors.IsNotFound(err) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	return false, nil // A finalizer of another client keeps it.
}

// delete deletes the remote Network, if it is still the one that is known.
func (p *Provider) delete(ctx context.Context, there *remote) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return p.client.Delete(ctx, there.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &there.UID, ResourceVersion: &there.ResourceVersion},
	})
}

// forget drops what is remembered of a Network.
func (p *Provider) forget(network *v1alpha1.Network) {
	p.prefixes.Forget(network.UID)
	p.contested.DeleteEntry(string(network.UID))
	p.outdated.DeleteEntry(string(network.UID))
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.applied, network.UID)
	delete(p.waiting, network.UID)
}

// failed explains an error, and has the Network looked at again when the server answers next.
func (p *Provider) failed(ctx context.Context, network *v1alpha1.Network, err error) *provider.Trouble {
	explained := explain(err)
	if ctx.Err() == nil {
		p.mu.Lock()
		p.waiting[network.UID] = rules.NameOf(network)
		p.mu.Unlock()
	}
	klog.FromContext(ctx).V(2).Info("ironcore-net is in trouble", "network", klog.KObj(network),
		"reason", explained.Reason, "err", explained.Cause)
	return explained
}

// wakeWaiting calls found for the Networks that waited for the server.
func (p *Provider) wakeWaiting() {
	p.mu.Lock()
	waiting := p.waiting
	p.waiting = make(map[types.UID]types.NamespacedName)
	p.mu.Unlock()
	for uid, name := range waiting {
		p.found(name, uid)
	}
}
