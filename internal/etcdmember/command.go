// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package etcdmember is the command network-etcd: it prepares members of the etcd cluster, renews its certificates and makes backups.
package etcdmember

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// NewCommand returns the command network-etcd.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "network-etcd",
		Short:         "Prepares members, renews certificates and makes backups of network-apiserver's etcd cluster",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.AddCommand(newPrepareCommand(), newBackupCommand(), newCertificatesCommand(), newProbeCommand())
	return cmd
}

func newPrepareCommand() *cobra.Command {
	p := preparation{Period: 5 * time.Second}
	cmd := &cobra.Command{
		Use:   "prepare",
		Short: "Writes the configuration of a member, once it may start",
		Long: `Writes the configuration of a member, once it may start: in an init container, before etcd.

A member that has lost its data would start a cluster of its own. This command waits, and says what to do, until that
member was removed from the cluster and added again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.Out = cmd.ErrOrStderr()
			return p.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&p.Name, "name", p.Name, "Name of the member. It stands for $(NAME) in --config.")
	flags.StringVar(&p.Config, "config", p.Config, "Configuration file of etcd, but for initial-cluster-state.")
	flags.StringVar(&p.Output, "output", p.Output, "Configuration file to write.")
	p.Client.addFlags(flags)
	return cmd
}

func newBackupCommand() *cobra.Command {
	b := backup{Keep: 14, Now: time.Now}
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Saves a snapshot of etcd as a file, and deletes the oldest files",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Out = cmd.OutOrStdout()
			return b.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&b.Dir, "dir", b.Dir, "Directory of the backups.")
	flags.IntVar(&b.Keep, "keep", b.Keep, "How many of the newest backups stay. At least 1.")
	b.Client.addFlags(flags)
	return cmd
}

func newCertificatesCommand() *cobra.Command {
	c := certificates{Step: stepRenew, Now: time.Now}
	var kubeconfig string
	cmd := &cobra.Command{
		Use:   "certificates",
		Short: "Makes and renews the certificates of etcd, and rotates the authority that signs them",
		Long: `Makes and renews the certificates of etcd, and rotates the authority that signs them.

They are in the Secrets network-etcd-ca, network-etcd-tls and network-etcd-client-tls. To rotate the authority without
an outage, take the steps trust, sign and forget, and restart etcd and network-apiserver one Pod at a time after each.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rules := clientcmd.NewDefaultClientConfigLoadingRules()
			rules.ExplicitPath = kubeconfig
			config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
			if err != nil {
				return fmt.Errorf("--kubeconfig: %w", err)
			}
			if c.Client, err = kubernetes.NewForConfig(config); err != nil {
				return err
			}
			c.Out = cmd.OutOrStdout()
			return c.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kubeconfig, "kubeconfig", kubeconfig,
		"Kubeconfig of the cluster. By default what kubectl uses, and within a Pod its service account.")
	flags.StringVar(&c.Namespace, "namespace", c.Namespace, "Namespace of etcd.")
	flags.StringSliceVar(&c.Members, "members", c.Members, "Host names of the members, separated by commas. By default those "+
		"of the three members in the manifests.")
	flags.StringVar(&c.Step, "step", c.Step, "What to do: 'renew' makes missing Secrets, and new certificates by the same "+
		"authority; 'trust' adds a new authority to the trusted ones; 'sign' makes new certificates by it; 'forget' removes "+
		"the old authority.")
	return cmd
}

func newProbeCommand() *cobra.Command {
	var url, caFile string
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Asks network-apiserver whether it is ready, as the chart's test does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return probe(cmd.Context(), url, caFile, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&url, "url", url, "URL to ask, as https://HOST/readyz.")
	cmd.Flags().StringVar(&caFile, "cacert", caFile, "File with the certificate authorities to trust.")
	return cmd
}

// client says how to reach etcd.
type client struct {
	Endpoints                 []string
	CAFile, CertFile, KeyFile string
}

func (c *client) addFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&c.Endpoints, "endpoints", c.Endpoints, "URLs of the members of etcd, separated by commas.")
	flags.StringVar(&c.CAFile, "cacert", c.CAFile, "File with the certificate authorities to trust.")
	flags.StringVar(&c.CertFile, "cert", c.CertFile, "File with the client certificate.")
	flags.StringVar(&c.KeyFile, "key", c.KeyFile, "File with the key of the client certificate.")
}

// config is that of a client of one member.
func (c *client) config(endpoint string) (clientv3.Config, error) {
	config := clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 3 * time.Second, Logger: zap.NewNop()}
	if c.CAFile == "" && c.CertFile == "" && c.KeyFile == "" {
		return config, nil
	}
	files := transport.TLSInfo{TrustedCAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile}
	tls, err := files.ClientConfig()
	if err != nil {
		return config, fmt.Errorf("reading --cacert, --cert and --key: %w", err)
	}
	config.TLS = tls
	return config, nil
}
