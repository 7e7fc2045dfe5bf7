// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// completionTimeout is the longest wait after Tab.
const completionTimeout = 3 * time.Second

type completion = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// complete asks the server for words. After an error it completes nothing: the shell would show the error as words.
func (c *connection) complete(words func(ctx context.Context, s *server, args []string) ([]string, error)) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		s, err := c.open(false)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found, err := words(ctx, s, args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNetworks completes up to limit names of Networks, or any number if limit is negative. The second of two is a peer, which
// may be in any namespace.
func (c *connection) completeNetworks(limit int) completion {
	return c.complete(func(ctx context.Context, s *server, args []string) (words []string, err error) {
		if limit == 2 && len(args) == 1 {
			list, err := s.Networks(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
			if err != nil { // A user who may not list all namespaces gets the own one.
				list, err = s.networks().List(ctx, metav1.ListOptions{})
			}
			if err != nil {
				return nil, err
			}
			for i := range list.Items {
				if other := rules.NameOf(&list.Items[i]); other != (types.NamespacedName{Namespace: s.namespace, Name: args[0]}) {
					words = append(words, other.String())
				}
			}
			return words, nil
		}
		if limit >= 0 && len(args) >= limit {
			return nil, nil
		}
		return s.networkNames(ctx)
	})
}

// completePeers completes a Network and then one of its peers.
func (c *connection) completePeers(peers func(*v1alpha1.Network) []string) completion {
	return c.completeOther(func(ctx context.Context, s *server, name string) ([]string, error) {
		network, err := s.networks().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return peers(network), nil
	})
}

// completeRequests completes a Network and then one that asks it.
func (c *connection) completeRequests() completion {
	return c.completeOther(func(ctx context.Context, s *server, name string) (words []string, err error) {
		answer, err := s.networks().GetPeeringRequests(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		for _, request := range answer.Requests {
			words = append(words, request.Namespace+"/"+request.Name)
		}
		return words, nil
	})
}

// completeOther completes a Network, and then one of the others that belong to it.
func (c *connection) completeOther(others func(ctx context.Context, s *server, name string) ([]string, error)) completion {
	return c.complete(func(ctx context.Context, s *server, args []string) ([]string, error) {
		switch len(args) {
		case 0:
			return s.networkNames(ctx)
		case 1:
			return others(ctx, s, args[0])
		}
		return nil, nil
	})
}

func (s *server) networkNames(ctx context.Context) (names []string, err error) {
	list, err := s.networks().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names, nil
}

// completeContexts completes --context from the kubeconfig.
func (c *connection) completeContexts(root *cobra.Command) {
	registerCompletion(root, "context", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		config, err := c.flags.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.Sorted(maps.Keys(config.Contexts)), cobra.ShellCompDirectiveNoFileComp
	})
}

// completeFlag completes a flag by fixed words.
func completeFlag(cmd *cobra.Command, flag string, words ...string) {
	registerCompletion(cmd, flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

func registerCompletion(cmd *cobra.Command, flag string, complete completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // there is no such flag
	}
}
