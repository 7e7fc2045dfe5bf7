// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/ovn/lab"
)

// exposure is what a Network exposes to another one.
type exposure int

const (
	unpeered   exposure = iota
	everything          // A peering without prefixes.
	oneGuest            // A prefix with the first of its guests.
	nothing             // A prefixRef that stands for nothing.
)

// random is a world in which anything happens, and a model of what was asked for.
type random struct {
	*world
	*rand.Rand
	exists []bool
	// exposes[i][j] is what Network i exposes to Network j.
	exposes [][]exposure
	guests  []*randomGuest
	// up starts a daemon again that is down.
	up func()
}

type randomGuest struct {
	*lab.Guest
	number  int
	network int // or -1
	host    int // the last byte of its address
}

func (g *randomGuest) address() string { return fmt.Sprintf("10.0.%d.%d", g.number, g.host) }
func (g *randomGuest) name() string    { return fmt.Sprintf("guest-%d", g.number) }

func team(i int) string    { return fmt.Sprintf("team-%d", i%2) }
func nameOf(i int) string  { return fmt.Sprintf("network-%d", i) }
func located(i int) string { return team(i) + "/" + nameOf(i) }

// TestRandomOperationsEndInTheRule peers and releases, changes prefixes and addresses, deletes and makes again Networks, moves
// NetworkInterfaces and kills what can be killed, all at random. Then a ping from each guest to each other is held against the
// binding rule: packets pass if both Networks name each other, and each exposes its guest.
func TestRandomOperationsEndInTheRule(t *testing.T) {
	const networks, guests, rounds, steps = 4, 6, 4, 14
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	r := &random{world: newWorld(t), Rand: rand.New(rand.NewPCG(seed, 0)), exists: make([]bool, networks), up: func() {}}
	for i := range networks {
		r.exposes = append(r.exposes, make([]exposure, networks))
		r.create(i)
	}
	for number := range guests {
		g := &randomGuest{number: number, network: -1, host: 1}
		r.guests = append(r.guests, g)
		r.place(g, number%networks)
	}
	for range rounds {
		for range steps {
			r.step()
		}
		r.up()
		r.settled()
	}
}

func (r *random) step() {
	i, g := r.IntN(len(r.exists)), r.guests[r.IntN(len(r.guests))]
	switch r.IntN(12) {
	case 0:
		r.kill()
	case 1:
		r.readdress(g)
	case 2:
		if r.exists[i] {
			r.place(g, i)
		}
	case 3:
		if r.exists[i] {
			r.remove(i)
		}
	case 4:
		r.create(i)
	default:
		j := r.IntN(len(r.exists))
		if i != j {
			r.exposes[i][j] = []exposure{unpeered, everything, everything, everything, oneGuest, nothing}[r.IntN(6)]
			r.write(i)
		}
	}
}

// write asks for what Network i exposes.
func (r *random) write(i int) {
	r.t.Helper()
	if !r.exists[i] {
		return
	}
	var peerings []v1alpha1.NetworkPeering
	for j, exposed := range r.exposes[i] {
		peering := to(located(j))
		switch first := r.first(i); {
		case exposed == unpeered:
			continue
		case exposed == oneGuest && first != nil:
			peering = to(located(j), fmt.Sprintf("10.0.%d.0/24", first.number))
		case exposed != everything:
			peering.Prefixes = []v1alpha1.PeeringPrefix{{Name: "p", PrefixRef: &v1alpha1.LocalObjectReference{Name: "nowhere"}}}
		}
		peerings = append(peerings, peering)
	}
	r.network(located(i), peerings...)
}

// first returns the first guest of a Network.
func (r *random) first(i int) *randomGuest {
	at := slices.IndexFunc(r.guests, func(g *randomGuest) bool { return g.network == i })
	if at < 0 {
		return nil
	}
	return r.guests[at]
}

func (r *random) create(i int) {
	r.t.Helper()
	r.exists[i] = true
	r.write(i)
}

// remove deletes a Network with its guests, and most often makes it again.
func (r *random) remove(i int) {
	r.t.Helper()
	r.up()
	for _, g := range r.guests {
		if g.network == i {
			r.displace(g)
		}
	}
	if err := r.Networks(team(i)).Delete(r.t.Context(), nameOf(i), metav1.DeleteOptions{}); err != nil {
		r.t.Fatal(err)
	}
	eventually(r.t, nameOf(i)+" is gone", func() (bool, string) {
		_, err := r.Networks(team(i)).Get(r.t.Context(), nameOf(i), metav1.GetOptions{})
		return apierrors.IsNotFound(err), fmt.Sprint(err)
	})
	r.exists[i] = false
	if r.IntN(3) > 0 {
		r.create(i)
	}
}

// place moves a guest to a Network.
func (r *random) place(g *randomGuest, i int) {
	r.t.Helper()
	r.up()
	r.displace(g)
	guest, err := r.Plug(r.nic(located(i), g.name(), nil, g.address()))
	if err != nil {
		r.t.Fatal(err)
	}
	g.Guest, g.network = guest, i
	r.write(i)
}

func (r *random) displace(g *randomGuest) {
	r.t.Helper()
	if g.network < 0 {
		return
	}
	from := g.network
	g.network = -1
	r.write(from) // It may have been its first guest.
	if err := r.NetworkInterfaces(team(from)).Delete(r.t.Context(), g.name(), metav1.DeleteOptions{}); err != nil {
		r.t.Fatal(err)
	}
	if err := g.Unplug(); err != nil {
		r.t.Fatal(err)
	}
}

// readdress gives a guest another address.
func (r *random) readdress(g *randomGuest) {
	r.t.Helper()
	if g.network < 0 {
		return
	}
	r.up()
	g.host = 1 + r.IntN(250)
	patch := fmt.Appendf(nil, `{"spec":{"ips":[{"value":%q}]}}`, g.address())
	nics := r.NetworkInterfaces(team(g.network))
	if _, err := nics.Patch(r.t.Context(), g.name(), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		r.t.Fatal(err)
	}
	if err := g.Configure(r.available(team(g.network), g.name(), g.address())); err != nil {
		r.t.Fatal(err)
	}
}

// kill ends a daemon, which stays away until something needs it, or the server, which is back at once.
func (r *random) kill() {
	r.t.Helper()
	r.up()
	name := []string{"", lab.NB, lab.SB, lab.Northd, lab.Controller}[r.IntN(5)]
	if name == "" {
		r.server.Kill()
		r.server.start(r.t)
		r.NetworkingV1alpha1Interface = r.server.client(r.t)
		return
	}
	daemon := r.killing(name)
	daemon.down()
	r.up = func() {
		r.up = func() {}
		daemon.up()
	}
}

// exposed tells whether a guest is among what its Network exposes to another.
func (r *random) exposed(g *randomGuest, to int) bool {
	switch r.exposes[g.network][to] {
	case everything:
		return true
	case oneGuest:
		return g == r.first(g.network)
	}
	return false
}

func (r *random) rule(from, to *randomGuest) bool {
	return from.network == to.network || r.exposed(from, to.network) && r.exposed(to, from.network)
}

// settled waits until the phases and the pings are as the rule says.
func (r *random) settled() {
	r.t.Helper()
	eventually(r.t, "the phases are the rule's", func() (bool, string) {
		var wrong []string
		for i := range r.exists {
			if !r.exists[i] {
				continue
			}
			network, err := r.Networks(team(i)).Get(r.t.Context(), nameOf(i), metav1.GetOptions{})
			if err != nil {
				return false, err.Error()
			}
			phases := make(map[string]v1alpha1.NetworkPeeringPhase)
			for _, item := range network.Status.Peerings {
				phases[item.Name] = item.Phase
			}
			for j := range r.exists {
				want := v1alpha1.NetworkPeeringPhase("")
				switch {
				case r.exposes[i][j] == unpeered:
				case r.exists[j] && r.exposes[j][i] != unpeered:
					want = v1alpha1.NetworkPeeringPhaseBound
				default:
					want = v1alpha1.NetworkPeeringPhasePending
				}
				if got := phases[to(located(j)).Name]; got != want {
					wrong = append(wrong, fmt.Sprintf("%d to %d is %q, want %q", i, j, got, want))
				}
			}
		}
		return len(wrong) == 0, strings.Join(wrong, ", ")
	})
	eventually(r.t, "the matrix of pings is the rule's", func() (bool, string) {
		var mu sync.Mutex
		var wrong []string
		var pings errgroup.Group
		pings.SetLimit(4)
		for _, from := range r.guests {
			for _, to := range r.guests {
				if from == to || from.network < 0 || to.network < 0 {
					continue
				}
				pings.Go(func() error {
					if want := r.rule(from, to); from.Ping(r.t.Context(), to.address(), answer) != want {
						mu.Lock()
						defer mu.Unlock()
						wrong = append(wrong, fmt.Sprintf("%s to %s should be %v", from.name(), to.name(), want))
					}
					return nil
				})
			}
		}
		_ = pings.Wait() // None has an error.
		return len(wrong) == 0, strings.Join(wrong, ", ")
	})
}
