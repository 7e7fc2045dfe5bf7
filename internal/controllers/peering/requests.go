// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/controllers/queue"
	"ironcore.dev/networking/internal/rules"
)

const (
	// requestBatch is how long an Event waits for more who ask.
	requestBatch = time.Second
	// requestPeriod is how long the owner of a Network is told nothing more after an Event. It takes up half of the Events that
	// the recorder lets through for one object, however many ask.
	requestPeriod = 10 * time.Minute
)

// notices tells the owners of Networks by Events who asks for a peering. Nothing is stored on the Network that is asked.
type notices struct {
	informer cache.SharedIndexInformer
	recorder record.EventRecorder
	loop     *queue.Loop[types.NamespacedName]
	now      func() time.Time

	mu sync.Mutex
	// asking are those who asked since the owner of a Network was last told.
	asking map[types.NamespacedName]map[types.NamespacedName]bool
	// lastEvent is when the owner of a Network got the last Event, for those that must not get another one yet.
	lastEvent map[types.NamespacedName]time.Time
}

func newNotices(informer cache.SharedIndexInformer, recorder record.EventRecorder) *notices {
	n := &notices{
		informer: informer, recorder: recorder, now: time.Now,
		asking:    make(map[types.NamespacedName]map[types.NamespacedName]bool),
		lastEvent: make(map[types.NamespacedName]time.Time),
	}
	n.loop = queue.New("peering-requests", n.reconcile)
	return n
}

func (n *notices) run(ctx context.Context) error {
	return n.loop.Run(ctx, 1, queue.FollowFromStart(n.informer, n.changed))
}

// changed notes whom a Network asks that it did not ask before, and who asks one that is new. What was there when this
// controller began was told by the one before.
func (n *notices) changed(before, after *v1alpha1.Network, atStart bool) {
	if atStart || after == nil {
		return
	}
	for _, asked := range newlyNamed(before, after) {
		n.note(asked, rules.NameOf(after))
	}
	if before != nil {
		return
	}
	asked := rules.NameOf(after)
	for _, asker := range index.Related(n.informer, asked) {
		n.note(asked, rules.NameOf(asker))
	}
}

func (n *notices) note(asked, asker types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asking[asked] == nil {
		n.asking[asked] = make(map[types.NamespacedName]bool)
	}
	n.asking[asked][asker] = true
	n.loop.Add(asked, requestBatch)
}

// reconcile tells the owner of a Network of those who asked since the last time and still do.
func (n *notices) reconcile(_ context.Context, name types.NamespacedName) (time.Duration, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if rest := n.lastEvent[name].Add(requestPeriod).Sub(now); rest > 0 {
		return rest, nil
	}
	delete(n.lastEvent, name)
	fresh := n.asking[name]
	delete(n.asking, name)
	asked := index.Get[v1alpha1.Network](n.informer, name)
	if asked == nil || asked.DeletionTimestamp != nil || len(fresh) == 0 {
		return 0, nil
	}
	var newest []types.NamespacedName
	all := 0
	for _, network := range index.Related(n.informer, name) {
		if rules.Asks(network, asked) {
			all++
			if asker := rules.NameOf(network); fresh[asker] {
				newest = append(newest, asker)
			}
		}
	}
	if len(newest) == 0 {
		return 0, nil
	}
	n.recorder.Event(asked, corev1.EventTypeNormal, "PeeringRequested", requestMessage(newest, all))
	n.lastEvent[name] = now
	return requestPeriod, nil // to forget when that was
}
