// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/ovn"
	"ironcore.dev/networking/internal/provider/providertest"
	"ironcore.dev/networking/test/ovn/lab"
)

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Infrastructure {
		return &infrastructure{newLab(t, lab.NB)}
	})
}

// TestChangesAtTheSameTimeAreOneTransaction realizes many Networks at once, one of which can't be: somebody else has its router.
func TestChangesAtTheSameTimeAreOneTransaction(t *testing.T) {
	i := &infrastructure{newLab(t, lab.NB)}
	p := i.NewProvider(t)
	go func() { _ = p.Run(t.Context(), func(types.NamespacedName, types.UID) {}) }() // It ends with the test.
	const networks, taken = 40, 7
	uid := func(n int) types.UID { return types.UID(fmt.Sprintf("5b1d3c4e-0000-4000-8000-%012d", n)) }
	if _, err := i.NBCtl("lr-add", "network-"+string(uid(taken))); err != nil {
		t.Fatal(err)
	}
	errs := make([]error, networks)
	var working sync.WaitGroup
	for n := range networks {
		working.Go(func() {
			_, errs[n] = p.Realize(t.Context(), &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
				Namespace: "a", Name: fmt.Sprint(n), UID: uid(n),
			}}, provider.Situation{})
		})
	}
	working.Wait()
	for n, err := range errs {
		if (err != nil) != (n == taken) {
			t.Errorf("Network %d: %v", n, err)
		}
	}
	transactions, err := i.NBCtl("get", "nb_global", ".", "nb_cfg")
	if err != nil {
		t.Fatal(err)
	}
	if count, err := strconv.Atoi(transactions); err != nil || count > networks/2 {
		t.Errorf("%d Networks took %s transactions (%v)", networks, transactions, err)
	}
	if routers, err := i.NBCtl("lr-list"); err != nil || strings.Count(routers, "(network-") != networks {
		t.Errorf("there are these routers (%v): %s", err, routers)
	}
}

// infrastructure is a real north-bound database.
type infrastructure struct{ *lab.Lab }

func (i *infrastructure) NewProvider(t *testing.T) provider.Provider {
	options := ovn.NewOptions()
	options.NB = []string{i.NBAddress()}
	p, err := ovn.New(options, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (i *infrastructure) ID(_ *testing.T, providerID string) string {
	return strings.TrimPrefix(providerID, "ovn://")
}

// Contents returns all rows of the tables, by the UID that one of their columns has.
func (i *infrastructure) Contents(t *testing.T) map[types.UID]string {
	t.Helper()
	contents := make(map[types.UID]string)
	for _, table := range []string{"logical_router", "logical_switch", "logical_router_port", "logical_switch_port",
		"logical_router_static_route", "logical_router_policy", "static_mac_binding", "acl", "port_group", "address_set"} {
		output, err := i.NBCtl("--format=csv", "--data=bare", "--no-headings", "list", table)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(output, "\n")
		slices.Sort(lines)
		for _, line := range lines {
			if _, after, ok := strings.Cut(line, "network-uid="); ok {
				contents[types.UID(after[:36])] += fmt.Sprintf("%s: %s\n", table, line)
			}
		}
	}
	return contents
}

func (i *infrastructure) SetAway(t *testing.T, away bool) {
	t.Helper()
	if away {
		i.Kill(lab.NB)
		return
	}
	if err := i.StartDaemon(lab.NB); err != nil {
		t.Fatal(err)
	}
}
