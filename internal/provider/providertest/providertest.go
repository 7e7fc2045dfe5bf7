// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package providertest has the tests that every network provider has to pass. A provider's own test supplies its
// infrastructure and calls Run.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/rules"
)

// Infrastructure is where a provider realizes Networks. It outlives the providers that work on it.
type Infrastructure interface {
	// NewProvider returns the provider of a new leader.
	NewProvider(t *testing.T) provider.Provider
	// ID returns the part of a provider ID that must be unique.
	ID(t *testing.T, providerID string) string
	// Contents describes everything that realizes Networks, by their UIDs. It stays the same until something is written.
	Contents(t *testing.T) map[types.UID]string
	// SetAway makes the infrastructure stop answering, or answer again.
	SetAway(t *testing.T, away bool)
}

const (
	// networks is how many Networks one test realizes, and workers how many at the same time.
	networks = 60
	workers  = 12
	// eventuallyTimeout bounds the wait for a condition, and callTimeout one call.
	eventuallyTimeout = 30 * time.Second
	callTimeout       = 3 * time.Second
)

// Run runs the tests, each on a new infrastructure.
func Run(t *testing.T, newInfrastructure func(t *testing.T) Infrastructure) {
	for name, test := range map[string]func(*testing.T, Infrastructure){
		"no ID is given twice":                                idsAreUnique,
		"two leaders at once realize a Network once":          twoLeaders,
		"a new leader finds what the former one made":         leaderChange,
		"realizing again changes nothing":                     idempotence,
		"a released Network leaves nothing, and others alone": release,
		"what is left of a Network that vanished is found":    vanished,
		"an infrastructure that is away recovers":             recovery,
		"interfaces are realized as given or left to others":  interfaces,
	} {
		t.Run(name, func(t *testing.T) { test(t, newInfrastructure(t)) })
	}
}

func idsAreUnique(t *testing.T, infrastructure Infrastructure) {
	leader := lead(t, infrastructure)
	all := newNetworks()
	leader.realizeAll(all)
	seen := make(map[string]types.UID)
	for _, network := range all {
		id := infrastructure.ID(t, network.Spec.ProviderID)
		if other, ok := seen[id]; ok || id == "" {
			t.Errorf("%s and %s both have the ID %q", network.UID, other, id)
		}
		seen[id] = network.UID
	}
	if contents := infrastructure.Contents(t); len(contents) != networks {
		t.Errorf("there are %d Networks, want %d", len(contents), networks)
	}
}

func twoLeaders(t *testing.T, infrastructure Infrastructure) {
	all := newNetworks()
	copies := make([]*v1alpha1.Network, len(all))
	for i := range all {
		copies[i] = all[i].DeepCopy()
	}
	one, other := lead(t, infrastructure), lead(t, infrastructure)
	var both sync.WaitGroup
	both.Go(func() { one.realizeAll(all) })
	both.Go(func() { other.realizeAll(copies) })
	both.Wait()
	for i := range all {
		if all[i].Spec.ProviderID != copies[i].Spec.ProviderID {
			t.Errorf("%s is %s to one leader and %s to the other", all[i].UID, all[i].Spec.ProviderID, copies[i].Spec.ProviderID)
		}
	}
	if contents := infrastructure.Contents(t); len(contents) != networks {
		t.Errorf("there are %d Networks, want %d", len(contents), networks)
	}
}

// leaderChange has the former leader crash before it could write the provider IDs.
func leaderChange(t *testing.T, infrastructure Infrastructure) {
	all := newNetworks()
	former := lead(t, infrastructure)
	made := make(map[types.UID]string)
	for _, network := range all {
		forgotten := network.DeepCopy()
		former.realize(forgotten)
		made[network.UID] = forgotten.Spec.ProviderID
	}
	former.stop()

	leader := lead(t, infrastructure)
	leader.realizeAll(all)
	for _, network := range all {
		if network.Spec.ProviderID != made[network.UID] {
			t.Errorf("%s was %s and is %s now", network.UID, made[network.UID], network.Spec.ProviderID)
		}
	}
	if contents := infrastructure.Contents(t); len(contents) != networks {
		t.Errorf("there are %d Networks, want %d", len(contents), networks)
	}
}

func idempotence(t *testing.T, infrastructure Infrastructure) {
	leader := lead(t, infrastructure)
	all := newNetworks()
	leader.realizeAll(all)
	leader.realizeAll(all) // Now that the provider ID is known.
	before := infrastructure.Contents(t)
	for range 2 {
		for _, network := range all {
			providerID := network.Spec.ProviderID
			realization, err := leader.tryRealize(network)
			switch {
			case err != nil:
				t.Errorf("%s: %v", network.UID, err)
			case realization.State != v1alpha1.NetworkStateAvailable || realization.Reason != "":
				t.Errorf("%s became %+v", network.UID, realization)
			case realization.ProviderID != "" && realization.ProviderID != providerID:
				t.Errorf("%s was %s and is %s now", network.UID, providerID, realization.ProviderID)
			}
		}
	}
	for uid, content := range infrastructure.Contents(t) {
		if before[uid] != content {
			t.Errorf("%s was %q and is %q now", uid, before[uid], content)
		}
	}
}

func release(t *testing.T, infrastructure Infrastructure) {
	leader := lead(t, infrastructure)
	all := newNetworks()
	leader.realizeAll(all)
	gone, kept := slices.Clip(all[:networks/2]), all[networks/2:]
	for _, network := range append(gone, newNetwork(networks)) { // The last was never realized.
		leader.release(network)
		leader.release(network)
	}
	contents := infrastructure.Contents(t)
	for _, network := range gone {
		if content, ok := contents[network.UID]; ok {
			t.Errorf("%s left %s", network.UID, content)
		}
	}
	for _, network := range kept {
		if _, ok := contents[network.UID]; !ok {
			t.Errorf("%s was not released and is gone", network.UID)
		}
		if realization, err := leader.tryRealize(network); err != nil || realization.State != v1alpha1.NetworkStateAvailable {
			t.Errorf("%s became %+v (%v)", network.UID, realization, err)
		}
	}
}

func vanished(t *testing.T, infrastructure Infrastructure) {
	network := newNetwork(0)
	former := lead(t, infrastructure)
	former.realize(network)
	former.stop()

	leader := lead(t, infrastructure)
	leader.untilFound(network)
	leader.release(&v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: network.Namespace, Name: network.Name, UID: network.UID},
	})
	if content, ok := infrastructure.Contents(t)[network.UID]; ok {
		t.Errorf("it left %s", content)
	}
}

func recovery(t *testing.T, infrastructure Infrastructure) {
	leader := lead(t, infrastructure)
	realized, waiting, leaving := newNetwork(0), newNetwork(1), newNetwork(2)
	leader.realize(realized)
	leader.realize(leaving)

	infrastructure.SetAway(t, true)
	realization, err := leader.tryRealize(waiting)
	if err == nil || realization.State == v1alpha1.NetworkStateAvailable || realization.ProviderID != "" {
		t.Errorf("a new Network became %+v (%v)", realization, err)
	}
	if realization.Reason != "" && realization.Message == "" {
		t.Errorf("the reason %s comes without a message", realization.Reason)
	}
	if realization, _ := leader.tryRealize(realized); realization.State == v1alpha1.NetworkStateError {
		t.Errorf("one that was there became %+v", realization)
	}
	if gone, err := leader.tryRelease(leaving); err == nil && gone {
		t.Error("a release is said to have succeeded")
	}

	infrastructure.SetAway(t, false)
	leader.realize(waiting)
	leader.realize(realized)
	leader.release(leaving)
	contents := infrastructure.Contents(t)
	if _, ok := contents[leaving.UID]; ok || len(contents) != 2 {
		t.Errorf("there is %v", contents)
	}
}

func newNetwork(number int) *v1alpha1.Network {
	return &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: fmt.Sprintf("network-%d", number), UID: uuid.NewUUID(), Generation: 1,
		},
		Status: v1alpha1.NetworkStatus{State: v1alpha1.NetworkStatePending},
	}
}

func newNetworks() []*v1alpha1.Network {
	all := make([]*v1alpha1.Network, networks)
	for i := range all {
		all[i] = newNetwork(i)
	}
	return all
}

// leader drives a provider as the network controller does.
type leader struct {
	t        *testing.T
	provider provider.Provider
	stop     func()

	mu    sync.Mutex
	found map[types.UID]types.NamespacedName
}

// lead runs a new provider until it is stopped, at the latest with the test.
func lead(t *testing.T, infrastructure Infrastructure) *leader {
	t.Helper()
	l := &leader{t: t, provider: infrastructure.NewProvider(t), found: make(map[types.UID]types.NamespacedName)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- l.provider.Run(ctx, func(name types.NamespacedName, uid types.UID) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.found[uid] = name
		})
	}()
	l.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the provider ended: %v", err)
		}
	})
	t.Cleanup(l.stop)
	return l
}

func (l *leader) tryRealize(network *v1alpha1.Network) (provider.Realization, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), callTimeout)
	defer cancel()
	return l.provider.Realize(ctx, network, provider.Situation{})
}

func (l *leader) tryRelease(network *v1alpha1.Network) (bool, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), callTimeout)
	defer cancel()
	return l.provider.Release(ctx, network)
}

// eventually tries until it succeeds.
func (l *leader) eventually(try func() (done bool, state string)) {
	l.t.Helper()
	deadline := time.Now().Add(eventuallyTimeout)
	for {
		done, state := try()
		switch {
		case done:
			return
		case time.Now().After(deadline):
			l.t.Errorf("not within %s: %s", eventuallyTimeout, state)
			return
		}
		select {
		case <-l.t.Context().Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// realize realizes a Network and writes down what the provider reports.
func (l *leader) realize(network *v1alpha1.Network) {
	l.t.Helper()
	l.eventually(func() (bool, string) {
		realization, err := l.tryRealize(network)
		if err != nil || realization.State != v1alpha1.NetworkStateAvailable {
			return false, fmt.Sprintf("%s became %+v (%v)", network.UID, realization, err)
		}
		if network.Spec.ProviderID == "" {
			network.Spec.ProviderID = realization.ProviderID
		}
		network.Status.State = realization.State
		return true, ""
	})
}

func (l *leader) realizeAll(all []*v1alpha1.Network) {
	queue := make(chan *v1alpha1.Network)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for network := range queue {
				l.realize(network)
			}
		})
	}
	for _, network := range all {
		queue <- network
	}
	close(queue)
	working.Wait()
}

func (l *leader) release(network *v1alpha1.Network) {
	l.t.Helper()
	l.eventually(func() (bool, string) {
		gone, err := l.tryRelease(network)
		return gone && err == nil, fmt.Sprintf("%s is not released (%v)", network.UID, err)
	})
}

// untilFound waits until the provider has called found for a Network.
func (l *leader) untilFound(network *v1alpha1.Network) {
	l.t.Helper()
	want := rules.NameOf(network)
	l.eventually(func() (bool, string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		name, ok := l.found[network.UID]
		return ok && name == want, fmt.Sprintf("%s is found as %q", network.UID, name)
	})
}
