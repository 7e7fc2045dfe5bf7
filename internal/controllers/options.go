// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/sets"

	"ironcore.dev/networking/internal/controllers/address"
	"ironcore.dev/networking/internal/controllers/loadbalancer"
	"ironcore.dev/networking/internal/controllers/machine"
	"ironcore.dev/networking/internal/controllers/membership"
	"ironcore.dev/networking/internal/controllers/network"
	"ironcore.dev/networking/internal/controllers/networkinterface"
	"ironcore.dev/networking/internal/controllers/peering"
	"ironcore.dev/networking/internal/controllers/prefix"
	"ironcore.dev/networking/internal/controllers/virtualip"
)

// controllerNames are the names that --controllers may have.
var controllerNames = []string{
	address.Name, loadbalancer.Name, machine.Name, membership.Name, network.Name, networkinterface.Name, peering.Name,
	prefix.Name, peering.ReleaseName, virtualip.Name,
}

// Options choose which controllers run and how many objects each works on at a time.
type Options struct {
	// Controllers to run: "*" for all, a name to enable one, "-" before a name to disable it.
	Controllers []string
	// LeaderElect makes replicas elect the one that runs the controllers.
	LeaderElect bool
	// ConcurrentSyncs are numbers of workers, by the name of the controller.
	ConcurrentSyncs map[string]*int
}

// NewOptions returns the defaults: all controllers, elected.
func NewOptions() *Options {
	return &Options{
		Controllers: []string{"*"},
		LeaderElect: true,
		ConcurrentSyncs: map[string]*int{
			address.Name:          new(2),
			loadbalancer.Name:     new(2),
			machine.Name:          new(2),
			membership.Name:       new(2),
			network.Name:          new(8),
			networkinterface.Name: new(8),
			peering.Name:          new(8),
			prefix.Name:           new(2),
			peering.ReleaseName:   new(2),
			virtualip.Name:        new(2),
		},
	}
}

// AddFlags adds the flags of the controllers.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.Controllers, "controllers", o.Controllers,
		"Controllers to run: '*' runs all, 'foo' runs foo, '-foo' does not run foo. The controllers are: "+
			strings.Join(controllerNames, ", ")+".")
	fs.BoolVar(&o.LeaderElect, "leader-elect", o.LeaderElect,
		"Elect, through etcd, the replica that runs the controllers. If false, every replica runs them: only with one "+
			"replica is this safe.")
	for _, name := range controllerNames {
		workers := o.ConcurrentSyncs[name]
		fs.IntVar(workers, concurrentSyncs(name), *workers,
			fmt.Sprintf("How many objects the %s controller works on at the same time.", name))
	}
}

// concurrentSyncs is the flag that says how many workers a controller has.
func concurrentSyncs(controller string) string { return "concurrent-" + controller + "-syncs" }

// Validate returns every mistake in the options.
func (o *Options) Validate() []error {
	var errs []error
	for _, name := range o.Controllers {
		if name != "*" && !slices.Contains(controllerNames, strings.TrimPrefix(name, "-")) {
			errs = append(errs, fmt.Errorf("--controllers: %q is not a controller; there are %s", name, strings.Join(controllerNames, ", ")))
		}
	}
	for _, name := range controllerNames {
		if workers := *o.ConcurrentSyncs[name]; workers < 1 {
			errs = append(errs, fmt.Errorf("--%s: must be at least 1, not %d", concurrentSyncs(name), workers))
		}
	}
	return errs
}

// RefuseIdle returns an error for each flag that chooses or tunes a controller that does not run. idle says, by its name, why a
// controller can't; given tells whether the user set a flag.
func (o *Options) RefuseIdle(idle map[string]string, given func(flag string) bool) []error {
	var errs []error
	for _, name := range controllerNames {
		why := idle[name]
		if why != "" && slices.Contains(o.Controllers, name) {
			errs = append(errs, fmt.Errorf("--controllers: %s has no effect %s: leave it out", name, why))
		}
		if why == "" && !o.Enabled(name) {
			why = fmt.Sprintf("with --controllers=%s, which leaves %s out", strings.Join(o.Controllers, ","), name)
		}
		if why != "" && given(concurrentSyncs(name)) {
			errs = append(errs, fmt.Errorf("--%s has no effect %s", concurrentSyncs(name), why))
		}
	}
	return errs
}

// Enabled tells whether a controller is to run.
func (o *Options) Enabled(name string) bool {
	chosen := sets.New(o.Controllers...)
	return !chosen.Has("-"+name) && (chosen.Has(name) || chosen.Has("*"))
}
