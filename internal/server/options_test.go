// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// completed returns the options after a change, as the command completes them. The change comes in place of the flags:
// these tie the options to the feature gates of the process, once for all.
func completed(t *testing.T, change func(*Options), given ...string) *Options {
	t.Helper()
	o := NewOptions()
	change(o)
	if err := o.Complete(func(flag string) bool { return slices.Contains(given, flag) }); err != nil {
		t.Fatal(err)
	}
	return o
}

// hosted are the options of a server of a host cluster, with etcd servers outside.
func hosted(o *Options) {
	o.Recommended.Etcd.StorageConfig.Transport.ServerList = []string{"https://etcd:2379"}
}

// alone are those of a server on its own.
func alone(o *Options) { o.Standalone, o.DataDir = true, "data" }

func TestComplete(t *testing.T) {
	type choices struct {
		BindAddress, NetworkProvider, Authentication, Authorization string
		Compaction                                                  time.Duration
	}
	for sentence, tc := range map[string]struct {
		change func(*Options)
		given  []string // flags
		want   choices
	}{
		"a server of a host cluster listens to everybody and has its provider outside": {
			change: hosted,
			want:   choices{BindAddress: "0.0.0.0", NetworkProvider: "external", Compaction: 5 * time.Minute},
		},
		"a server on its own listens to its machine and numbers Networks itself": {
			change: alone,
			want:   choices{BindAddress: "127.0.0.1", NetworkProvider: "local", Compaction: 30 * time.Second},
		},
		"a server on its own listens where it is told, be it to everybody": {
			change: func(o *Options) {
				alone(o)
				o.Recommended.SecureServing.BindAddress = net.IPv4zero
			},
			given: []string{"bind-address"},
			want:  choices{BindAddress: "0.0.0.0", NetworkProvider: "local", Compaction: 30 * time.Second},
		},
		"the history of an embedded etcd may be kept for longer": {
			change: func(o *Options) {
				alone(o)
				o.Recommended.Etcd.StorageConfig.CompactionInterval = time.Hour
			},
			given: []string{"etcd-compaction-interval"},
			want:  choices{BindAddress: "127.0.0.1", NetworkProvider: "local", Compaction: time.Hour},
		},
		"a provider may be chosen in either mode": {
			change: func(o *Options) {
				alone(o)
				o.NetworkProvider = "external"
			},
			want: choices{BindAddress: "127.0.0.1", NetworkProvider: "external", Compaction: 30 * time.Second},
		},
		"one kubeconfig does for all that the host cluster is asked": {
			change: func(o *Options) {
				hosted(o)
				o.Recommended.CoreAPI.CoreAPIKubeconfigPath = "host"
			},
			want: choices{
				BindAddress: "0.0.0.0", NetworkProvider: "external", Authentication: "host", Authorization: "host",
				Compaction: 5 * time.Minute,
			},
		},
		"another kubeconfig may be chosen for some of it": {
			change: func(o *Options) {
				hosted(o)
				o.Recommended.CoreAPI.CoreAPIKubeconfigPath = "host"
				o.Recommended.Authorization.RemoteKubeConfigFile = "other"
			},
			want: choices{
				BindAddress: "0.0.0.0", NetworkProvider: "external", Authentication: "host", Authorization: "other",
				Compaction: 5 * time.Minute,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			o := completed(t, tc.change, tc.given...)
			got := choices{
				BindAddress:     o.Recommended.SecureServing.BindAddress.String(),
				NetworkProvider: o.NetworkProvider,
				Authentication:  o.Recommended.Authentication.RemoteKubeConfigFile,
				Authorization:   o.Recommended.Authorization.RemoteKubeConfigFile,
				Compaction:      o.Recommended.Etcd.StorageConfig.CompactionInterval,
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if errs := o.Validate(); len(errs) > 0 {
				t.Errorf("the options are refused: %v", errs)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for sentence, tc := range map[string]struct {
		change func(*Options)
		want   []string
	}{
		"a server of a host cluster with etcd servers outside": {change: hosted},
		"a server of a host cluster with an embedded etcd":     {change: func(o *Options) { o.DataDir = "data" }},
		"a server on its own":                                  {change: alone},
		"a server on its own with etcd servers outside": {
			change: func(o *Options) {
				alone(o)
				hosted(o)
			},
		},
		"nothing says where to store": {
			change: func(*Options) {},
			want: []string{"no storage: give --etcd-servers, or --data-dir for an embedded etcd, or " +
				"--standalone with --data-dir to try the server without a cluster"},
		},
		"a server on its own has nowhere to keep its certificates": {
			change: func(o *Options) { o.Standalone = true },
			want:   []string{"--standalone needs --data-dir, a directory to keep its state in"},
		},
		"an etcd server that is no URL": {
			change: func(o *Options) {
				alone(o)
				o.Recommended.Etcd.StorageConfig.Transport.ServerList = []string{"foo", "https://etcd:2379", "etcd:2379", "unix:///run/etcd.sock"}
			},
			want: []string{
				`--etcd-servers: "foo" is not the URL of a server: give https://<host>:2379`,
				`--etcd-servers: "etcd:2379" is not the URL of a server: give https://<host>:2379`,
			},
		},
		"a server on its own has to say where it can be reached": {
			change: func(o *Options) {
				alone(o)
				o.Recommended.SecureServing.BindPort = 0
			},
			want: []string{"--secure-port must not be 0: the server has no other port"},
		},
		"mistakes of all parts are told at once": {
			change: func(o *Options) {
				o.Standalone = true
				o.NetworkProvider = "cloud"
				o.Recommended.SecureServing.BindPort = 70000
				o.Controllers.Controllers = []string{"routing"}
			},
			want: []string{
				"--standalone needs --data-dir, a directory to keep its state in",
				`--network-provider: "cloud" is not a provider; there are local, external, ironcore-net, ovn`,
				"--secure-port 70000 must be between 1 and 65535, inclusive. It cannot be turned off with 0",
				`--controllers: "routing" is not a controller; there are address, load-balancer, machine, membership, network, network-interface, peering, prefix, release, virtual-ip`,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got []string
			for _, err := range completed(t, tc.change).Validate() {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
