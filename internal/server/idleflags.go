// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"path"
	"slices"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"

	"ironcore.dev/networking/internal/controllers/address"
	"ironcore.dev/networking/internal/controllers/machine"
	"ironcore.dev/networking/internal/controllers/network"
	"ironcore.dev/networking/internal/controllers/networkinterface"
	"ironcore.dev/networking/internal/controllers/prefix"
	"ironcore.dev/networking/internal/provider/ovn"
)

// hostSections are the sections of flags that have no effect without a host cluster, and hostFlags those in other sections.
var (
	hostSections = []string{"authentication", "authorization", "admission", "host cluster", "egress selector"}
	hostFlags    = []string{"enable-garbage-collector", "enable-priority-and-fairness"}
)

// refuseHostFlags returns an error for each flag given with --standalone that would have no effect.
func (o *Options) refuseHostFlags(sections cliflag.NamedFlagSets) []error {
	if !o.Standalone {
		return nil
	}
	var errs []error
	for _, section := range sections.Order {
		sections.FlagSet(section).VisitAll(func(flag *pflag.Flag) {
			if flag.Changed && (slices.Contains(hostSections, section) || slices.Contains(hostFlags, flag.Name)) {
				errs = append(errs, fmt.Errorf("--%s has no effect with --standalone, which has no host cluster: "+
					"leave out one of them", flag.Name))
			}
		})
	}
	return errs
}

// refuseIdleFlags returns an error for each flag that has no effect because of what others say.
func (o *Options) refuseIdleFlags(given *pflag.FlagSet) []error {
	r := o.Recommended
	log, webhook := r.Audit.LogOptions.Path != "", r.Audit.WebhookOptions.ConfigFile != ""
	outside := len(r.Etcd.StorageConfig.Transport.ServerList) > 0
	var errs []error
	for _, idle := range []struct {
		flags string // a pattern
		when  bool
		why   string
	}{
		{"local-*", o.NetworkProvider != providerLocal, "without --network-provider=local"},
		{"data-dir", outside && !o.Standalone, "with --etcd-servers, which takes the place of the embedded etcd: leave out one of them"},
		{"etcd-quota", outside, "with --etcd-servers, which takes the place of the embedded etcd"},
		{"etcd-*file", !outside, "without --etcd-servers"},
		{"cert-dir", o.ServingCert.Enabled(), "with --serving-cert-secret, which brings the certificate"},
		{"audit-policy-file", !log && !webhook, "without --audit-log-path or --audit-webhook-config-file, which say where to record"},
		{"audit-log-*", !log, "without --audit-log-path"},
		{"audit-webhook-*", !webhook, "without --audit-webhook-config-file"},
		{"requestheader-*", r.Authentication.RequestHeader.ClientCAFile == "", "without --requestheader-client-ca-file"},
	} {
		given.Visit(func(flag *pflag.Flag) {
			if matched, _ := path.Match(idle.flags, flag.Name); matched && idle.when && flag.Value.String() != "" {
				errs = append(errs, fmt.Errorf("--%s has no effect %s", flag.Name, idle.why))
			}
		})
	}
	return append(errs, o.refuseIdleControllers(given.Changed)...)
}

// refuseIdleControllers returns an error for each flag of a controller that can't do anything here.
func (o *Options) refuseIdleControllers(given func(flag string) bool) []error {
	idle := map[string]string{}
	if o.NetworkProvider == providerExternal {
		idle[network.Name] = "with --network-provider=external, which leaves Networks to others"
	}
	if o.NetworkProvider != providerLocal {
		idle[address.Name] = "without --network-provider=local, which alone gives addresses"
	}
	if o.Standalone {
		idle[machine.Name] = "with --standalone, which has no host cluster"
		idle[prefix.Name] = idle[machine.Name]
	}
	errs := o.Controllers.RefuseIdle(idle, given)
	// The controller of Networks runs the provider, and this provider realizes a NetworkInterface once it runs.
	if o.NetworkProvider == ovn.Name && o.Controllers.Enabled(networkinterface.Name) && !o.Controllers.Enabled(network.Name) {
		errs = append(errs, fmt.Errorf("--controllers: %s needs %s with --network-provider=ovn: choose both or neither",
			networkinterface.Name, network.Name))
	}
	return errs
}
