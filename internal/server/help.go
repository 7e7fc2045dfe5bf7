// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"slices"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
)

// help is what --help prints: the server's own flags and those that most installations need.
const help = `network-apiserver serves the API group networking.ironcore.dev
and runs its controllers.

Usage:
  network-apiserver --standalone --data-dir=DIR     on its own
  network-apiserver --etcd-servers=URL,... [flags]  behind a Kubernetes cluster
  network-apiserver compare OLD NEW                 in what two servers differ

Storage:
  --data-dir=DIR           the embedded etcd; with --standalone also
                           certificates and admin.kubeconfig
  --etcd-quota=BYTES       size of the embedded etcd's database: default 8Gi
  --etcd-servers=URL,...   an etcd outside, in place of the embedded one
  --etcd-cafile=FILE, --etcd-certfile=FILE, --etcd-keyfile=FILE
  --etcd-prefix=PATH       default /registry
Networks:
  --network-provider=NAME  local, external, ironcore-net or ovn
                           (default: local with --standalone, else external)
  --local-vni-range=FIRST-LAST             local: default 1-16777215
  --local-virtual-ip-range=RANGE,...       default 203.0.113.0/24,2001:db8::/32
  --ironcore-net-kubeconfig=FILE           ironcore-net: its API server
  --ironcore-net-namespace=NAME            and the namespace there
  --ovn-nb=ADDRESS,...                     ovn: its north-bound database
  --ovn-nb-cafile=FILE, --ovn-nb-certfile=FILE, --ovn-nb-keyfile=FILE
  --ovn-mtu=BYTES                          default 1442
Controllers:
  --controllers=NAME,...   '*' runs all (default), '-NAME' leaves one out
  --concurrent-NAME-syncs=N  objects that a controller works on at the same time
  --leader-elect=false     no election: for one replica only
Serving:
  --bind-address=IP        default: 127.0.0.1 with --standalone, else 0.0.0.0
  --secure-port=PORT       default 6443
  --tls-cert-file=FILE, --tls-private-key-file=FILE
  --serving-cert-secret=NAMESPACE/NAME     or a certificate of its own making
  --serving-cert-dns-names=NAME,...        for these names
  --serving-cert-apiservice=NAME           whose authority this APIService gets
Other:
  --kubeconfig=FILE        the host cluster (default: the one of the Pod)
  --audit-policy-file=FILE, --audit-log-path=FILE
  --encryption-provider-config=FILE
  --logging-format=FORMAT  text (default) or json
  -v N, --v=N              how much is logged (default 0)
  --version
  --help-all               every flag, in full
`

// withoutEffect are flags of the libraries that change nothing in this server: all of its objects are of one group in one
// version, none has a lease, and nobody polls the size of the database.
var withoutEffect = []string{
	"etcd-servers-overrides", "lease-reuse-duration-seconds", "etcd-db-metric-poll-interval",
	"emulation-forward-compatible", "runtime-config-emulation-forward-compatible",
}

// usages replace what the libraries say of a flag where this server does something else.
var usages = map[string]string{
	"bind-address": "IP address to listen on. 0.0.0.0 and :: are all addresses of the machine. Default 127.0.0.1 with " +
		"--standalone.",
	"secure-port": "Port to serve HTTPS on.",
	"tls-cert-file": "File with the certificate for HTTPS, followed by those of its authorities. Without it and " +
		"--serving-cert-secret, the server signs one for itself: with --standalone by an authority in --data-dir, else in " +
		"--cert-dir.",
	"etcd-servers":  "URLs of the etcd to use in place of the embedded one, comma separated: https://host:2379.",
	"etcd-cafile":   "File with the certificates of the authorities that sign those of --etcd-servers.",
	"etcd-certfile": "File with the certificate that the server shows to --etcd-servers.",
	"etcd-keyfile":  "File with the key of --etcd-certfile.",
	"etcd-compaction-interval": "How often old versions are removed from etcd; 0 leaves that to others. Default 30s for the " +
		"embedded etcd.",
	"watch-cache-sizes": "<resource>.networking.ironcore.dev#0 turns the watch cache of the resource off; several are separated by " +
		"commas. Any other number has no effect.",
	"advertise-address": "IP address that /apis names in serverAddressByClientCIDRs, unless --external-hostname is given. Nothing else " +
		"depends on it.",
	"external-hostname": "Host that /apis names in serverAddressByClientCIDRs. Nothing else depends on it.",
	"kubeconfig":        "Kubeconfig file of the host cluster. Default: the cluster that the Pod runs in.",
	"enable-garbage-collector": "Leave deletions in the foreground and deletions that orphan dependents to the garbage " +
		"collector of the host cluster. Always false with --standalone.",
	"enable-priority-and-fairness": "Queue requests by the FlowSchemas and PriorityLevelConfigurations of the host cluster. Always " +
		"false with --standalone.",
}

// effective returns the flags that have an effect, with the usage that is true of this server.
func effective(sections cliflag.NamedFlagSets) cliflag.NamedFlagSets {
	var effective cliflag.NamedFlagSets
	for _, name := range sections.Order {
		set := effective.FlagSet(name)
		sections.FlagSets[name].VisitAll(func(flag *pflag.Flag) {
			if slices.Contains(withoutEffect, flag.Name) {
				return
			}
			if usage, ok := usages[flag.Name]; ok {
				flag.Usage = usage
			}
			set.AddFlag(flag)
		})
	}
	return effective
}

// defaultsAsCompleted has --help-all print the defaults of the mode that other flags choose.
func defaultsAsCompleted(flags *pflag.FlagSet) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed {
			flag.DefValue = flag.Value.String()
		}
	})
}
