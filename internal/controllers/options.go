// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/sets"

	"ironcore.dev/networking/internal/controllers/network"
	"ironcore.dev/networking/internal/controllers/peering"
	"ironcore.dev/networking/internal/controllers/release"
)

// known lists the controllers that --controllers may name.
var known = []string{network.Name, peering.Name, release.Name}

// Options choose which controllers run and how many Networks each works on at a time.
type Options struct {
	// Controllers to run: "*" for all, a name to enable one, "-" before a name to disable it.
	Controllers []string
	// LeaderElect makes replicas elect the one that runs the controllers.
	LeaderElect bool
	// ConcurrentNetworkSyncs, ConcurrentPeeringSyncs and ConcurrentReleaseSyncs are numbers of workers.
	ConcurrentNetworkSyncs, ConcurrentPeeringSyncs, ConcurrentReleaseSyncs int
}

// NewOptions returns the defaults: all controllers, elected.
func NewOptions() *Options {
	return &Options{
		Controllers:            []string{"*"},
		LeaderElect:            true,
		ConcurrentNetworkSyncs: 8,
		ConcurrentPeeringSyncs: 8,
		ConcurrentReleaseSyncs: 2,
	}
}

// AddFlags adds the flags of the controllers.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.Controllers, "controllers", o.Controllers,
		"Controllers to run: '*' runs all, 'foo' runs foo, '-foo' does not run foo. The controllers are: "+
			strings.Join(known, ", ")+".")
	fs.BoolVar(&o.LeaderElect, "leader-elect", o.LeaderElect,
		"Elect, through etcd, the one among the replicas that runs the controllers. Without it every replica does, "+
			"which is safe for one replica only.")
	fs.IntVar(&o.ConcurrentNetworkSyncs, "concurrent-network-syncs", o.ConcurrentNetworkSyncs,
		"How many Networks the network controller works on at the same time.")
	fs.IntVar(&o.ConcurrentPeeringSyncs, "concurrent-peering-syncs", o.ConcurrentPeeringSyncs,
		"How many Networks the peering controller works on at the same time.")
	fs.IntVar(&o.ConcurrentReleaseSyncs, "concurrent-release-syncs", o.ConcurrentReleaseSyncs,
		"How many Networks the release controller works on at the same time.")
}

// Validate returns every mistake in the options.
func (o *Options) Validate() []error {
	var errs []error
	for _, name := range o.Controllers {
		if name != "*" && !slices.Contains(known, strings.TrimPrefix(name, "-")) {
			errs = append(errs, fmt.Errorf("--controllers: %q is not a controller; there are %s", name, strings.Join(known, ", ")))
		}
	}
	for _, syncs := range []struct {
		flag    string
		workers int
	}{
		{"concurrent-network-syncs", o.ConcurrentNetworkSyncs},
		{"concurrent-peering-syncs", o.ConcurrentPeeringSyncs},
		{"concurrent-release-syncs", o.ConcurrentReleaseSyncs},
	} {
		if syncs.workers < 1 {
			errs = append(errs, fmt.Errorf("--%s: must be at least 1, not %d", syncs.flag, syncs.workers))
		}
	}
	return errs
}

// enabled tells whether a controller is to run.
func (o *Options) enabled(name string) bool {
	chosen := sets.New(o.Controllers...)
	return !chosen.Has("-"+name) && (chosen.Has(name) || chosen.Has("*"))
}
