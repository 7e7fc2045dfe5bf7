// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
)

func TestOptions(t *testing.T) {
	for sentence, tc := range map[string]struct {
		args        []string
		wantEnabled []string
		wantErrors  []string // in alphabetical order
	}{
		"all controllers run by default": {
			wantEnabled: []string{"address", "load-balancer", "machine", "membership", "network", "network-interface", "peering", "prefix", "release", "virtual-ip"},
		},
		"a name enables one": {
			args:        []string{"--controllers=peering"},
			wantEnabled: []string{"peering"},
		},
		"a minus takes one away from all": {
			args:        []string{"--controllers=*,-release"},
			wantEnabled: []string{"address", "load-balancer", "machine", "membership", "network", "network-interface", "peering", "prefix", "virtual-ip"},
		},
		"a minus wins over the name, wherever it stands": {
			args:        []string{"--controllers=-network,network,peering"},
			wantEnabled: []string{"peering"},
		},
		"an empty list runs none": {
			args: []string{"--controllers="},
		},
		"mistakes are all named": {
			args: []string{"--controllers=peering,routing,-switching", "--concurrent-network-syncs=0",
				"--concurrent-peering-syncs=-1", "--concurrent-release-syncs=0"},
			wantEnabled: []string{"peering"},
			wantErrors: []string{
				"--concurrent-network-syncs: must be at least 1, not 0",
				"--concurrent-peering-syncs: must be at least 1, not -1",
				"--concurrent-release-syncs: must be at least 1, not 0",
				`--controllers: "-switching" is not a controller; there are address, load-balancer, machine, membership, network, network-interface, peering, prefix, release, virtual-ip`,
				`--controllers: "routing" is not a controller; there are address, load-balancer, machine, membership, network, network-interface, peering, prefix, release, virtual-ip`,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			o := NewOptions()
			flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
			o.AddFlags(flags)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			var enabled, errs []string
			for _, name := range controllerNames {
				if o.Enabled(name) {
					enabled = append(enabled, name)
				}
			}
			for _, err := range o.Validate() {
				errs = append(errs, err.Error())
			}
			slices.Sort(errs)
			if diff := cmp.Diff(tc.wantEnabled, enabled); diff != "" {
				t.Errorf("enabled (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantErrors, errs, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefuseIdle(t *testing.T) {
	idle := map[string]string{"machine": "with --standalone"}
	for sentence, tc := range map[string]struct {
		args []string
		want []string
	}{
		"what runs may be chosen and tuned": {args: []string{"--controllers=peering", "--concurrent-peering-syncs=3"}},
		"all are those that can run":        {args: []string{"--controllers=*"}},
		"one that can't run may be left out": {
			args: []string{"--controllers=*,-machine"},
		},
		"one that can't run is not chosen": {
			args: []string{"--controllers=*,machine"},
			want: []string{"--controllers: machine has no effect with --standalone: leave it out"},
		},
		"one that can't run is not tuned": {
			args: []string{"--concurrent-machine-syncs=3"},
			want: []string{"--concurrent-machine-syncs has no effect with --standalone"},
		},
		"one that is left out is not tuned": {
			args: []string{"--controllers=*,-release", "--concurrent-release-syncs=3"},
			want: []string{"--concurrent-release-syncs has no effect with --controllers=*,-release, which leaves release out"},
		},
		"nor is one that is not chosen": {
			args: []string{"--controllers=peering", "--concurrent-release-syncs=3"},
			want: []string{"--concurrent-release-syncs has no effect with --controllers=peering, which leaves release out"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			o := NewOptions()
			flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
			o.AddFlags(flags)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, err := range o.RefuseIdle(idle, flags.Changed) {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
