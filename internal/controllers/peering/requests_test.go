// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package peering

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/rules"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

// asking returns a Network that names others, as NAMESPACE/NAME.
func asking(namespace, name string, others ...string) *v1alpha1.Network {
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name),
	}}
	for i, other := range others {
		otherNamespace, otherName, _ := strings.Cut(other, "/")
		network.Spec.Peerings = append(network.Spec.Peerings, v1alpha1.NetworkPeering{Name: fmt.Sprintf("p%d", i),
			NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: otherNamespace, Name: otherName}})
	}
	return network
}

// told is a notices with what it reads and the Events that it records.
type told struct {
	*notices
	t      *testing.T
	events chan string
	clock  time.Time
}

func newTold(t *testing.T, networks ...*v1alpha1.Network) *told {
	informer := externalversions.NewSharedInformerFactory(fake.NewClientset(), 0).Networking().V1alpha1().Networks().Informer()
	if err := informer.AddIndexers(index.Indexers()); err != nil {
		t.Fatal(err)
	}
	recorder := record.NewFakeRecorder(10)
	f := &told{notices: newNotices(informer, recorder), t: t, events: recorder.Events, clock: time.Unix(1_800_000_000, 0)}
	f.now = func() time.Time { return f.clock }
	for _, network := range networks {
		f.put(nil, network, true)
	}
	return f
}

// put changes what is in the cache, and tells of it.
func (f *told) put(before, after *v1alpha1.Network, atStart bool) {
	f.t.Helper()
	if err := f.informer.GetIndexer().Update(after); err != nil {
		f.t.Fatal(err)
	}
	f.changed(before, after, atStart)
}

// says returns what the owner of a Network is told now, and when to ask again.
func (f *told) says(asked *v1alpha1.Network) (event string, again time.Duration) {
	f.t.Helper()
	again, err := f.reconcile(f.t.Context(), rules.NameOf(asked))
	if err != nil {
		f.t.Fatal(err)
	}
	select {
	case event = <-f.events:
	default:
	}
	return event, again
}

func TestAThousandAskersMakeOneEventATime(t *testing.T) {
	t.Parallel()
	victim := asking("team-b", "blue")
	f := newTold(t, victim)
	for i := range 1000 {
		f.put(nil, asking("team-a", fmt.Sprintf("red-%03d", i), "team-b/blue"), false)
	}
	want := "Normal PeeringRequested Networks team-a/red-000, team-a/red-001, team-a/red-002 and 997 more ask for a peering: "
	if event, _ := f.says(victim); !strings.HasPrefix(event, want) {
		t.Errorf("the owner is told %q, want %q…", event, want)
	}

	f.clock = f.clock.Add(time.Minute)
	f.put(nil, asking("team-a", "late", "team-b/blue"), false)
	event, again := f.says(victim)
	if event != "" || again != requestPeriod-time.Minute {
		t.Errorf("a minute later the owner is told %q, and again in %s", event, again)
	}
	f.clock = f.clock.Add(again)
	event, _ = f.says(victim)
	if !strings.HasPrefix(event, "Normal PeeringRequested Network team-a/late asks for a peering: ") || !strings.HasSuffix(event, " 1001 ask in all.") {
		t.Errorf("after %s the owner is told %q", requestPeriod, event)
	}
	f.clock = f.clock.Add(requestPeriod)
	if event, again := f.says(victim); event != "" || again != 0 || len(f.lastEvent)+len(f.asking) > 0 {
		t.Errorf("without a request the owner is told %q, again in %s, and %d are remembered", event, again, len(f.lastEvent)+len(f.asking))
	}
}

func TestAnEventTellsOnlyOfWhatIsARequest(t *testing.T) {
	t.Parallel()
	blue := asking("team-b", "blue")
	declining := asking("team-b", "blue")
	declining.Annotations = map[string]string{v1alpha1.DeclinedPeeringsAnnotation: "team-a/red"}
	deleting := asking("team-a", "red", "team-b/blue")
	deleting.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	pinned := asking("team-a", "red", "team-b/blue")
	pinned.Spec.Peerings[0].NetworkRef.UID = "an-earlier-one"
	red := asking("team-a", "red", "team-b/blue")
	for sentence, c := range map[string]struct {
		there         []*v1alpha1.Network
		before, after *v1alpha1.Network
		want          bool
	}{
		"a new Network asks":                             {[]*v1alpha1.Network{blue}, nil, red, true},
		"a Network names one more":                       {[]*v1alpha1.Network{blue}, asking("team-a", "red", "team-c/x"), asking("team-a", "red", "team-c/x", "team-b/blue"), true},
		"one that is asked already is made":              {[]*v1alpha1.Network{red}, nil, blue, true},
		"a Network that asks changes otherwise":          {[]*v1alpha1.Network{blue, red}, red, asking("team-a", "red", "team-b/blue", "team-c/x"), false},
		"it is named back":                               {[]*v1alpha1.Network{asking("team-b", "blue", "team-a/red")}, nil, red, false},
		"it is declined":                                 {[]*v1alpha1.Network{declining}, nil, red, false},
		"it is being deleted":                            {[]*v1alpha1.Network{blue}, nil, deleting, false},
		"it means an earlier Network of this name":       {[]*v1alpha1.Network{blue}, nil, pinned, false},
		"nobody asks the new Network":                    {nil, nil, blue, false},
		"one that asks is read by a new leader":          {[]*v1alpha1.Network{blue, red}, nil, nil, false},
		"a Network that is asked does not exist":         {nil, nil, red, false},
		"a Network that asked is created again and asks": {[]*v1alpha1.Network{blue}, red, func() *v1alpha1.Network { again := red.DeepCopy(); again.UID = "new"; return again }(), true},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			f := newTold(t, c.there...)
			if c.after != nil {
				f.put(c.before, c.after, false)
			}
			if event, _ := f.says(blue); (event != "") != c.want {
				t.Errorf("the owner is told %q", event)
			}
		})
	}
}

func TestWhatTheOwnerIsTold(t *testing.T) {
	t.Parallel()
	const way = " for a peering: to accept, name it in spec.peerings; to refuse, in the annotation networking.ironcore.dev/declined-peerings."
	name := func(names ...string) (all []types.NamespacedName) {
		for _, name := range names {
			all = append(all, types.NamespacedName{Namespace: "ns", Name: name})
		}
		return all
	}
	for want, got := range map[string]string{
		"Network ns/a asks" + way:                                  requestMessage(name("a"), 1),
		"Networks ns/a and ns/b ask" + way:                         requestMessage(name("b", "a"), 2),
		"Networks ns/a, ns/b and ns/c ask" + way:                   requestMessage(name("b", "a", "c"), 3),
		"Networks ns/a, ns/b, ns/c and 2 more ask" + way:           requestMessage(name("e", "b", "d", "a", "c"), 5),
		"Network ns/a asks" + way + " 7 ask in all.":               requestMessage(name("a"), 7),
		"Networks ns/a and ns/b ask" + way + " 500000 ask in all.": requestMessage(name("a", "b"), 500000),
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if len(got) > 1024 {
			t.Errorf("an Event may say %d letters", len(got))
		}
	}
}
