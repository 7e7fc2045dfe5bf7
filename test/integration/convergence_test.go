// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

var seed = flag.Uint64("seed", 0, "seed of the random operations; 0 takes another one each time")

// Parallel clients do what comes to their minds to a few Networks in three namespaces. Every version of every Network
// has to be sound in itself, and after each round all Networks have to be what the binding rule says.
func TestRandomOperationsSettleToTheBindingRule(t *testing.T) {
	t.Parallel()
	const rounds, clients, operations = 5, 6, 40
	seed := *seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to run the same operations again: -args -seed=%d", seed)
	s := ownServer(t)
	sound := watchSoundness(t, s)

	var players []*player
	for i := range clients {
		players = append(players, &player{client: s.client(t), random: rand.New(rand.NewPCG(seed, uint64(i)))})
	}
	for range rounds {
		var playing sync.WaitGroup
		for _, player := range players {
			playing.Go(func() {
				for range operations {
					if name, err := player.play(t.Context()); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
		playing.Wait()
		poll(t, patience, func() error { return settled(listAll(t, s)) })
	}
	sound(t)
	poll(t, patience, func() error {
		networks := listAll(t, s)
		return errors.Join(settled(networks), worded(networks))
	})
	expectNoWrites(t, s)
}

// worded tells where a reason is not what the rule gives for the Networks as they are. Such words follow within two seconds.
func worded(networks []v1alpha1.Network) error {
	lookup := func(name types.NamespacedName) *v1alpha1.Network {
		for i := range networks {
			if networks[i].Namespace == name.Namespace && networks[i].Name == name.Name {
				return &networks[i]
			}
		}
		return nil
	}
	var errs []error
	for i := range networks {
		for j, decided := range rules.DecideBinding(&networks[i], lookup).Peerings {
			if item := networks[i].Status.Peerings[j]; item.Reason != decided.Reason || item.Message != decided.Message {
				errs = append(errs, fmt.Errorf("%s/%s: peering %s says %s, want %s",
					networks[i].Namespace, networks[i].Name, item.Name, item.Reason, decided.Reason))
			}
		}
	}
	return errors.Join(errs...)
}

// player makes random moves.
type player struct {
	client *clientset.NetworkingV1alpha1Client
	random *rand.Rand
}

// The Networks that are played with are few, so that the players get in each other's way.
var (
	playedNamespaces = []string{"red", "green", "blue"}
	playedNames      = []string{"a", "b", "c", "d"}
)

// moves are the operations, the likelier ones more than once.
var moves = []struct {
	name string
	do   func(p *player, ctx context.Context, networks clientset.NetworkInterface, name string) error
}{
	{"create", (*player).create},
	{"create", (*player).create},
	{"create", (*player).create},
	{"create", (*player).create},
	{"create", (*player).create},
	{"create", (*player).create},
	{"delete", (*player).delete},
	{"recreate", (*player).recreate},
	{"peer", (*player).peer},
	{"peer", (*player).peer},
	{"peer", (*player).peer},
	{"unpeer", (*player).unpeer},
	{"retarget", (*player).retarget},
	{"forge claims", (*player).forgeClaims},
	{"forge phases", (*player).forgePhases},
	{"delete with finalizer", (*player).deleteSlowly},
}

// play makes one move. That a Network is not there, or there already, or changed at the same time, is part of the game.
func (p *player) play(ctx context.Context) (string, error) {
	move := moves[p.random.IntN(len(moves))]
	namespace, name := pick(p.random, playedNamespaces), pick(p.random, playedNames)
	err := move.do(p, ctx, p.client.Networks(namespace), name)
	beingDeleted := apierrors.IsInvalid(err) && strings.Contains(err.Error(), "if the object is being deleted")
	if apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) || beingDeleted {
		err = nil
	}
	return fmt.Sprintf("%s %s/%s", move.name, namespace, name), err
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// peerings returns some random ones, as many as there are numbers, with valid targets other than the Network itself.
func (p *player) peerings(namespace, name string, count int) []v1alpha1.NetworkPeering {
	var peerings []v1alpha1.NetworkPeering
	for range count {
		target := v1alpha1.NetworkPeeringNetworkRef{
			Namespace: pick(p.random, playedNamespaces),
			Name:      pick(p.random, playedNames),
		}
		peering := v1alpha1.NetworkPeering{Name: target.Namespace + "-" + target.Name, NetworkRef: target}
		known := func(other v1alpha1.NetworkPeering) bool { return other.Name == peering.Name }
		if target.Namespace == namespace && target.Name == name || slices.ContainsFunc(peerings, known) {
			continue
		}
		if target.Namespace == namespace && p.random.IntN(2) == 0 {
			peering.NetworkRef.Namespace = "" // means the same
		}
		peerings = append(peerings, peering)
	}
	return peerings
}

func (p *player) create(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	_, err := networks.Create(ctx, newNetwork(name), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return p.peer(ctx, networks, name)
}

func (p *player) delete(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	return networks.Delete(ctx, name, metav1.DeleteOptions{})
}

// recreate leaves the controllers no time between the end of one Network and the beginning of the next of its name.
func (p *player) recreate(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	network, err := networks.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := networks.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	_, err = networks.Create(ctx, newNetwork(name, network.Spec.Peerings...), metav1.CreateOptions{})
	return err
}

// deleteSlowly puts a finalizer on a Network, deletes it, and lets it go.
func (p *player) deleteSlowly(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	if err := p.change(ctx, networks, name, func(network *v1alpha1.Network) {
		network.Finalizers = []string{"example.com/slow"}
	}); err != nil {
		return err
	}
	if err := networks.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	letGo := []byte(`{"metadata":{"finalizers":null}}`)
	_, err := networks.Patch(ctx, name, types.MergePatchType, letGo, metav1.PatchOptions{})
	return err
}

// change updates a Network once.
func (p *player) change(ctx context.Context, networks clientset.NetworkInterface, name string,
	change func(*v1alpha1.Network)) error {
	network, err := networks.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	change(network)
	_, err = networks.Update(ctx, network, metav1.UpdateOptions{})
	return err
}

// peer names random Networks, some of them by UID, the right one or a wrong one.
func (p *player) peer(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	return p.change(ctx, networks, name, func(network *v1alpha1.Network) {
		network.Spec.Peerings = p.peerings(network.Namespace, name, 10)
		for i := range network.Spec.Peerings {
			peering := &network.Spec.Peerings[i]
			switch p.random.IntN(8) {
			case 0:
				name := target(network, *peering)
				if peer, err := p.client.Networks(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{}); err == nil {
					peering.NetworkRef.UID = peer.UID
				}
			case 1:
				peering.NetworkRef.UID = strangerUID
			}
		}
	})
}

func (p *player) unpeer(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	return p.change(ctx, networks, name, func(network *v1alpha1.Network) {
		if peerings := network.Spec.Peerings; len(peerings) > 0 {
			i := p.random.IntN(len(peerings))
			network.Spec.Peerings = slices.Delete(peerings, i, i+1)
		}
	})
}

// retarget lets two peerings swap their targets: their names stay.
func (p *player) retarget(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	return p.change(ctx, networks, name, func(network *v1alpha1.Network) {
		if peerings := network.Spec.Peerings; len(peerings) > 1 {
			peerings[0].NetworkRef, peerings[1].NetworkRef = peerings[1].NetworkRef, peerings[0].NetworkRef
		}
	})
}

func (p *player) forgeClaims(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	return p.change(ctx, networks, name, func(network *v1alpha1.Network) {
		network.Spec.IncomingPeerings = []v1alpha1.NetworkPeeringClaimRef{
			{Namespace: pick(p.random, playedNamespaces), Name: pick(p.random, playedNames), UID: strangerUID},
		}
	})
}

func (p *player) forgePhases(ctx context.Context, networks clientset.NetworkInterface, name string) error {
	network, err := networks.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	phases := []v1alpha1.NetworkPeeringPhase{v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringPhasePending}
	states := []v1alpha1.NetworkPeeringState{v1alpha1.NetworkPeeringStateReady, v1alpha1.NetworkPeeringStateError}
	for i := range network.Status.Peerings {
		item := &network.Status.Peerings[i]
		item.Phase, item.State = pick(p.random, phases), pick(p.random, states)
		item.Reason = "Forged"
	}
	_, err = networks.UpdateStatus(ctx, network, metav1.UpdateOptions{})
	return err
}

func listAll(t *testing.T, s *server) []v1alpha1.Network {
	t.Helper()
	list, err := s.client(t).Networks(metav1.NamespaceAll).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// settled holds all Networks that exist against the binding rule, and returns what differs.
func settled(networks []v1alpha1.Network) error {
	byName := make(map[types.NamespacedName]*v1alpha1.Network, len(networks))
	for i := range networks {
		byName[types.NamespacedName{Namespace: networks[i].Namespace, Name: networks[i].Name}] = &networks[i]
	}
	takesPart := func(network *v1alpha1.Network) bool {
		return network != nil && network.DeletionTimestamp == nil && network.Status.State == v1alpha1.NetworkStateAvailable
	}
	accepts := func(network, peer *v1alpha1.Network) bool {
		return slices.ContainsFunc(network.Spec.Peerings, func(peering v1alpha1.NetworkPeering) bool {
			return target(network, peering) == types.NamespacedName{Namespace: peer.Namespace, Name: peer.Name} &&
				(peering.NetworkRef.UID == "" || peering.NetworkRef.UID == peer.UID)
		})
	}
	var errs []error
	for i := range networks {
		network := &networks[i]
		var items []string
		var claims []v1alpha1.NetworkPeeringClaimRef
		for _, peering := range network.Spec.Peerings {
			peer, phase := byName[target(network, peering)], v1alpha1.NetworkPeeringPhasePending
			if takesPart(network) && takesPart(peer) && accepts(network, peer) && accepts(peer, network) {
				phase = v1alpha1.NetworkPeeringPhaseBound
				claims = append(claims, claimOf(peer))
			}
			items = append(items, peering.Name+" "+string(phase))
		}
		var gotItems []string
		for _, item := range network.Status.Peerings {
			gotItems = append(gotItems, item.Name+" "+string(item.Phase))
			if item.Reason == v1alpha1.PeeringReasonEvaluating {
				errs = append(errs, fmt.Errorf("%s/%s: peering %s has not been decided on",
					network.Namespace, network.Name, item.Name))
			}
		}
		if !slices.Equal(gotItems, items) {
			errs = append(errs, fmt.Errorf("%s/%s: status.peerings are %q, want %q",
				network.Namespace, network.Name, gotItems, items))
		}
		if !slices.Equal(network.Spec.IncomingPeerings, claims) {
			errs = append(errs, fmt.Errorf("%s/%s: spec.incomingPeerings are %v, want %v",
				network.Namespace, network.Name, network.Spec.IncomingPeerings, claims))
		}
		if err := available(network); err != nil {
			errs = append(errs, fmt.Errorf("%s/%s: %w", network.Namespace, network.Name, err))
		}
		if network.Status.ObservedGeneration != network.Generation {
			errs = append(errs, fmt.Errorf("%s/%s: status.observedGeneration is %d, want %d",
				network.Namespace, network.Name, network.Status.ObservedGeneration, network.Generation))
		}
	}
	if more := len(errs) - 10; more > 0 {
		errs = append(errs[:10], fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}

// target returns the Network that a peering of a Network names.
func target(network *v1alpha1.Network, peering v1alpha1.NetworkPeering) types.NamespacedName {
	if peering.NetworkRef.Namespace != "" {
		return types.NamespacedName{Namespace: peering.NetworkRef.Namespace, Name: peering.NetworkRef.Name}
	}
	return types.NamespacedName{Namespace: network.Namespace, Name: peering.NetworkRef.Name}
}

// sound tells what is wrong with one version of a Network: its claims, phases and peerings have to agree at all times.
func sound(network *v1alpha1.Network) error {
	if len(network.Status.Peerings) != len(network.Spec.Peerings) {
		return fmt.Errorf("it has %d peerings and %d items in status.peerings",
			len(network.Spec.Peerings), len(network.Status.Peerings))
	}
	var bound, claims []types.NamespacedName
	for i, peering := range network.Spec.Peerings {
		item := network.Status.Peerings[i]
		if item.Name != peering.Name {
			return fmt.Errorf("item %d of status.peerings is %q, the peering is %q", i, item.Name, peering.Name)
		}
		if item.Reason == "Forged" {
			return fmt.Errorf("item %s of status.peerings is forged", item.Name)
		}
		if item.Phase == v1alpha1.NetworkPeeringPhaseBound {
			bound = append(bound, target(network, peering))
		}
	}
	for _, claim := range network.Spec.IncomingPeerings {
		if claim.UID == strangerUID {
			return fmt.Errorf("the claim of %s/%s is forged", claim.Namespace, claim.Name)
		}
		claims = append(claims, types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name})
	}
	// A change of peerings may leave the claims in the order that they were bound in.
	byName := func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(bound, byName)
	slices.SortFunc(claims, byName)
	if !slices.Equal(bound, claims) {
		return fmt.Errorf("it is bound to %v and has the claims of %v", bound, claims)
	}
	if len(network.Spec.Peerings) > 0 {
		all := len(bound) == len(network.Spec.Peerings)
		if meta.IsStatusConditionTrue(network.Status.Conditions, v1alpha1.NetworkPeered) != all {
			return fmt.Errorf("%d of %d peerings are Bound, and the condition Peered says otherwise",
				len(bound), len(network.Spec.Peerings))
		}
	}
	return nil
}

// watchSoundness checks every version of every Network from now on. The function that it returns ends that and reports.
// It makes one more Network, to tell the watch that there is no more to come.
func watchSoundness(t *testing.T, s *server) func(t *testing.T) {
	t.Helper()
	all, err := s.client(t).Networks(metav1.NamespaceAll).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	versions, unsound := 0, []error(nil)
	ended := make(chan struct{})
	const end = "end-of-watch"
	go func() {
		defer close(ended)
		for event := range all.ResultChan() {
			network, ok := event.Object.(*v1alpha1.Network)
			if !ok {
				unsound = append(unsound, fmt.Errorf("the watch saw %v", event))
				return
			}
			if network.Name == end {
				return
			}
			versions++
			if err := sound(network); err != nil {
				unsound = append(unsound, fmt.Errorf("%s/%s at resourceVersion %s: %w",
					network.Namespace, network.Name, network.ResourceVersion, err))
			}
		}
	}()
	return func(t *testing.T) {
		t.Helper()
		newNamespace(t, s).create(t, newNetwork(end))
		<-ended
		all.Stop()
		t.Logf("%d versions were seen", versions)
		if versions == 0 {
			t.Error("the watch has seen nothing")
		}
		if err := errors.Join(unsound...); err != nil {
			t.Error(err)
		}
	}
}

// expectNoWrites makes sure that nothing is written any more: everything has settled, and stays.
func expectNoWrites(t *testing.T, s *server) {
	t.Helper()
	networks := s.client(t).Networks(metav1.NamespaceAll)
	list, err := networks.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Long enough for whatever the controllers put off; the server ends the watch.
	window := int64((3 * time.Second).Seconds())
	quiet, err := networks.Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: list.ResourceVersion,
		TimeoutSeconds:  &window,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Stop()
	for event := range quiet.ResultChan() {
		if network, ok := event.Object.(*v1alpha1.Network); ok {
			t.Errorf("at rest, %s/%s was written: %s, resourceVersion %s",
				network.Namespace, network.Name, event.Type, network.ResourceVersion)
		} else if event.Type == watch.Error {
			t.Errorf("the watch failed: %v", event.Object)
		}
	}
}
