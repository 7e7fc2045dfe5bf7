// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// peerFlags are those of the commands that name a peer.
type peerFlags struct {
	name     string
	prefixes []string
	dryRun   dryRun
	wait     bool
	timeout  time.Duration
}

func (f *peerFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "Name of the peering in your Network; without it, that of the other Network.")
	flags.StringArrayVar(&f.prefixes, "prefix", nil,
		"Range of your Network that the other may reach, as CIDR or NAME=CIDR; may be repeated. Without it, everything.")
	flags.BoolVar(&f.wait, "wait", false, "Wait until the peering is Bound.")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "How long --wait waits.")
	addDryRunFlag(cmd, &f.dryRun)
}

// options reads the flags and the name of the other Network.
func (f *peerFlags) options(flags *pflag.FlagSet, own, target string) (options peerOptions, err error) {
	switch {
	case f.wait && f.dryRun != dryRunNone:
		return peerOptions{}, errors.New("--wait and --dry-run exclude each other: a dry run changes nothing")
	case flags.Changed("timeout") && !f.wait:
		return peerOptions{}, errors.New("--timeout has no effect without --wait: give both or none")
	case f.timeout <= 0:
		return peerOptions{}, fmt.Errorf("--timeout %s leaves no time to wait: give more than 0, for instance 30s", f.timeout)
	case f.name != "" && !isName(f.name):
		return peerOptions{}, fmt.Errorf("--name %q can't be the name of a peering: names have lower-case letters, digits, '-' and '.'", f.name)
	}
	options.name = f.name
	if options.target, err = parseTarget(own, target); err != nil {
		return peerOptions{}, err
	}
	options.prefixes, err = parsePrefixes(f.prefixes)
	return options, err
}

func newPeerCommand(c *connection) *cobra.Command {
	f := &peerFlags{}
	cmd := &cobra.Command{
		Use:   "peer NETWORK [NAMESPACE/]NETWORK",
		Short: "Ask for a peering, or change which ranges one exposes; prints what the other side runs to accept",
		Example: `  kubectl network peer red team-b/blue
  kubectl network peer red team-b/blue --prefix 10.0.0.0/24 --wait
  kubectl network peer red team-b/blue --dry-run=server`,
		Args:              exactArgs("NETWORK", "[NAMESPACE/]NETWORK"),
		ValidArgsFunction: c.completeNetworks(2),
		// Not everyone may read the requests, and peer works without them.
		RunE: c.runPeer(f, false, func(network *v1alpha1.Network, _ requestState, options peerOptions) (networkChange, error) {
			return decidePeer(network, options)
		}),
	}
	f.add(cmd)
	return cmd
}

// runPeer returns what peer and accept run: it adds or changes a peering, and prints what is left to do. With mustKnow it fails
// if the requests can't be read.
func (c *connection) runPeer(f *peerFlags, mustKnow bool, decide func(*v1alpha1.Network, requestState, peerOptions) (networkChange, error),
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := c.openNamed(false, args[:1])
		if err != nil {
			return err
		}
		options, err := f.options(cmd.Flags(), s.namespace, args[1])
		if err != nil {
			return err
		}
		requests, err := s.networks().GetPeeringRequests(cmd.Context(), args[0], metav1.GetOptions{})
		if err != nil {
			if mustKnow {
				return s.explain(err)
			}
			requests = nil
		}
		var request requestState
		network, err := c.write(cmd.Context(), s, args[0], f.dryRun, func(network *v1alpha1.Network) (networkChange, error) {
			request = stateOfRequest(requests, network, options.target)
			return decide(network, request, options)
		})
		if err != nil {
			return err
		}
		fmt.Fprint(c.streams.Out, nextSteps(network, options.target, request))
		if f.wait {
			return c.awaitBound(cmd.Context(), s, args[0], options.target, f.timeout)
		}
		return nil
	}
}

func newUnpeerCommand(c *connection) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use:     "unpeer NETWORK [NAMESPACE/]NETWORK",
		Short:   "Remove a peering; the other side becomes Pending at once",
		Example: "  kubectl network unpeer red team-b/blue",
		Args:    exactArgs("NETWORK", "[NAMESPACE/]NETWORK"),
		ValidArgsFunction: c.completePeers(func(n *v1alpha1.Network) (peers []string) {
			for i := range n.Spec.Peerings {
				peers = append(peers, rules.TargetOf(n, &n.Spec.Peerings[i]).String())
			}
			return peers
		}),
		RunE: c.runEnd(&dry, decideUnpeer),
	}
	addDryRunFlag(cmd, &dry)
	return cmd
}

// runEnd returns what unpeer and decline run: it ends a peering, or refuses it beforehand.
func (c *connection) runEnd(dry *dryRun, decide func(*v1alpha1.Network, types.NamespacedName) (networkChange, error),
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := c.openNamed(false, args[:1])
		if err != nil {
			return err
		}
		target, err := parseTarget(s.namespace, args[1])
		if err != nil {
			return err
		}
		_, err = c.write(cmd.Context(), s, args[0], *dry,
			func(network *v1alpha1.Network) (networkChange, error) { return decide(network, target) })
		return err
	}
}

// awaitBound watches a Network until its peering with the target is Bound, or fails if the target declines it.
func (c *connection) awaitBound(ctx context.Context, s *server, name string, target types.NamespacedName,
	timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	follow := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = selector
			return s.networks().List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = selector
			return s.networks().Watch(ctx, options)
		},
	}
	var last v1alpha1.NetworkPeeringStatus
	_, err := watchtools.UntilWithSync(ctx, follow, &v1alpha1.Network{}, nil, func(event watch.Event) (done bool, err error) {
		network, ok := event.Object.(*v1alpha1.Network)
		if !ok {
			return false, nil
		}
		if event.Type == watch.Deleted {
			return false, fmt.Errorf("%s was deleted in the meantime", name)
		}
		last, done, err = decideWait(network, target)
		return done, err
	})
	switch {
	case err == nil:
		fmt.Fprintf(c.streams.Out, "The peering %s is Bound.\n", last.Name)
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the peering with %s is not Bound after %s: %s", target, timeout,
			cmp.Or(last.Message, "the server reports nothing about it"))
	case ctx.Err() != nil:
		return s.explain(ctx.Err())
	}
	return s.explain(err)
}
