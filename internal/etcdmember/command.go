// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package etcdmember is the command network-etcd, which looks after the etcd cluster of the manifests.
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
		Short:         "Looks after the etcd cluster of network-apiserver",
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
		Short: "Writes the configuration of a member, once the cluster expects it",
		Long: `Writes the configuration of a member, once the cluster expects it: before etcd starts, in an init container.

A member without data that has been a member before would start a cluster of its own. It waits here, and says what to
do, until it was removed and added again.`,
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
	flags.StringVar(&c.Step, "step", c.Step, "What to do: 'renew' makes what is missing, and new certificates by the same "+
		"authority; 'trust' has a new authority trusted beside the old one; 'sign' has it sign; 'forget' ends the trust in "+
		"the old one.")
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
	Endpoints             []string
	CAFile, CertFile, Key string
}

func (c *client) addFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&c.Endpoints, "endpoints", c.Endpoints, "URLs of the members of etcd, separated by commas.")
	flags.StringVar(&c.CAFile, "cacert", c.CAFile, "File with the certificate authorities to trust.")
	flags.StringVar(&c.CertFile, "cert", c.CertFile, "File with the client certificate.")
	flags.StringVar(&c.Key, "key", c.Key, "File with the key of the client certificate.")
}

// config is that of a client of one member.
func (c *client) config(endpoint string) (clientv3.Config, error) {
	config := clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 3 * time.Second, Logger: zap.NewNop()}
	if c.CAFile == "" && c.CertFile == "" && c.Key == "" {
		return config, nil
	}
	files := transport.TLSInfo{TrustedCAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.Key}
	tls, err := files.ClientConfig()
	if err != nil {
		return config, fmt.Errorf("reading --cacert, --cert and --key: %w", err)
	}
	config.TLS = tls
	return config, nil
}
