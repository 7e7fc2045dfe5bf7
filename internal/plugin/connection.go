// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"

	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

// connection has what every command needs: the flags of kubectl and the terminal.
type connection struct {
	flags   *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
}

// server is the API server that a command talks to.
type server struct {
	clientset.NetworkingV1alpha1Interface
	config *rest.Config
	// namespace that the command works in; empty for all.
	namespace string
}

// openNamed is open for a command that takes names of Networks: all are in one namespace.
func (c *connection) openNamed(allNamespaces bool, names []string) (*server, error) {
	if allNamespaces && len(names) > 0 {
		return nil, errors.New("names of Networks and --all-namespaces exclude each other")
	}
	for _, name := range names {
		namespace, rest, cut := strings.Cut(name, "/")
		switch {
		case cut && isName(namespace) && isName(rest):
			return nil, fmt.Errorf("%q is not a name: write %s -n %s", name, rest, namespace)
		case !isName(name):
			return nil, noNetworkCalled(name)
		}
	}
	return c.open(allNamespaces)
}

// open reads the kubeconfig; nothing is sent yet.
func (c *connection) open(allNamespaces bool) (*server, error) {
	loader := c.flags.ToRawKubeConfigLoader()
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, explainConfig(err)
	}
	if allNamespaces {
		namespace = metav1.NamespaceAll
	}
	// Without a kubeconfig, the library would use localhost:8080.
	if raw, err := loader.RawConfig(); err == nil && len(raw.Clusters) == 0 && *c.flags.APIServer == "" && !inCluster() {
		return nil, explainConfig(clientcmd.ErrEmptyConfig)
	}
	config, err := c.flags.ToRESTConfig()
	if err != nil {
		return nil, explainConfig(err)
	}
	config.UserAgent = "kubectl-network/" + version.Get().GitVersion
	config.QPS, config.Burst = 50, 300 // as kubectl
	config.WarningHandler = rest.NewWarningWriter(c.streams.ErrOut, rest.WarningWriterOptions{Deduplicate: true})
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return nil, explainConfig(err)
	}
	return &server{NetworkingV1alpha1Interface: client, config: config, namespace: namespace}, nil
}

// inCluster tells whether this runs in a Pod: without a kubeconfig, its service account is used.
func inCluster() bool {
	_, err := rest.InClusterConfig()
	return err == nil
}

// explain turns an error of the server into one line with the fix.
func (s *server) explain(err error) error { return explain(err, s.config.Host, s.namespace) }

// networks are those of the namespace.
func (s *server) networks() clientset.NetworkInterface { return s.Networks(s.namespace) }

func addAllNamespacesFlag(flags *pflag.FlagSet, all *bool) {
	flags.BoolVarP(all, "all-namespaces", "A", false, "Look in all namespaces; --namespace is ignored.")
}

// dryRun is the value of --dry-run.
type dryRun string

const (
	dryRunNone   dryRun = "none"
	dryRunClient dryRun = "client"
	dryRunServer dryRun = "server"
)

func addDryRunFlag(cmd *cobra.Command, d *dryRun) {
	*d = dryRunNone
	flags := cmd.Flags()
	flags.Var(d, "dry-run", `"client" only prints the change, "server" has the server try it without storing it, "none" makes it.`)
	flags.Lookup("dry-run").NoOptDefVal = string(dryRunClient)
	completeFlag(cmd, "dry-run", string(dryRunNone), string(dryRunClient), string(dryRunServer))
}

func (d *dryRun) String() string { return string(*d) }

// Type is the name of the value in the help.
func (d *dryRun) Type() string { return "string" }

// Set reads the value.
func (d *dryRun) Set(text string) error {
	switch dryRun(text) {
	case dryRunNone, dryRunClient, dryRunServer:
		*d = dryRun(text)
		return nil
	}
	return errors.New("must be none, client or server")
}

// note is what kubectl adds to the line about an object.
func (d *dryRun) note() string {
	switch *d {
	case dryRunClient:
		return " (dry run)"
	case dryRunServer:
		return " (server dry run)"
	}
	return ""
}
