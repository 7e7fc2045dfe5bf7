// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ironcorenet is the provider that has ironcore-net realize Networks. For each Network it keeps an object of
// the same kind in one namespace of an ironcore-net API server, named by the Network's UID and marked as this server's:
//
//	Network → decide.go: the remote Network as it should be → server-side apply
//	remote Network → watch → decide.go: state and peerings → status
//
// The remote side is watched and not polled, and written only where it differs. An ID, once it is part of
// spec.providerID, is applied with all the rest: a remote Network that was lost comes back with it or not at all.
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
	"k8s.io/klog/v2"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// Name of the provider on the command line.
const Name = "ironcore-net"

const (
	// finalizer is the one that ironcore-net's own agent uses, so that either can follow the other.
	finalizer    = "apinet.ironcore.dev/network"
	fieldManager = "network-apiserver"
	// requestTimeout bounds a request to a slow server.
	requestTimeout = 30 * time.Second
)

// Another writer is contradicted at growing intervals: two that insist would otherwise never rest.
const (
	firstContradiction = time.Second
	lastContradiction  = 10 * time.Second
)

// releasedID is how long the ID of a remote Network that was just deleted may still be taken.
var releasedID = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: 4}

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

	prefixes  *prefixes
	contested *flowcontrol.Backoff

	// What Run sets; started is closed then.
	started chan struct{}
	owner   string
	found   provider.Found
	remotes *watched

	mu      sync.Mutex
	applied map[types.UID]application
	// waiting are the Networks that could not be served because the server did not answer.
	waiting map[types.UID]types.NamespacedName
}

// application is what was applied last, and what the server made of it.
type application struct{ desired, result *remote }

var _ provider.Provider = &Provider{}

// New returns a provider that keeps the mark of its objects in etcd below the prefix, and reads Prefixes from the host
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
	var hostClient dynamic.Interface
	if host != nil {
		if hostClient, err = dynamic.NewForConfig(host); err != nil {
			return nil, fmt.Errorf("connecting to the host cluster: %w", err)
		}
	}
	return &Provider{
		namespace: o.Namespace,
		client:    client.Resource(resource).Namespace(o.Namespace),
		etcd:      etcd,
		ownerKey:  path.Join(prefix, "owner"),
		prefixes:  newPrefixes(hostClient),
		contested: flowcontrol.NewBackOff(firstContradiction, lastContradiction),
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
	p.remotes = newWatched(p.client, selector, cache.Indexers{
		byID:   func(obj any) ([]string, error) { return []string{obj.(*remote).id}, nil },
		byPeer: func(obj any) ([]string, error) { return droppedPeers(obj.(*remote), nil), nil },
	})
	p.remotes.answered = p.wakeWaiting
	if err := p.remotes.informer.SetTransform(func(obj any) (any, error) {
		if object, ok := obj.(*unstructured.Unstructured); ok {
			return readRemote(object), nil
		}
		return obj, nil
	}); err != nil {
		return err
	}
	if _, err := p.remotes.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
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
	running.Go(func() { failed <- p.prefixes.run(ctx, found) })
	p.remotes.run(ctx)
	running.Wait()
	return <-failed
}

// changed calls found for the Network of a remote one that changed, and for those whose release may have waited for a
// remote peering that is gone now.
func (p *Provider) changed(before, after *remote) {
	current := after
	if current == nil {
		current = before
	}
	if name, uid, ok := current.source(); ok {
		p.found(name, uid)
	} else if before != nil {
		// Somebody took the way back off: it is put there again.
		if name, uid, ok := before.source(); ok {
			p.found(name, uid)
		}
	}
	if before == nil {
		return
	}
	for _, id := range droppedPeers(before, after) {
		peers, err := p.remotes.informer.GetIndexer().ByIndex(byID, id)
		if err != nil {
			continue
		}
		for _, peer := range peers {
			if name, uid, ok := peer.(*remote).source(); ok {
				p.found(name, uid)
			}
		}
	}
}

// Realize applies the remote Network where it is not as it should be, and judges what is there.
func (p *Provider) Realize(
	ctx context.Context, network *v1alpha1.Network, peers map[string]*v1alpha1.Network,
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
		if network.Status.State == v1alpha1.NetworkStateAvailable {
			return provider.Realization{Reason: failed.reason}, failed // Nothing is known against it.
		}
		return provider.Realization{State: failed.state, Reason: failed.reason, Message: failed.message}, failed
	}

	resolve := p.prefixes.resolverFor(ctx, network)
	peerings := make([]peeringCase, len(network.Spec.Peerings))
	for i := range network.Spec.Peerings {
		peering := &network.Spec.Peerings[i]
		peerings[i] = decidePeering(peering, peers[peering.Name], p.namespace, resolve)
	}
	id := known.id
	if there != nil && there.id != "" && there.id != id {
		id = "" // It can't be changed.
	}
	desired := decideRemote(network, p.namespace, p.owner, id, peerings)
	there, failed := p.ensure(ctx, network, there, desired)

	if there == nil {
		realization := provider.Realization{State: failed.state, Reason: failed.reason, Message: failed.message}
		realization.Peerings = decideStates(peerings, &remote{})
		return realization, failed
	}
	realization := decideState(known, there)
	realization.Peerings = decideStates(peerings, there)
	if failed == nil {
		return realization, nil
	}
	if realization.State == v1alpha1.NetworkStateAvailable {
		realization.Reason, realization.Message = failed.reason, failed.message
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
	if err := p.remotes.await(ctx); err != nil {
		return nil, err
	}
	obj, ok, err := p.remotes.informer.GetIndexer().GetByKey(p.namespace + "/" + string(uid))
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

// ensure makes the remote Network what it should be, and returns what is there then: nil if there is none.
func (p *Provider) ensure(ctx context.Context, network *v1alpha1.Network, there, desired *remote) (*remote, *trouble) {
	inLine := there != nil && (there.DeletionTimestamp != nil || desired.inLine(there))
	contested := !inLine && there != nil && p.wasInLine(network.UID, desired)
	if (inLine || contested) && p.contested.IsInBackOffSinceUpdate(string(network.UID), time.Now()) {
		return there, p.failed(ctx, network, contradicted(there))
	}
	if inLine {
		return there, nil
	}
	result, err := p.apply(ctx, there, desired)
	if err != nil {
		return there, p.failed(ctx, network, err)
	}
	p.mu.Lock()
	p.applied[network.UID] = application{desired: desired, result: result}
	p.mu.Unlock()
	if contested || !desired.inLine(result) {
		p.contested.Next(string(network.UID), time.Now())
		name, uid := types.NamespacedName{Namespace: network.Namespace, Name: network.Name}, network.UID
		time.AfterFunc(p.contested.Get(string(uid)), func() { p.found(name, uid) })
		return result, p.failed(ctx, network, contradicted(result))
	}
	return result, nil
}

func contradicted(there *remote) *trouble {
	return &trouble{v1alpha1.NetworkStatePending, "RemoteChanged",
		fmt.Sprintf("Somebody else changes %s/%s in ironcore-net; it is put back at growing intervals.",
			there.Namespace, there.Name), errors.New("another writer is at work")}
}

// wasInLine tells whether the remote Network was made what it should be before.
func (p *Provider) wasInLine(uid types.UID, desired *remote) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	applied, ok := p.applied[uid]
	return ok && applied.desired.sameAs(desired)
}

// apply applies the remote Network. One that is not known to be there yet must not belong to another server.
func (p *Provider) apply(ctx context.Context, there, desired *remote) (*remote, error) {
	result, err := p.applyOnce(ctx, desired, there != nil)
	if there == nil && (apierrors.IsConflict(err) || apierrors.IsInvalid(err)) {
		return p.adopt(ctx, desired, err)
	}
	if there == nil && desired.id != "" && isIDTaken(err) {
		retryErr := wait.ExponentialBackoffWithContext(ctx, releasedID, func(ctx context.Context) (bool, error) {
			result, err = p.applyOnce(ctx, desired, false)
			return !isIDTaken(err), nil
		})
		if retryErr != nil && !wait.Interrupted(retryErr) {
			return nil, retryErr
		}
	}
	return result, err
}

// adopt takes over a remote Network that is there without being marked as this server's, which the error tells.
func (p *Provider) adopt(ctx context.Context, desired *remote, applyErr error) (*remote, error) {
	there, err := p.get(ctx, desired.Name)
	switch {
	case apierrors.IsNotFound(err):
		return nil, applyErr
	case err != nil:
		return nil, err
	}
	if owner := there.Labels[ownerLabel]; owner != "" && owner != p.owner {
		return nil, &trouble{v1alpha1.NetworkStateError, "RemoteOwned",
			fmt.Sprintf("%s/%s in ironcore-net belongs to another server, marked %s: delete it there, or leave the "+
				"Network to that server.", desired.Namespace, desired.Name, owner), applyErr}
	}
	adopted := *desired
	if there.id != "" && there.id != desired.id {
		adopted.id = "" // It can't be changed.
	}
	return p.applyOnce(ctx, &adopted, true)
}

func (p *Provider) applyOnce(ctx context.Context, desired *remote, force bool) (*remote, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	object, err := p.client.Apply(ctx, desired.Name, desired.object(),
		metav1.ApplyOptions{FieldManager: fieldManager, Force: force})
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

// Release deletes the remote Network. Its ID may be another's right after: no remote Network may be peered with it
// then.
func (p *Provider) Release(ctx context.Context, network *v1alpha1.Network) (gone bool, err error) {
	if _, err := p.find(ctx, network.UID); err != nil {
		return false, p.failed(ctx, network, err)
	}
	there, err := p.get(ctx, string(network.UID))
	switch {
	case apierrors.IsNotFound(err):
		p.forget(network)
		return true, nil
	case err != nil:
		return false, p.failed(ctx, network, err)
	case !isOurs(network, there, p.owner):
		p.forget(network)
		return true, nil
	}
	if len(there.peerings) > 0 && there.DeletionTimestamp == nil {
		// A peer that is released at the same time waits for this.
		if there, err = p.applyOnce(ctx, decideRemote(network, p.namespace, p.owner, there.id, nil), true); err != nil {
			return false, p.failed(ctx, network, err)
		}
	}
	if there.id != "" {
		peered, err := p.remotes.informer.GetIndexer().IndexKeys(byPeer, there.id)
		if err != nil || len(peered) > 0 {
			return false, err
		}
	}
	if there.DeletionTimestamp == nil {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := p.client.Delete(ctx, there.Name,
			metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(there.UID))})
		if err != nil && !apierrors.IsNotFound(err) {
			return false, p.failed(ctx, network, err)
		}
	}
	if _, err := p.get(ctx, there.Name); apierrors.IsNotFound(err) {
		p.forget(network)
		return true, nil
	} else if err != nil {
		return false, p.failed(ctx, network, err)
	}
	return false, nil // Somebody's finalizer holds it.
}

// forget drops what is remembered of a Network.
func (p *Provider) forget(network *v1alpha1.Network) {
	p.prefixes.forget(network)
	p.contested.DeleteEntry(string(network.UID))
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.applied, network.UID)
	delete(p.waiting, network.UID)
}

// failed explains an error, and has the Network looked at again when a server that did not answer does.
func (p *Provider) failed(ctx context.Context, network *v1alpha1.Network, err error) *trouble {
	explained := explain(err)
	if explained.reason == reasonUnavailable && ctx.Err() == nil {
		p.mu.Lock()
		p.waiting[network.UID] = types.NamespacedName{Namespace: network.Namespace, Name: network.Name}
		p.mu.Unlock()
	}
	klog.FromContext(ctx).V(2).Info("ironcore-net is in trouble", "network", klog.KObj(network),
		"reason", explained.reason, "err", explained.cause)
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
