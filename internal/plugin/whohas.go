// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func newWhoHasCommand(c *connection) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "who-has IP",
		Short: "Find what uses an address",
		Long: `Find what uses an address: interfaces that have it, ask for it or have a range with it, load balancers, NAT gateways and
virtual IPs. Networks are isolated, so several may use the same address.`,
		Example: `  kubectl network who-has 10.0.0.1
  kubectl network who-has 2001:db8::1 -A`,
		Args: exactArgs("IP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := netip.ParseAddr(args[0])
			if err != nil {
				return fmt.Errorf("%q is not an address: write one like 10.0.0.1 or 2001:db8::1", args[0])
			}
			s, err := c.open(all)
			if err != nil {
				return err
			}
			objects, err := s.addressed(cmd.Context())
			if err != nil {
				return s.explain(err)
			}
			holders := holdersOf(address, objects)
			if len(holders) == 0 {
				if all {
					return fmt.Errorf("nothing uses %s", address)
				}
				return fmt.Errorf("nothing uses %s in namespace %s: -A looks in all", address, s.namespace)
			}
			return printHolders(c.streams.Out, holders, all)
		},
	}
	addAllNamespacesFlag(cmd.Flags(), &all)
	return cmd
}

// addressed is everything that may have an address.
type addressed struct {
	Interfaces    []v1alpha1.NetworkInterface
	LoadBalancers []v1alpha1.LoadBalancer
	NATGateways   []v1alpha1.NATGateway
	VirtualIPs    []v1alpha1.VirtualIP
}

func (s *server) addressed(ctx context.Context) (objects addressed, err error) {
	everything := metav1.ListOptions{}
	interfaces, err := s.NetworkInterfaces(s.namespace).List(ctx, everything)
	if err != nil {
		return addressed{}, err
	}
	balancers, err := s.LoadBalancers(s.namespace).List(ctx, everything)
	if err != nil {
		return addressed{}, err
	}
	gateways, err := s.NATGateways(s.namespace).List(ctx, everything)
	if err != nil {
		return addressed{}, err
	}
	addresses, err := s.VirtualIPs(s.namespace).List(ctx, everything)
	if err != nil {
		return addressed{}, err
	}
	return addressed{interfaces.Items, balancers.Items, gateways.Items, addresses.Items}, nil
}

// holder is an object that uses an address.
type holder struct {
	Namespace, Network, Kind, Name string
	// As is the address or range that matches, Use one of the constants below.
	As, Use string
	Machine string
}

// holdersOf returns what uses an address: first what has it, then what asks for it.
func holdersOf(address netip.Addr, objects addressed) (holders []holder) {
	for i := range objects.Interfaces {
		holders = append(holders, interfaceHolders(address, &objects.Interfaces[i])...)
	}
	for _, b := range objects.LoadBalancers {
		if as, ok := within(address, b.Status.IPs); ok {
			holders = append(holders, holder{b.Namespace, b.Spec.NetworkRef.Name, "LoadBalancer", b.Name, as, inForce, ""})
		} else if as, ok := within(address, values(b.Spec.IPs)); ok {
			holders = append(holders, holder{b.Namespace, b.Spec.NetworkRef.Name, "LoadBalancer", b.Name, as, asked, ""})
		}
	}
	for _, g := range objects.NATGateways {
		if as, ok := within(address, g.Status.IPs); ok {
			holders = append(holders, holder{g.Namespace, g.Spec.NetworkRef.Name, "NATGateway", g.Name, as, inForce, ""})
		}
	}
	for _, v := range objects.VirtualIPs {
		if as, ok := within(address, []string{v.Status.IP}); ok {
			holders = append(holders, holder{v.Namespace, "", "VirtualIP", v.Name, as, inForce, ""})
		}
	}
	slices.SortStableFunc(holders, func(a, b holder) int {
		if (a.Use == asked) != (b.Use == asked) {
			if a.Use == asked {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return holders
}

// The ways to use an address.
const (
	inForce   = "in force"
	asked     = "asked for"
	routed    = "routed range"
	virtualIP = "virtual IP"
)

// interfaceHolders tells how an interface uses an address: in the first of these ways that applies.
func interfaceHolders(address netip.Addr, nic *v1alpha1.NetworkInterface) []holder {
	var ranges []string
	for _, prefix := range nic.Spec.Prefixes {
		ranges = append(ranges, prefix.Value)
	}
	for _, way := range []struct {
		use   string
		texts []string
	}{
		{inForce, nic.Status.IPs},
		{routed, nic.Status.Prefixes},
		{virtualIP, []string{nic.Status.VirtualIP}},
		{asked, append(values(nic.Spec.IPs), ranges...)},
	} {
		if as, ok := within(address, way.texts); ok {
			machine := ""
			if nic.Spec.MachineRef != nil {
				machine = nic.Spec.MachineRef.Name
			}
			return []holder{{nic.Namespace, nic.Spec.NetworkRef.Name, "NetworkInterface", nic.Name, as, way.use, machine}}
		}
	}
	return nil
}

func values(sources []v1alpha1.IPSource) (texts []string) {
	for _, source := range sources {
		texts = append(texts, source.Value)
	}
	return texts
}

// within returns the first of the addresses and ranges that contains an address.
func within(address netip.Addr, texts []string) (string, bool) {
	for _, text := range texts {
		if one, err := netip.ParseAddr(text); err == nil && one == address {
			return text, true
		}
		if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Contains(address) {
			return text, true
		}
	}
	return "", false
}

// printHolders prints a line for each.
func printHolders(out io.Writer, holders []holder, allNamespaces bool) error {
	t := newTable(allNamespaces, "NAMESPACE", "NETWORK", "KIND", "NAME", "ADDRESS", "USE", "MACHINE")
	for _, h := range holders {
		t.add(h.Namespace, h.Network, h.Kind, h.Name, h.As, h.Use, h.Machine)
	}
	return t.print(out)
}
