// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/server/standalone/etcdtest"
)

// leaders makes providers as one leader after the other does, all on the same etcd and range.
func leaders(t *testing.T, vnis VNIRange) (next func() *Provider) {
	t.Helper()
	etcd := etcdtest.Client(t)
	return func() *Provider { return New(etcd, "/test/local-provider", vnis, DefaultAddressRanges()) }
}

// network is team-a/<name>, not realized.
func network(name string) *v1alpha1.Network {
	return &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
		Namespace: "team-a", Name: name, UID: types.UID("uid-of-" + name),
	}}
}

// withID is a Network that has a provider ID.
func withID(id string, network *v1alpha1.Network) *v1alpha1.Network {
	network.Spec.ProviderID = id
	return network
}

// available is what a Network that is realized reports.
func available(id string) provider.Realization {
	return provider.Realization{ProviderID: id, State: v1alpha1.NetworkStateAvailable}
}

func realize(t *testing.T, p *Provider, network *v1alpha1.Network, want provider.Realization) {
	t.Helper()
	got, err := p.Realize(t.Context(), network, provider.Situation{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("realization of %s (-want +got):\n%s", network.Name, diff)
	}
}

func release(t *testing.T, p *Provider, network *v1alpha1.Network) {
	t.Helper()
	if gone, err := p.Release(t.Context(), network); !gone || err != nil {
		t.Errorf("releasing %s: gone %v, error %v", network.Name, gone, err)
	}
}

func TestANetworkKeepsItsVNI(t *testing.T) {
	next := leaders(t, VNIRange{5, 9})
	first := next()
	realize(t, first, network("a"), available("local://5"))
	realize(t, first, network("a"), available("local://5"))
	realize(t, first, network("b"), available("local://6"))
	realize(t, first, withID("local://6", network("b")), available("local://6"))

	// The leader crashed before it could write the provider IDs.
	second := next()
	realize(t, second, network("b"), available("local://6"))
	realize(t, second, network("a"), available("local://5"))
	realize(t, second, network("c"), available("local://7"))

	// A leader that doesn't know that it was deposed gives the same answers.
	realize(t, first, network("c"), available("local://7"))
	realize(t, first, network("d"), available("local://8"))
	realize(t, second, network("d"), available("local://8"))
}

func TestAProviderIDIsHonoured(t *testing.T) {
	next := leaders(t, VNIRange{5, 9})
	first := next()
	realize(t, first, withID("local://7", network("restored")), available("local://7"))
	realize(t, first, withID("local://1000", network("of-an-earlier-range")), available("local://1000"))
	for _, name := range []string{"a", "b", "c", "d"} {
		got, err := first.Realize(t.Context(), network(name), provider.Situation{})
		if err != nil {
			t.Fatal(err)
		}
		if got.ProviderID == "local://7" {
			t.Errorf("%s has a VNI that is in use", name)
		}
	}

	inUse := func(vni int, name string) provider.Realization {
		return provider.Realization{
			State: v1alpha1.NetworkStateError, Reason: "VNIInUse",
			Message: fmt.Sprintf("VNI %d is in use by the Network with UID uid-of-%s.", vni, name),
		}
	}
	realize(t, first, withID("local://7", network("imitation")), inUse(7, "restored"))
	second := next()
	realize(t, second, withID("local://7", network("imitation")), inUse(7, "restored"))
	realize(t, second, withID("local://1000", network("imitation")), inUse(1000, "of-an-earlier-range"))

	release(t, second, network("restored"))
	realize(t, second, withID("local://7", network("imitation")), available("local://7"))

	contradiction := "the Network has VNI 7, but its spec.providerID says 8"
	if _, err := second.Realize(t.Context(), withID("local://8", network("imitation")), provider.Situation{}); err == nil ||
		err.Error() != contradiction {
		t.Errorf("got error %v, want %s", err, contradiction)
	}
}

func TestAForeignProviderIDIsAnError(t *testing.T) {
	p := leaders(t, DefaultVNIRange())()
	for sentence, id := range map[string]string{
		"of another provider":   "ironcore-net://ns/name/5/uid",
		"without a VNI":         "local://",
		"with the VNI 0":        "local://0",
		"with 25 bits":          "local://16777216",
		"with a negative VNI":   "local://-5",
		"with a VNI of letters": "local://five",
		"without its scheme":    "5",
	} {
		t.Run(sentence, func(t *testing.T) {
			realize(t, p, withID(id, network("a")), provider.Realization{
				State: v1alpha1.NetworkStateError, Reason: "ForeignProviderID",
				Message: fmt.Sprintf("spec.providerID %q is not one of the local provider; it has the form local://<vni>.", id),
			})
		})
	}
}

func TestAFreedVNIIsReusedLast(t *testing.T) {
	next := leaders(t, VNIRange{1, 4})
	first := next()
	realize(t, first, network("a"), available("local://1"))
	realize(t, first, network("b"), available("local://2"))
	release(t, first, network("a"))
	realize(t, first, network("c"), available("local://3"))

	second := next() // remembers where the first had come to
	release(t, second, network("b"))
	realize(t, second, network("d"), available("local://4"))
	realize(t, second, network("e"), available("local://1"))
	realize(t, second, network("f"), available("local://2"))
}

func TestARangeThatIsUsedUpRecovers(t *testing.T) {
	p := leaders(t, VNIRange{1, 2})()
	realize(t, p, network("a"), available("local://1"))
	realize(t, p, network("b"), available("local://2"))

	const message = "all VNIs of --local-vni-range are in use: delete Networks or widen the range"
	got, err := p.Realize(t.Context(), network("c"), provider.Situation{})
	if err == nil || err.Error() != message {
		t.Errorf("got error %v, want %s", err, message)
	}
	if diff := cmp.Diff(provider.Realization{
		State: v1alpha1.NetworkStatePending, Reason: "VNIsExhausted", Message: message,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	realize(t, p, network("a"), available("local://1"))

	release(t, p, network("a"))
	realize(t, p, network("c"), available("local://1"))
}

func TestReleaseIsIdempotent(t *testing.T) {
	next := leaders(t, VNIRange{1, 9})
	first, second := next(), next()
	release(t, first, network("never-realized"))
	realize(t, first, network("a"), available("local://1"))
	realize(t, second, network("a"), available("local://1"))
	release(t, second, network("a"))
	release(t, second, network("a"))
	realize(t, second, withID("local://1", network("b")), available("local://1"))

	// The first leader was deposed and comes late: what it knew of belongs to another by now.
	release(t, first, network("a"))
	realize(t, next(), withID("local://1", network("b")), available("local://1"))
	realize(t, next(), withID("local://1", network("c")), provider.Realization{
		State: v1alpha1.NetworkStateError, Reason: "VNIInUse", Message: "VNI 1 is in use by the Network with UID uid-of-b.",
	})
}

// Two leaders work at the same time, on a range that has one VNI more for each worker to try than there are Networks.
func TestVNIsAreUniqueUnderConcurrency(t *testing.T) {
	const workers, perWorker = 32, 8
	next := leaders(t, VNIRange{1, workers*perWorker/2 + workers})
	both := []*Provider{next(), next()}
	ids := make([][]string, workers)
	var running errgroup.Group
	for worker := range workers {
		running.Go(func() error {
			for i := range perWorker {
				// Each Network is realized by two workers, one of each leader.
				name := fmt.Sprintf("network-%d-%d", worker/2, i)
				got, err := both[worker%2].Realize(t.Context(), network(name), provider.Situation{})
				if err != nil {
					return fmt.Errorf("realizing %s: %w", name, err)
				}
				ids[worker] = append(ids[worker], got.ProviderID)
			}
			return nil
		})
	}
	if err := running.Wait(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for worker := 0; worker < workers; worker += 2 {
		if diff := cmp.Diff(ids[worker], ids[worker+1]); diff != "" {
			t.Errorf("the leaders gave the same Networks different VNIs (-first +second):\n%s", diff)
		}
		for _, id := range ids[worker] {
			if seen[id] {
				t.Errorf("%s was given to two Networks", id)
			}
			seen[id] = true
		}
	}
}

func TestRunFindsEveryNetworkWithAVNI(t *testing.T) {
	next := leaders(t, VNIRange{1, 9})
	first := next()
	for _, name := range []string{"a", "gone", "released"} {
		if _, err := first.Realize(t.Context(), network(name), provider.Situation{}); err != nil {
			t.Fatal(err)
		}
	}
	release(t, first, network("released"))

	second := next()
	ctx, cancel := context.WithCancel(t.Context())
	found := map[types.UID]types.NamespacedName{}
	err := second.Run(ctx, func(name types.NamespacedName, uid types.UID) {
		found[uid] = name
		if len(found) == 2 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[types.UID]types.NamespacedName{
		"uid-of-a":    {Namespace: "team-a", Name: "a"},
		"uid-of-gone": {Namespace: "team-a", Name: "gone"},
	}, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// What is known of a Network that is gone is enough to release it.
	release(t, second, network("gone"))
	realize(t, second, withID("local://2", network("b")), available("local://2"))
}

func TestEtcdAwayIsAnErrorAndMendsItself(t *testing.T) {
	p := leaders(t, VNIRange{1, 2})()
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Realize(away, network("a"), provider.Situation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("before anything was read: got error %v", err)
	}
	if err := p.Run(away, func(types.NamespacedName, types.UID) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: got error %v", err)
	}
	realize(t, p, network("a"), available("local://1"))

	if _, err := p.Realize(away, network("b"), provider.Situation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("while allocating: got error %v", err)
	}
	realize(t, p, network("b"), available("local://2")) // What could not be allocated is free again.

	if gone, err := p.Release(away, network("a")); gone || !errors.Is(err, context.Canceled) {
		t.Errorf("while releasing: gone %v, error %v", gone, err)
	}
	release(t, p, network("a"))
	realize(t, p, network("c"), available("local://1"))
}
