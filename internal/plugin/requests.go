// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

func newRequestsCommand(c *connection) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "requests [NETWORK...]",
		Short: "List who asks your Networks for a peering",
		Example: `  kubectl network requests
  kubectl network requests blue -n team-b`,
		ValidArgsFunction: c.completeNetworks(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := c.openNamed(all, args)
			if err != nil {
				return err
			}
			names, err := s.named(cmd.Context(), args)
			if err != nil {
				return s.explain(err)
			}
			answers, err := s.requests(cmd.Context(), names, len(args) > 0)
			if err != nil {
				return s.explain(err)
			}
			return printRequests(c.streams.Out, c.streams.ErrOut, answers, all, time.Now())
		},
	}
	addAllNamespacesFlag(cmd.Flags(), &all)
	return cmd
}

// named returns the Networks of these names, or all in the namespace if there are no names.
func (s *server) named(ctx context.Context, names []string) (named []types.NamespacedName, err error) {
	for _, name := range names {
		named = append(named, types.NamespacedName{Namespace: s.namespace, Name: name})
	}
	if len(names) > 0 {
		return named, nil
	}
	list, err := s.networks().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		named = append(named, rules.NameOf(&list.Items[i]))
	}
	return named, nil
}

// requests reads the requests to each Network, ten Networks at a time. A Network that does not exist has none, or is an error if it
// must exist.
func (s *server) requests(ctx context.Context, names []types.NamespacedName, mustExist bool) (
	[]*v1alpha1.NetworkPeeringRequests, error) {
	answers := make([]*v1alpha1.NetworkPeeringRequests, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(10)
	for i, name := range names {
		group.Go(func() (err error) {
			answers[i], err = s.Networks(name.Namespace).GetPeeringRequests(ctx, name.Name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) && !mustExist {
				answers[i], err = &v1alpha1.NetworkPeeringRequests{}, nil
			}
			return err
		})
	}
	return answers, group.Wait()
}

// printRequests prints a line for each request, and writes to notes how many are left out.
func printRequests(out, notes io.Writer, answers []*v1alpha1.NetworkPeeringRequests, allNamespaces bool, now time.Time) error {
	t := newTable(allNamespaces, "NAMESPACE", "NETWORK", "ASKED BY", "OFFERS", "SINCE")
	for _, answer := range answers {
		for _, request := range answer.Requests {
			t.add(answer.Namespace, answer.Name, request.Namespace+"/"+request.Name, reach(request.Prefixes),
				since(request.Since, now))
		}
		if left := int(answer.Total) - len(answer.Requests); left > 0 {
			fmt.Fprintf(notes, "%s has %d more requests: accept or decline some of these to see them.\n", answer.Name, left)
		}
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(notes, "Nobody asks for a peering.")
		return err
	}
	return t.print(out)
}

// stateOfRequest tells whether a Network is among those that ask another one. The answer lists no Network that is declined, and none
// that is named back, be that decided on or not.
func stateOfRequest(answer *v1alpha1.NetworkPeeringRequests, asked *v1alpha1.Network, asker types.NamespacedName) requestState {
	unlisted := rules.Declines(asked, asker)
	if peering := peeringWith(asked, asker); peering != nil {
		reason := rules.PeeringItems(asked)[peering.Name].Reason
		unlisted = unlisted || reason == "" || reason == v1alpha1.PeeringReasonEvaluating
	}
	switch {
	case answer != nil && slices.ContainsFunc(answer.Requests, func(r v1alpha1.NetworkPeeringRequest) bool {
		return r.Namespace == asker.Namespace && r.Name == asker.Name
	}):
		return requestPresent
	case answer == nil || unlisted || int(answer.Total) > len(answer.Requests):
		return requestUnknown
	}
	return requestAbsent
}

func newAcceptCommand(c *connection) *cobra.Command {
	f := &peerFlags{}
	cmd := &cobra.Command{
		Use:   "accept NETWORK [NAMESPACE/]NETWORK",
		Short: "Accept a request: your Network names the asking one",
		Long: `Accept a request: your Network names the asking one, and the peering becomes Bound. An asker that was declined is
accepted too.`,
		Example: `  kubectl network accept blue team-a/red
  kubectl network accept blue team-a/red --prefix 10.1.0.0/24 --wait`,
		Args:              exactArgs("NETWORK", "[NAMESPACE/]NETWORK"),
		ValidArgsFunction: c.completeRequests(),
		RunE:              c.runPeer(f, true, decideAccept),
	}
	f.add(cmd)
	return cmd
}

func newDeclineCommand(c *connection) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "decline NETWORK [NAMESPACE/]NETWORK",
		Short: "Refuse a Network for good: its requests are no longer listed",
		Long: fmt.Sprintf(`Refuse a Network for good: its requests are no longer listed, and its peering reads PeeringDeclined. This is the
annotation %s. accept and peer take it back.`, v1alpha1.DeclinedPeeringsAnnotation),
		Example:           "  kubectl network decline blue team-a/red",
		Args:              exactArgs("NETWORK", "[NAMESPACE/]NETWORK"),
		ValidArgsFunction: c.completeRequests(),
		RunE:              c.runEnd(&dry, decideDecline),
	}
	addDryRunFlag(cmd, &dry)
	return cmd
}
