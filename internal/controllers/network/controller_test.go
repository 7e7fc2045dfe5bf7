// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

const finalizer = "memory.example/network"

// memory is an infrastructure that forgets. Networks are realized by an entry under their UID.
type memory struct {
	finalizer string
	realized  map[types.UID]bool
	// peers are the UIDs at the other end of the peerings of the Network that was realized last.
	peers map[string]types.UID
	// broken is what keeps it from doing anything, and reason what it then reports.
	broken error
	reason string
	// slow tells that what is released takes until the next call to be gone.
	slow bool
}

func (m *memory) Finalizer() string { return m.finalizer }

func (m *memory) Realize(
	_ context.Context, network *v1alpha1.Network, situation provider.Situation,
) (provider.Realization, error) {
	if m.broken != nil {
		return provider.Realization{State: v1alpha1.NetworkStateError, Reason: m.reason, Message: m.broken.Error()}, m.broken
	}
	m.realized[network.UID] = true
	m.peers = map[string]types.UID{}
	for name, peer := range situation.Peers {
		m.peers[name] = peer.UID
	}
	return provider.Realization{
		ProviderID: fmt.Sprintf("memory://%s", network.UID), State: v1alpha1.NetworkStateAvailable,
	}, nil
}

func (m *memory) Release(_ context.Context, network *v1alpha1.Network) (gone bool, err error) {
	if m.broken != nil {
		return false, m.broken
	}
	delete(m.realized, network.UID)
	gone, m.slow = !m.slow, false
	return gone, nil
}

func (m *memory) Run(ctx context.Context, found provider.Found) error {
	for uid := range m.realized {
		found(types.NamespacedName{Namespace: "team-a", Name: "a"}, uid)
	}
	<-ctx.Done()
	return nil
}

// fixture is a controller with the cache that it reads, the server that it writes to and the infrastructure it drives.
type fixture struct {
	*Controller
	t      *testing.T
	memory *memory
	cache  cache.Indexer
	client *fake.Clientset
	events chan string
}

func newFixture(t *testing.T, memory *memory, networks ...*v1alpha1.Network) *fixture {
	memory.realized = map[types.UID]bool{}
	client := fake.NewClientset()
	client.PrependReactor("create", "networks/realization", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, action.(clienttesting.CreateAction).GetObject(), nil // Written by step.
	})
	informers := newInformers(t, client)
	recorder := record.NewFakeRecorder(10)
	f := &fixture{t: t, memory: memory, cache: informers.Networks.GetIndexer(), client: client, events: recorder.Events}
	f.Controller = New(informers, client.NetworkingV1alpha1(), recorder, memory, nil)
	for _, network := range networks {
		if err := client.Tracker().Add(network); err != nil {
			t.Fatal(err)
		}
		f.see(network)
	}
	return f
}

func newInformers(t *testing.T, client versioned.Interface) Informers {
	t.Helper()
	of := externalversions.NewSharedInformerFactory(client, 0).Networking().V1alpha1()
	informers := Informers{
		Networks: of.Networks().Informer(), Interfaces: of.NetworkInterfaces().Informer(), Policies: of.NetworkPolicies().Informer(),
		Balancers: of.LoadBalancers().Informer(), VirtualIPs: of.VirtualIPs().Informer(),
	}
	for informer, indexers := range map[cache.SharedIndexInformer]cache.Indexers{
		informers.Networks:   index.Indexers(),
		informers.Interfaces: index.InterfaceIndexers(),
		informers.Policies:   index.MemberIndexers(),
		informers.Balancers:  index.MemberIndexers(),
	} {
		if err := informer.AddIndexers(indexers); err != nil {
			t.Fatal(err)
		}
	}
	return informers
}

// see puts a Network in the cache, in place of an earlier version.
func (f *fixture) see(network *v1alpha1.Network) {
	f.t.Helper()
	if err := f.cache.Add(network); err != nil {
		f.t.Fatal(err)
	}
}

// step reconciles team-a/a and returns what it wrote, in words; the cache then catches up.
func (f *fixture) step(uid types.UID) (writes []string, err error) {
	f.t.Helper()
	f.client.ClearActions()
	_, err = f.reconcile(f.t.Context(), key{types.NamespacedName{Namespace: "team-a", Name: "a"}, uid})
	for _, action := range f.client.Actions() {
		if verb := action.GetVerb(); verb == "list" || verb == "get" {
			continue
		}
		network, verb := f.written(action), action.GetSubresource()
		if verb == "" {
			verb = action.GetVerb()
		}
		f.see(network)
		writes = append(writes, fmt.Sprintf("%s: finalizers %v, providerID %q, state %s",
			verb, network.Finalizers, network.Spec.ProviderID, network.Status.State))
	}
	return writes, err
}

// written returns what team-a/a is after a write.
func (f *fixture) written(action clienttesting.Action) *v1alpha1.Network {
	f.t.Helper()
	switch sent := action.(clienttesting.CreateAction).GetObject().(type) {
	case *v1alpha1.Network:
		return sent
	case *v1alpha1.NetworkRealization:
		stored, err := f.networks.Networks("team-a").Get("a")
		if err != nil {
			f.t.Fatal(err)
		}
		if sent.UID != stored.UID || sent.ResourceVersion != stored.ResourceVersion {
			f.t.Errorf("the realization is for %s at %q, want %s at %q", sent.UID, sent.ResourceVersion, stored.UID, stored.ResourceVersion)
		}
		network := stored.DeepCopy()
		network.Spec.ProviderID, network.Status = sent.ProviderID, sent.Status
		return network
	default:
		f.t.Fatalf("a %T was written", sent)
		return nil
	}
}

// wantSteps reconciles until every wanted write was made, one at a time, and once more, which must write nothing.
func (f *fixture) wantSteps(want ...string) {
	f.t.Helper()
	for _, want := range append(want, "") {
		writes, err := f.step("uid-of-a")
		if err != nil {
			f.t.Fatal(err)
		}
		var wanted []string
		if want != "" {
			wanted = []string{want}
		}
		if diff := cmp.Diff(wanted, writes); diff != "" {
			f.t.Fatalf("writes (-want +got):\n%s", diff)
		}
	}
}

// wantEvents drains the Events.
func (f *fixture) wantEvents(want ...string) {
	f.t.Helper()
	var got []string
	for len(f.events) > 0 {
		got = append(got, <-f.events)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		f.t.Errorf("Events (-want +got):\n%s", diff)
	}
}

// networkA is team-a/a, new.
func networkA() *v1alpha1.Network {
	return &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "a", UID: "uid-of-a", ResourceVersion: "7"},
		Status:     v1alpha1.NetworkStatus{State: v1alpha1.NetworkStatePending},
	}
}

// deletingA is team-a/a, realized, held by the finalizers and about to go.
func deletingA(finalizers ...string) *v1alpha1.Network {
	network := networkA()
	network.DeletionTimestamp = &metav1.Time{}
	network.Finalizers = finalizers
	network.Spec.ProviderID = "memory://uid-of-a"
	network.Status.State = v1alpha1.NetworkStateAvailable
	return network
}

func TestANetworkIsRealizedStepByStep(t *testing.T) {
	t.Run("by a provider that has something to tear down later", func(t *testing.T) {
		f := newFixture(t, &memory{finalizer: finalizer}, networkA())
		f.wantSteps(
			`update: finalizers [memory.example/network], providerID "", state Pending`,
			`realization: finalizers [memory.example/network], providerID "memory://uid-of-a", state Available`)
		f.wantEvents("Normal Available Realized as memory://uid-of-a")
	})
	t.Run("by a provider that has not", func(t *testing.T) {
		f := newFixture(t, &memory{}, networkA())
		f.wantSteps(
			`realization: finalizers [], providerID "memory://uid-of-a", state Available`)
	})
}

func TestNothingIsRealizedBeforeTheFinalizerIsInPlace(t *testing.T) {
	f := newFixture(t, &memory{finalizer: finalizer}, networkA())
	if _, err := f.step("uid-of-a"); err != nil {
		t.Fatal(err)
	}
	if f.memory.realized["uid-of-a"] {
		t.Error("the Network is realized, and could be deleted without being released")
	}
}

func TestWhatAFailedRealizationReportsHolds(t *testing.T) {
	broken := errors.New("no room for it")
	f := newFixture(t, &memory{broken: broken, reason: "NoRoom"}, networkA())
	writes, err := f.step("uid-of-a")
	if !errors.Is(err, broken) || err.Error() != "realizing team-a/a: no room for it" {
		t.Errorf("got error %v", err)
	}
	if diff := cmp.Diff([]string{`realization: finalizers [], providerID "", state Error`}, writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	f.wantEvents("Warning NoRoom no room for it")
	if writes, err := f.step("uid-of-a"); !errors.Is(err, broken) || len(writes) > 0 {
		t.Errorf("again: got error %v and writes %v", err, writes)
	}
	f.wantEvents()

	f.memory.broken = nil
	f.wantSteps(
		`realization: finalizers [], providerID "memory://uid-of-a", state Available`)
}

func TestAFailureToReportAFailedRealizationIsNotLost(t *testing.T) {
	broken, refused := errors.New("no room for it"), errors.New("nobody answers")
	f := newFixture(t, &memory{broken: broken, reason: "NoRoom"}, networkA())
	f.client.PrependReactor("create", "networks/realization", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, refused
	})
	_, err := f.reconcile(t.Context(), key{types.NamespacedName{Namespace: "team-a", Name: "a"}, "uid-of-a"})
	if !errors.Is(err, broken) || !errors.Is(err, refused) {
		t.Errorf("got error %v, want %v and %v", err, broken, refused)
	}
}

func TestAConflictIsReportedAndMended(t *testing.T) {
	f := newFixture(t, &memory{}, networkA())
	conflicts := 1
	f.client.PrependReactor("create", "networks/realization", func(clienttesting.Action) (bool, runtime.Object, error) {
		conflicts--
		return conflicts >= 0, nil, apierrors.NewConflict(v1alpha1.Resource("networks"), "a", nil)
	})
	_, err := f.reconcile(t.Context(), key{types.NamespacedName{Namespace: "team-a", Name: "a"}, "uid-of-a"})
	if !apierrors.IsConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
	f.wantSteps(
		`realization: finalizers [], providerID "memory://uid-of-a", state Available`)
}

func TestADeletedNetworkIsReleasedOnceItHasNoMembersWhateverIsBoundToIt(t *testing.T) {
	claim := v1alpha1.NetworkPeeringClaimRef{Namespace: "team-a", Name: "a", UID: "uid-of-a"}
	holder := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "holder", UID: "uid-of-holder"},
		Spec:       v1alpha1.NetworkSpec{IncomingPeerings: []v1alpha1.NetworkPeeringClaimRef{claim}},
	}
	bound := deletingA(finalizer, "other.example/finalizer")
	bound.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{
		{Namespace: "team-b", Name: "holder", UID: "uid-of-holder"},
	}
	inUse := bound.DeepCopy()
	inUse.Finalizers = append(inUse.Finalizers, v1alpha1.NetworkInterfacesFinalizer)
	f := newFixture(t, &memory{finalizer: finalizer}, inUse, holder)
	f.memory.realized["uid-of-a"] = true
	f.wantSteps() // The Network still has members.
	if !f.memory.realized["uid-of-a"] {
		t.Fatal("the Network was released while it was in use")
	}

	if f.memory.peers == nil || len(f.memory.peers) > 0 {
		t.Errorf("while it is in use, it was realized with the peers %v, want none", f.memory.peers)
	}

	f.see(bound) // Its peers need not write anything.
	f.memory.broken = errors.New("nobody answers")
	failed := "realization: finalizers [memory.example/network other.example/finalizer], " +
		`providerID "memory://uid-of-a", state Available`
	for _, want := range [][]string{{failed}, nil} { // It is told once.
		writes, err := f.step("uid-of-a")
		if !errors.Is(err, f.memory.broken) {
			t.Errorf("got error %v, want that of the provider", err)
		}
		if diff := cmp.Diff(want, writes); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	}
	f.wantEvents("Warning ReleaseFailed nobody answers")

	f.memory.broken, f.memory.slow = nil, true
	if writes, err := f.step("uid-of-a"); err != nil || len(writes) > 0 {
		t.Errorf("before it is confirmed gone: got error %v and writes %v", err, writes)
	}
	f.wantSteps(`update: finalizers [other.example/finalizer], providerID "memory://uid-of-a", state Available`)
	if f.memory.realized["uid-of-a"] {
		t.Error("the Network was not released")
	}
}

func TestADeletedNetworkOfOthersIsLeftAlone(t *testing.T) {
	for sentence, memory := range map[string]*memory{
		"where the finalizer is not there any more": {finalizer: finalizer},
		"where there never is a finalizer":          {},
	} {
		t.Run(sentence, func(t *testing.T) {
			f := newFixture(t, memory, deletingA("other.example/finalizer"))
			f.memory.realized["uid-of-a"] = true
			f.wantSteps()
			if !f.memory.realized["uid-of-a"] {
				t.Error("the Network was released before it was gone")
			}
		})
	}
}

func TestWhatRealizedANetworkThatIsGoneIsReleased(t *testing.T) {
	for sentence, tc := range map[string]struct {
		cached []*v1alpha1.Network
	}{
		"where there is none now":                     {},
		"where another was created again at its name": {cached: []*v1alpha1.Network{networkA()}},
	} {
		t.Run(sentence, func(t *testing.T) {
			f := newFixture(t, &memory{}, tc.cached...)
			f.memory.realized["uid-of-a"] = true
			f.memory.realized["uid-of-an-earlier-a"] = true
			writes, err := f.step("uid-of-an-earlier-a")
			if err != nil || len(writes) > 0 {
				t.Errorf("got error %v and writes %v", err, writes)
			}
			if diff := cmp.Diff(map[types.UID]bool{"uid-of-a": true}, f.memory.realized); diff != "" {
				t.Errorf("realized (-want +got):\n%s", diff)
			}
		})
	}
}

// What is stored of a Network may be unreadable; the cache then leaves it out.
func TestWhatRealizesANetworkThatTheServerCannotReadStays(t *testing.T) {
	f := newFixture(t, &memory{})
	f.memory.realized["uid-of-a"] = true
	unreadable := apierrors.NewInternalError(errors.New("corrupt object"))
	f.client.PrependReactor("get", "networks", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, unreadable
	})
	if writes, err := f.step("uid-of-a"); !errors.Is(err, unreadable) || len(writes) > 0 {
		t.Errorf("got error %v and writes %v", err, writes)
	}
	if !f.memory.realized["uid-of-a"] {
		t.Error("the Network was released")
	}
}

// An earlier leader has seen more than the cache of a new one.
func TestTheServerIsAskedBeforeAnOrphanIsReleased(t *testing.T) {
	for sentence, tc := range map[string]struct {
		served      *v1alpha1.Network
		answer      error
		wantErr     func(error) bool
		wantRealize bool
	}{
		"and it has the Network, which stays": {
			served: networkA(), wantErr: func(err error) bool { return err == nil }, wantRealize: true,
		},
		"and it has none, so what was found goes": {
			wantErr: func(err error) bool { return err == nil },
		},
		"and it has the Network under another name than was found, so it stays": {
			served: func() *v1alpha1.Network {
				network := networkA()
				network.Name = "true-name"
				return network
			}(),
			wantErr: func(err error) bool { return err == nil }, wantRealize: true,
		},
		"and it has another of the name, so what was found goes": {
			served: func() *v1alpha1.Network {
				network := networkA()
				network.UID = "uid-of-another-a"
				return network
			}(),
			wantErr: func(err error) bool { return err == nil },
		},
		"and it does not answer, so nothing goes": {
			answer:  apierrors.NewServiceUnavailable("come again"),
			wantErr: apierrors.IsServiceUnavailable, wantRealize: true,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			f := newFixture(t, &memory{})
			if tc.served != nil {
				if err := f.client.Tracker().Add(tc.served); err != nil {
					t.Fatal(err)
				}
			}
			f.client.PrependReactor("list", "networks", func(clienttesting.Action) (bool, runtime.Object, error) {
				return tc.answer != nil, nil, tc.answer
			})
			f.memory.realized["uid-of-a"] = true
			f.found(types.NamespacedName{Namespace: "team-a", Name: "a"}, "uid-of-a")
			writes, err := f.step("uid-of-a")
			if !tc.wantErr(err) || len(writes) > 0 {
				t.Errorf("got error %v and writes %v", err, writes)
			}
			if got := f.memory.realized["uid-of-a"]; got != tc.wantRealize {
				t.Errorf("realized afterwards: %v, want %v", got, tc.wantRealize)
			}
		})
	}
}

// Whoever can write to the infrastructure can change what leads back from there.
func TestWhatIsFoundUnderAWrongNameIsLookedUpByItsUID(t *testing.T) {
	for sentence, name := range map[string]types.NamespacedName{
		"under no name":      {},
		"under a wrong name": {Namespace: "team-b", Name: "nobody"},
		"under its own":      {Namespace: "team-a", Name: "a"},
	} {
		t.Run(sentence, func(t *testing.T) {
			f := newFixture(t, &memory{}, networkA())
			f.found(name, "uid-of-a")
			if _, orphan := f.orphans.Load(key{name, "uid-of-a"}); orphan {
				t.Error("a Network that exists counts as an orphan")
			}
		})
	}
}

func TestTheProviderGetsTheBoundPeersAsTheyAreNow(t *testing.T) {
	a := networkA()
	a.Spec.ProviderID, a.Status.State = "memory://uid-of-a", v1alpha1.NetworkStateAvailable
	a.Spec.Peerings = []v1alpha1.NetworkPeering{{Name: "p", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: "b"}}}
	a.Status.Peerings = []v1alpha1.NetworkPeeringStatus{{Name: "p", Phase: v1alpha1.NetworkPeeringPhaseBound}}
	a.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{{Namespace: "team-a", Name: "b", UID: "uid-of-b"}}
	b := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "b", UID: "uid-of-b"},
		Spec: v1alpha1.NetworkSpec{IncomingPeerings: []v1alpha1.NetworkPeeringClaimRef{
			{Namespace: "team-a", Name: "a", UID: "uid-of-a"},
		}},
	}
	f := newFixture(t, &memory{}, a, b)
	f.wantSteps()
	if diff := cmp.Diff(map[string]types.UID{"p": "uid-of-b"}, f.memory.peers); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
}

func TestANetworkThatIsManagedElsewhereIsLeftAlone(t *testing.T) {
	a := networkA()
	a.Annotations = map[string]string{"common.ironcore.dev/managed-by": "somebody"}
	f := newFixture(t, &memory{finalizer: finalizer}, a)
	f.wantSteps()
	if f.memory.realized["uid-of-a"] {
		t.Error("the Network was realized")
	}
}
