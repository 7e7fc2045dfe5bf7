// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/flowcontrol"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// Writer decides on a Network and writes the decision if it differs from what is stored. The peering and the release
// controller share one, so that both decide by the same rule and neither repeats what the other has just written.
type Writer struct {
	networks   listers.NetworkLister
	client     clientset.NetworksGetter
	recorder   record.EventRecorder
	unreadable *index.Unreadable

	mu            sync.Mutex
	lastWritten   map[types.UID]string    // resourceVersions of our own writes that the cache has not seen yet
	heldBackSince map[types.UID]time.Time // since when a decision is held back

	flapping *flowcontrol.Backoff // by Network and peer, since the last release
}

// NewWriter returns a Writer that reads from the lister, which leaves out unreadable objects, and writes through the client.
func NewWriter(
	networks listers.NetworkLister, client clientset.NetworksGetter, recorder record.EventRecorder, unreadable *index.Unreadable,
) *Writer {
	return &Writer{
		networks: networks, client: client, recorder: recorder, unreadable: unreadable,
		lastWritten: make(map[types.UID]string), heldBackSince: make(map[types.UID]time.Time),
		flapping: flowcontrol.NewBackOff(firstRest, longRest),
	}
}

// Bind brings the binding of a Network up to date, with at most one write. It returns how long to wait where it is too
// early to write.
func (w *Writer) Bind(ctx context.Context, network *v1alpha1.Network) (wait time.Duration, err error) {
	if w.cacheIsBehind(network) {
		return settleTime, nil // The event of our own write is on its way.
	}
	decided := rules.DecideBinding(network, w.Lookup)
	rest := w.holdBack(network, decided)
	unreadable := func(name types.NamespacedName) bool { return w.unreadable.Has("networks", name) }
	if keepUnreadable(network, decided, unreadable) && (rest == 0 || rest > index.UnreadablePeriod) {
		rest = index.UnreadablePeriod
	}
	change := compare(network, decided)
	if wait := w.hold(network, decided, change); wait > 0 {
		return wait, nil
	}
	if change == unchanged {
		return rest, nil
	}
	answer, err := w.client.Networks(network.Namespace).Bind(ctx, network.Name, decided, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("binding %s/%s: %w", network.Namespace, network.Name, err)
	}
	w.remember(network, answer.ResourceVersion)
	for _, claim := range droppedClaims(network, decided) {
		w.flapping.Next(flapKey(network, claim.UID), time.Now())
	}
	w.recordEvents(network, transitions(network, decided))
	return rest, nil
}

// recordEvents records an Event for each transition.
func (w *Writer) recordEvents(network *v1alpha1.Network, transitions []transition) {
	for _, transition := range transitions {
		w.recorder.Event(network, transition.kind, transition.reason, transition.message)
	}
}

// remember notes the resourceVersion of a write. A Network that is gone by now is not remembered: nobody would forget it.
func (w *Writer) remember(network *v1alpha1.Network, resourceVersion string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.exists(network) {
		w.lastWritten[network.UID] = resourceVersion
	}
}

// exists tells whether a Network is still there, so that its end will be told. The caller holds the lock, for which Forget waits.
func (w *Writer) exists(network *v1alpha1.Network) bool {
	now := w.Lookup(rules.NameOf(network))
	return now != nil && now.UID == network.UID
}

// Times that a peering which was released stays Pending before it is bound again. Every release within a minute doubles it,
// so that a Network that comes and goes does not keep those bound to it busy.
const (
	firstRest = 100 * time.Millisecond
	longRest  = 30 * time.Second
)

func flapKey(network *v1alpha1.Network, peer types.UID) string {
	return string(network.UID) + " " + string(peer)
}

// holdBack takes out of a decision what was released too recently to be bound again, and returns after which time to look
// again, or zero.
func (w *Writer) holdBack(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding) time.Duration {
	return holdBack(network, decided, func(peer types.UID) time.Duration {
		if !w.flapping.IsInBackOffSinceUpdate(flapKey(network, peer), time.Now()) {
			return 0
		}
		return w.flapping.Get(flapKey(network, peer))
	})
}

// Lookup returns a Network from the cache, or nil if there is none.
func (w *Writer) Lookup(name types.NamespacedName) *v1alpha1.Network {
	network, err := w.networks.Networks(name.Namespace).Get(name.Name)
	if err != nil {
		return nil
	}
	return network
}

// cacheIsBehind tells whether the cache has not seen our last write of the Network yet.
func (w *Writer) cacheIsBehind(network *v1alpha1.Network) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	written, ok := w.lastWritten[network.UID]
	if !ok {
		return false
	}
	if order, err := resourceversion.CompareResourceVersion(network.ResourceVersion, written); err == nil && order < 0 {
		return true
	}
	delete(w.lastWritten, network.UID)
	return false
}

// hold tells how long to hold a decision back, and remembers since when it is.
func (w *Writer) hold(network *v1alpha1.Network, decided *v1alpha1.NetworkBinding, change change) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, held := time.Now(), w.heldBackSince[network.UID]
	if change != unchanged {
		if wait := delayBeforeWrite(network, decided, change, held, now); wait > 0 {
			if held.IsZero() && w.exists(network) {
				w.heldBackSince[network.UID] = now
			}
			return wait
		}
	}
	delete(w.heldBackSince, network.UID)
	return 0
}

// Forget drops what is remembered of a Network that is gone.
func (w *Writer) Forget(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.lastWritten, uid)
	delete(w.heldBackSince, uid)
}
