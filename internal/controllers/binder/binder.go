// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package binder writes bindings. The peering and the release controller share one Binder, so that both decide by the same
// rule and neither repeats what the other has just written.
package binder

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/binding"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Binder decides on a Network and writes the decision if it differs from what is stored.
type Binder struct {
	networks listers.NetworkLister
	client   clientset.NetworksGetter
	recorder record.EventRecorder

	mu      sync.Mutex
	written map[types.UID]string    // resourceVersions of our own writes that the cache has not seen yet
	held    map[types.UID]time.Time // since when a decision is held back
}

// New returns a Binder that reads from the lister and writes through the client.
func New(networks listers.NetworkLister, client clientset.NetworksGetter, recorder record.EventRecorder) *Binder {
	return &Binder{
		networks: networks, client: client, recorder: recorder,
		written: make(map[types.UID]string), held: make(map[types.UID]time.Time),
	}
}

// Bind brings the binding of a Network up to date, with at most one write. It returns how long to wait where it is too
// early to write.
func (b *Binder) Bind(ctx context.Context, network *v1alpha1.Network) (wait time.Duration, err error) {
	if b.behind(network) {
		return settleTime, nil // The event of our own write is on its way.
	}
	decided := binding.Decide(network, b.Lookup)
	change := compare(network, decided)
	if wait := b.hold(network, decided, change); wait > 0 || change == unchanged {
		return wait, nil
	}
	answer, err := b.client.Networks(network.Namespace).Bind(ctx, network.Name, decided, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("binding %s/%s: %w", network.Namespace, network.Name, err)
	}
	b.mu.Lock()
	b.written[network.UID] = answer.ResourceVersion
	b.mu.Unlock()
	for _, transition := range transitions(network, decided) {
		b.recorder.Event(network, corev1.EventTypeNormal, transition.reason, transition.message)
	}
	return 0, nil
}

// Lookup returns a Network from the cache, or nil if there is none.
func (b *Binder) Lookup(name types.NamespacedName) *v1alpha1.Network {
	network, err := b.networks.Networks(name.Namespace).Get(name.Name)
	if err != nil {
		return nil
	}
	return network
}

// behind tells whether the cache has not seen our last write of the Network yet.
func (b *Binder) behind(network *v1alpha1.Network) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	written, ok := b.written[network.UID]
	if !ok {
		return false
	}
	if order, err := resourceversion.CompareResourceVersion(network.ResourceVersion, written); err == nil && order < 0 {
		return true
	}
	delete(b.written, network.UID)
	return false
}

// hold tells how long to hold a decision back, and remembers since when it is.
func (b *Binder) hold(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding, change change) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, held := time.Now(), b.held[network.UID]
	if change != unchanged {
		if wait := pace(network, decided, change, held, now); wait > 0 {
			if held.IsZero() {
				b.held[network.UID] = now
			}
			return wait
		}
	}
	delete(b.held, network.UID)
	return 0
}

// Forget drops what is remembered of a Network that is gone.
func (b *Binder) Forget(uid types.UID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.written, uid)
	delete(b.held, uid)
}
