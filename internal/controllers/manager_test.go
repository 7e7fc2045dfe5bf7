// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// What the controllers make of events is tested in bubbles of testing/synctest: their clock is moved on by sleeping,
// and only once nothing else is left to do. So every write that could follow has been made when a test counts them.
package controllers

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

var networks = v1alpha1.SchemeGroupVersion.WithResource("networks")

// server keeps Networks and applies bindings to them, as far as the controllers can tell it from the real one.
type server struct {
	*fake.Clientset
	t *testing.T

	mu       sync.Mutex
	revision int
	// bound are the names of the Networks that a binding was applied to, in order.
	bound []string
	// conflicts is how many bindings are still to be refused.
	conflicts int
}

func newServer(t *testing.T, networks ...*v1alpha1.Network) *server {
	s := &server{Clientset: fake.NewClientset(), t: t}
	s.PrependReactor("create", "networks", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.GetSubresource() != "binding" {
			return false, nil, nil
		}
		binding, err := s.bind(action.(clienttesting.CreateAction).GetObject().(*v1alpha1.NetworkBinding))
		return true, binding, err
	})
	for _, network := range networks {
		s.create(network)
	}
	return s
}

func (s *server) bind(binding *v1alpha1.NetworkBinding) (*v1alpha1.NetworkBinding, error) {
	s.mu.Lock()
	refused := s.conflicts > 0
	s.conflicts--
	s.mu.Unlock()
	network := s.get(binding.Namespace, binding.Name)
	if refused || network.UID != binding.UID || network.ResourceVersion != binding.ResourceVersion {
		return binding, apierrors.NewConflict(networks.GroupResource(), binding.Name, nil)
	}
	network.Spec.IncomingPeerings = binding.IncomingPeerings
	for i, decision := range binding.Peerings {
		item := &network.Status.Peerings[i]
		item.Phase, item.Reason, item.Message = decision.Phase, decision.Reason, decision.Message
	}
	observed(network)
	s.update(network)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound = append(s.bound, binding.Name)
	return &v1alpha1.NetworkBinding{ObjectMeta: network.ObjectMeta}, nil
}

// next gives a Network the next resourceVersion.
func (s *server) next(network *v1alpha1.Network) *v1alpha1.Network {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	network = network.DeepCopy()
	network.ResourceVersion = strconv.Itoa(s.revision)
	return network
}

func (s *server) create(network *v1alpha1.Network) {
	s.t.Helper()
	if err := s.Tracker().Create(networks, s.next(network), network.Namespace); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) update(network *v1alpha1.Network) {
	s.t.Helper()
	if err := s.Tracker().Update(networks, s.next(network), network.Namespace); err != nil {
		s.t.Error(err)
	}
}

func (s *server) delete(name string) {
	s.t.Helper()
	if err := s.Tracker().Delete(networks, "team-a", name); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) get(namespace, name string) *v1alpha1.Network {
	s.t.Helper()
	obj, err := s.Tracker().Get(networks, namespace, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return obj.(*v1alpha1.Network).DeepCopy()
}

// change changes a Network of team-a.
func (s *server) change(name string, change func(*v1alpha1.Network)) {
	s.t.Helper()
	network := s.get("team-a", name)
	change(network)
	s.update(network)
}

// want holds the only peering and claim of a Network of team-a against what they should be.
func (s *server) want(name, phaseAndReason string, claims ...types.UID) {
	s.t.Helper()
	network := s.get("team-a", name)
	item := network.Status.Peerings[0]
	if got := fmt.Sprintf("%s %s", item.Phase, item.Reason); got != phaseAndReason {
		s.t.Errorf("the peering of %s is %s, want %s", name, got, phaseAndReason)
	}
	var got []types.UID
	for _, claim := range network.Spec.IncomingPeerings {
		got = append(got, claim.UID)
	}
	if !slices.Equal(got, claims) {
		s.t.Errorf("%s has the claims %v, want %v", name, got, claims)
	}
}

// wantBound holds the Networks that were bound since the last call against those wanted.
func (s *server) wantBound(want ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.bound)
	if diff := cmp.Diff(want, s.bound, cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("bindings (-want +got):\n%s", diff)
	}
	s.bound = nil
}

// undecided is an available Network of team-a with one peering that nobody has decided on.
func undecided(name, peer string) *v1alpha1.Network {
	return &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: name, UID: types.UID("uid-of-" + name), Generation: 1,
		},
		Spec: v1alpha1.NetworkSpec{Peerings: []v1alpha1.NetworkPeering{
			{Name: "p", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: peer}},
		}},
		Status: v1alpha1.NetworkStatus{
			State: v1alpha1.NetworkStateAvailable,
			Peerings: []v1alpha1.NetworkPeeringStatus{
				{Name: "p", Phase: v1alpha1.NetworkPeeringPhasePending, Reason: v1alpha1.PeeringReasonEvaluating},
			},
		},
	}
}

// boundTo is the Network with the claim of its peer in place.
func boundTo(peer *v1alpha1.Network, network *v1alpha1.Network) *v1alpha1.Network {
	network.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{
		{Namespace: peer.Namespace, Name: peer.Name, UID: peer.UID},
	}
	network.Status.Peerings[0] = v1alpha1.NetworkPeeringStatus{
		Name: "p", Phase: v1alpha1.NetworkPeeringPhaseBound, Reason: v1alpha1.PeeringReasonBound,
		Message: fmt.Sprintf("This Network and %s/%s name each other and are available.", peer.Namespace, peer.Name),
	}
	observed(network)
	return network
}

// observed adds to a Network what the server derives with each binding.
func observed(network *v1alpha1.Network) {
	network.Status.ObservedGeneration = network.Generation
	meta.SetStatusCondition(&network.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, ObservedGeneration: network.Generation,
	})
	for i, peering := range network.Spec.Peerings {
		network.Status.Peerings[i].NetworkRef = &peering.NetworkRef
	}
}

// pair are two Networks that are bound to each other.
func pair() (a, b *v1alpha1.Network) {
	return boundTo(undecided("b", "a"), undecided("a", "b")), boundTo(undecided("a", "b"), undecided("b", "a"))
}

// running runs the controllers against the server, in a bubble, for as long as the body takes.
func running(t *testing.T, controllers []string, body func(s *server), networks ...*v1alpha1.Network) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, networks...)
		options := NewOptions()
		options.Controllers, options.LeaderElect = controllers, false
		manager, err := NewManager(Config{
			Options:   options,
			Client:    s,
			Informers: externalversions.NewSharedInformerFactory(s, 0),
			Recorder:  &record.FakeRecorder{}, // keeps nothing
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			manager.Run(ctx)
		}()
		body(s)
		cancel()
		<-ended
		pass(time.Minute) // The queues' own goroutines notice their end a while later.
	})
}

// pass lets the time pass, and all that happens in it.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestPeeringBindsAndUnbinds(t *testing.T) {
	a, b := undecided("a", "b"), undecided("b", "a")
	b.Status.State = v1alpha1.NetworkStatePending
	running(t, []string{"peering"}, func(s *server) {
		pass(time.Minute)
		s.want("a", "Pending PeerNotAvailable")
		s.want("b", "Pending NetworkNotAvailable")
		s.wantBound("a", "b")

		s.change("b", func(n *v1alpha1.Network) { n.Status.State = v1alpha1.NetworkStateAvailable })
		pass(200 * time.Millisecond)
		s.want("a", "Bound Bound", "uid-of-b")
		s.want("b", "Bound Bound", "uid-of-a")
		s.wantBound("a", "b")

		s.change("b", func(n *v1alpha1.Network) { n.Labels = map[string]string{"app": "web"} })
		pass(24 * time.Hour)
		s.wantBound() // Nothing changed that a binding depends on.

		s.delete("b")
		pass(200 * time.Millisecond)
		s.want("a", "Pending PeerNotFound")
		s.wantBound("a")

		s.create(undecided("b", "a"))
		pass(10 * time.Second)
		s.want("a", "Bound Bound", "uid-of-b")
		s.want("b", "Bound Bound", "uid-of-a")
		s.wantBound("a", "b")
	}, a, b)
}

func TestPeeringReleasesANetworkMadeAgainBeforeItBindsIt(t *testing.T) {
	a, b := pair()
	running(t, []string{"peering"}, func(s *server) {
		pass(time.Minute)
		s.wantBound()

		again := undecided("b", "a")
		again.UID = "uid-of-another-b"
		s.delete("b")
		s.create(again)
		pass(time.Minute)
		s.want("a", "Bound Bound", "uid-of-another-b")
		s.want("b", "Bound Bound", "uid-of-a")
		s.wantBound("a", "a", "b") // a: once to release, once to bind
	}, a, b)
}

func TestPeeringEndsAConflictByDecidingAgain(t *testing.T) {
	a, b := undecided("a", "b"), undecided("b", "a")
	running(t, []string{"peering"}, func(s *server) {
		s.mu.Lock()
		s.conflicts = 3
		s.mu.Unlock()
		pass(time.Minute)
		s.want("a", "Bound Bound", "uid-of-b")
		s.want("b", "Bound Bound", "uid-of-a")
		s.wantBound("a", "b")
	}, a, b)
}

func TestReleaseDropsStaleClaims(t *testing.T) {
	for sentence, tc := range map[string]struct {
		before func(a, b *v1alpha1.Network) // what happened while no controller ran
		event  func(s *server)              // what happens while it runs
		within time.Duration                // how soon the claim has to be gone
		want   string                       // the peering of a in the end
	}{
		"of a Network deleted while no controller ran": {
			before: func(a, b *v1alpha1.Network) {
				a.Spec.Peerings[0].NetworkRef.Name = "gone"
				a.Spec.IncomingPeerings[0].Name = "gone"
				*b = *undecided("b", "a")
			},
			within: 2 * time.Second, want: "Pending PeerNotFound",
		},
		"of a Network created again while no controller ran": {
			before: func(_, b *v1alpha1.Network) { b.UID = "uid-of-another-b" },
			within: 2 * time.Second, want: "Pending PeerReplaced",
		},
		"of a Network that named another while no controller ran": {
			before: func(_, b *v1alpha1.Network) { b.Spec.Peerings[0].NetworkRef.Name = "c" },
			within: 2 * time.Second, want: "Pending PeeringNotAccepted",
		},
		"of a Network that is deleted": {
			event: func(s *server) { s.delete("b") }, within: 2 * time.Second, want: "Pending PeerNotFound",
		},
		"of a Network that is about to be deleted": {
			event: func(s *server) {
				s.change("b", func(n *v1alpha1.Network) { n.DeletionTimestamp = &metav1.Time{} })
			},
			within: 2 * time.Second, want: "Pending PeerDeleting",
		},
		"of a Network that is created again": {
			event: func(s *server) {
				s.delete("b")
				again := undecided("b", "a")
				again.UID = "uid-of-another-b"
				s.create(again)
			},
			within: 2 * time.Second, want: "Pending PeerReplaced",
		},
		"of a Network that names another from now on": {
			event: func(s *server) {
				s.change("b", func(n *v1alpha1.Network) { n.Spec.Peerings[0].NetworkRef.Name, n.Generation = "c", 2 })
			},
			within: 2 * time.Second, want: "Pending PeeringNotAccepted",
		},
		"that no event tells of": {
			event: func(s *server) {
				s.change("b", func(n *v1alpha1.Network) { n.Spec.Peerings[0].NetworkRef.Name = "c" })
			},
			within: 11 * time.Minute, want: "Pending PeeringNotAccepted",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			a, b := pair()
			if tc.before != nil {
				tc.before(a, b)
			}
			running(t, []string{"release"}, func(s *server) {
				if tc.event != nil {
					pass(time.Minute)
					s.wantBound()
					tc.event(s)
				}
				pass(tc.within)
				s.want("a", tc.want)
				s.wantBound("a")
				pass(24 * time.Hour)
				s.wantBound()
			}, a, b)
		})
	}
}

func TestReleaseFindsNothingToDoAfterPeering(t *testing.T) {
	a, b := pair()
	running(t, []string{"peering", "release"}, func(s *server) {
		pass(time.Minute)
		s.delete("b")
		pass(time.Hour)
		s.want("a", "Pending PeerNotFound")
		s.wantBound("a")
	}, a, b)
}

func TestDisabledControllersDoNothing(t *testing.T) {
	a, b := undecided("a", "b"), undecided("b", "a")
	running(t, []string{"*", "-peering", "-release"}, func(s *server) {
		pass(24 * time.Hour)
		s.wantBound()
	}, a, b)
}
