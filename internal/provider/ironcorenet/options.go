// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Options say where the ironcore-net API server is.
type Options struct {
	// Kubeconfig is a file with the server's address and credentials.
	Kubeconfig string
	// Namespace there holds the Networks.
	Namespace string
}

// AddFlags adds the flags of the provider.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Kubeconfig, "ironcore-net-kubeconfig", o.Kubeconfig,
		"Kubeconfig of the ironcore-net API server in which --network-provider=ironcore-net realizes the Networks.")
	fs.StringVar(&o.Namespace, "ironcore-net-namespace", o.Namespace,
		"Namespace in the ironcore-net API server for the Networks. Several servers may share it.")
}

// Validate returns every mistake in the options, given whether the provider is chosen.
func (o *Options) Validate(chosen bool) []error {
	var errs []error
	if !chosen {
		for flag, value := range map[string]string{
			"ironcore-net-kubeconfig": o.Kubeconfig, "ironcore-net-namespace": o.Namespace,
		} {
			if value != "" {
				errs = append(errs, fmt.Errorf("--%s has no effect without --network-provider=ironcore-net", flag))
			}
		}
		return errs
	}
	if o.Kubeconfig == "" {
		errs = append(errs, fmt.Errorf("--network-provider=ironcore-net needs --ironcore-net-kubeconfig"))
	} else if _, err := o.config(); err != nil {
		errs = append(errs, err)
	}
	if o.Namespace == "" {
		errs = append(errs, fmt.Errorf("--network-provider=ironcore-net needs --ironcore-net-namespace"))
	} else if faults := validation.IsDNS1123Label(o.Namespace); len(faults) > 0 {
		errs = append(errs, fmt.Errorf("--ironcore-net-namespace: %q is not a namespace: %s", o.Namespace, faults[0]))
	}
	return errs
}

// config is for clients of the ironcore-net API server. The controller's workers limit their rate.
func (o *Options) config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("--ironcore-net-kubeconfig: %w", err)
	}
	config.UserAgent = fieldManager
	config.QPS = -1
	return config, nil
}
