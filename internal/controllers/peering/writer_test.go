// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
	listers "ironcore.dev/networking/pkg/client/listers/networking/v1alpha1"
)

// fixture is a Writer with the cache that it reads and the server that it writes to.
type fixture struct {
	*Writer
	t      *testing.T
	cache  cache.Indexer
	events chan string
	// posted are the bindings that the server got.
	posted []*v1alpha1.NetworkBinding
	// answer is what the server says to the next one.
	answer func() (*v1alpha1.NetworkBinding, error)
}

func newFixture(t *testing.T, networks ...*v1alpha1.Network) *fixture {
	f := &fixture{t: t}
	f.cache = cache.NewIndexer(cache.MetaNamespaceKeyFunc,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, network := range networks {
		f.see(network)
	}
	client := fake.NewClientset()
	client.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create, ok := action.(clienttesting.CreateAction)
		if !ok || action.GetSubresource() != "binding" {
			t.Errorf("got a %s of %s/%s, want bindings alone",
				action.GetVerb(), action.GetResource().Resource, action.GetSubresource())
			return true, nil, nil
		}
		f.posted = append(f.posted, create.GetObject().(*v1alpha1.NetworkBinding))
		binding, err := f.answer()
		if err != nil {
			return true, nil, err
		}
		return true, binding, nil
	})
	f.answerWith("8")
	recorder := record.NewFakeRecorder(10)
	f.events = recorder.Events
	f.Writer = NewWriter(listers.NewNetworkLister(f.cache), client.NetworkingV1alpha1(), recorder, nil)
	return f
}

// see puts a Network in the cache, in place of an earlier version.
func (f *fixture) see(network *v1alpha1.Network) {
	f.t.Helper()
	if err := f.cache.Add(network); err != nil {
		f.t.Fatal(err)
	}
}

// answerWith has the server accept bindings, after which the Network has the resourceVersion.
func (f *fixture) answerWith(resourceVersion string) {
	f.answer = func() (*v1alpha1.NetworkBinding, error) {
		return &v1alpha1.NetworkBinding{ObjectMeta: metav1.ObjectMeta{ResourceVersion: resourceVersion}}, nil
	}
}

// bind binds team-a/a as the cache has it and tells how long the Writer wants to wait.
func (f *fixture) bind() time.Duration {
	f.t.Helper()
	wait, err := f.Bind(f.t.Context(), f.Lookup(types.NamespacedName{Namespace: "team-a", Name: "a"}))
	if err != nil {
		f.t.Fatal(err)
	}
	return wait
}

func (f *fixture) wantPosted(n int) {
	f.t.Helper()
	if len(f.posted) != n {
		f.t.Fatalf("the server got %d bindings, want %d: %v", len(f.posted), n, f.posted)
	}
}

// pair is team-a/a, which names team-a/b and is Pending for the reason, and team-a/b, which names it in turn.
func pair(reason string) (a, b *v1alpha1.Network) {
	a = stored(peering{phase: pending, words: reason})
	a.Spec.Peerings[0].NetworkRef.Name = "b"
	b = stored(peering{phase: pending, words: reason})
	b.Name, b.UID = "b", "uid-of-b"
	b.Spec.Peerings[0].NetworkRef.Name = "a"
	return a, b
}

func TestBindWritesTheDecisionAndTellsOfIt(t *testing.T) {
	a, b := pair("Evaluating")
	f := newFixture(t, a, b)
	if wait := f.bind(); wait > 0 {
		t.Errorf("it waits %v", wait)
	}
	want := []*v1alpha1.NetworkBinding{{
		ObjectMeta:       metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a", ResourceVersion: "7"},
		IncomingPeerings: []v1alpha1.NetworkPeeringClaimRef{{Namespace: "team-a", Name: "b", UID: "uid-of-b"}},
		Peerings: []v1alpha1.NetworkPeeringBinding{{
			Name: "p0", Phase: "Bound", Reason: "Bound",
			Message: "This Network and team-a/b name each other and are available.",
		}},
	}}
	if diff := cmp.Diff(want, f.posted); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	wantEvent := "Normal PeeringBound Peering p0 is Bound: This Network and team-a/b name each other and are available."
	if got := <-f.events; got != wantEvent {
		t.Errorf("got event %q, want %q", got, wantEvent)
	}
}

func TestBindWritesNothingWhenNothingChanges(t *testing.T) {
	a, b := pair("Evaluating")
	a.Status.Peerings[0] = v1alpha1.NetworkPeeringStatus{
		Name: "p0", Phase: "Bound", Reason: "Bound", NetworkRef: &v1alpha1.NetworkPeeringNetworkRef{},
		Message: "This Network and team-a/b name each other and are available.",
	}
	a.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{{Namespace: "team-a", Name: "b", UID: "uid-of-b"}}
	f := newFixture(t, a, b)
	if wait := f.bind(); wait > 0 {
		t.Errorf("it waits %v", wait)
	}
	f.wantPosted(0)
}

func TestBindWaitsWhereMoreIsToCome(t *testing.T) {
	a, _ := pair("Evaluating")
	a.CreationTimestamp = metav1.Now()
	f := newFixture(t, a)
	if wait := f.bind(); wait <= 0 || wait > settleTime {
		t.Errorf("it waits %v", wait)
	}
	f.wantPosted(0)
}

// One peer that comes and goes has a long rest. What is bindable with another one is written as soon as it would be without the first.
func TestARestingPeerDoesNotDelayTheOtherPeerings(t *testing.T) {
	a, b := pair("Evaluating")
	a.CreationTimestamp = metav1.Now()
	a.Spec.Peerings = append(a.Spec.Peerings, a.Spec.Peerings[0], a.Spec.Peerings[0])
	a.Status.Peerings = append(a.Status.Peerings, a.Status.Peerings[0], a.Status.Peerings[0])
	for i, name := range []string{"b", "c", "missing"} {
		a.Spec.Peerings[i].Name, a.Status.Peerings[i].Name = name, name
		a.Spec.Peerings[i].NetworkRef.Name = name
	}
	c := b.DeepCopy()
	c.Name, c.UID = "c", "uid-of-c"
	f := newFixture(t, a, b, c)
	for range 9 {
		f.flapping.Next(flapKey(a, b.UID), time.Now())
	}
	if wait := f.bind(); wait <= 0 || wait > settleTime {
		t.Errorf("it waits %v, want at most %v for the peering with c", wait, settleTime)
	}
	f.wantPosted(0)
}

func TestBindDoesNotDecideOnACacheBehindItsOwnWrite(t *testing.T) {
	a, b := pair("Evaluating")
	f := newFixture(t, a, b)
	f.answerWith("10")
	f.bind()
	f.wantPosted(1)

	f.bind()
	f.wantPosted(1)
	between := a.DeepCopy()
	between.ResourceVersion = "9" // written by somebody else before the binding
	f.see(between)
	f.bind()
	f.wantPosted(1)

	caughtUp := a.DeepCopy()
	caughtUp.ResourceVersion = "10"
	f.see(caughtUp)
	f.bind()
	f.wantPosted(2)
}

func TestForgetDropsTheMemoryOfAWrite(t *testing.T) {
	a, b := pair("Evaluating")
	f := newFixture(t, a, b)
	f.bind()
	f.Forget("uid-of-b")
	f.bind()
	f.wantPosted(1)
	f.Forget("uid-of-a")
	f.bind()
	f.wantPosted(2)
}

func TestBindReportsAConflictAndTriesAgain(t *testing.T) {
	a, b := pair("Evaluating")
	f := newFixture(t, a, b)
	f.answer = func() (*v1alpha1.NetworkBinding, error) {
		return nil, apierrors.NewConflict(v1alpha1.Resource("networks"), "a", nil)
	}
	if _, err := f.Bind(t.Context(), a); !apierrors.IsConflict(err) {
		t.Errorf("got %v, want a conflict", err)
	}
	select {
	case event := <-f.events:
		t.Errorf("an Event tells of what did not happen: %s", event)
	default:
	}
	f.answerWith("8")
	f.bind()
	f.wantPosted(2)
}

func TestLookupOfANetworkThatIsNotThere(t *testing.T) {
	a, _ := pair("Evaluating")
	f := newFixture(t, a)
	if got := f.Lookup(types.NamespacedName{Namespace: "team-b", Name: "a"}); got != nil {
		t.Errorf("got %v, want nil", got)
	}
}

func TestNothingIsRememberedOfANetworkThatIsGone(t *testing.T) {
	for sentence, waits := range map[string]bool{"after a write": false, "while a decision is held back": true} {
		a, b := pair("Evaluating")
		networks := []*v1alpha1.Network{b}
		if waits {
			a.CreationTimestamp, networks = metav1.Now(), nil
		}
		f := newFixture(t, networks...) // The last event of a has come before the end of the work on it.
		if _, err := f.Bind(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if len(f.lastWritten)+len(f.heldBackSince) > 0 {
			t.Errorf("%s: written %v, held %v", sentence, f.lastWritten, f.heldBackSince)
		}
	}
}
