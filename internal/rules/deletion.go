// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"slices"
	"strings"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// maxNames is how many objects of a kind are named; the others are counted.
const maxNames = 5

// IsProtection tells whether a finalizer keeps a Network that is being deleted until nothing is in it any more.
func IsProtection(finalizer string) bool {
	return finalizer == v1alpha1.NetworkInterfacesFinalizer || finalizer == v1alpha1.NetworkProtectionFinalizer
}

// Members are what is in a Network, by name.
type Members struct{ NetworkInterfaces, LoadBalancers, NATGateways []string }

// Holders counts the members of each kind that has any, and names the first few in alphabetical order.
func (m Members) Holders() []v1alpha1.NetworkHolders {
	var holders []v1alpha1.NetworkHolders
	for _, members := range []struct {
		kind  string
		names []string
	}{
		{"NetworkInterface", m.NetworkInterfaces}, {"LoadBalancer", m.LoadBalancers}, {"NATGateway", m.NATGateways},
	} {
		if len(members.names) > 0 {
			names := slices.Sorted(slices.Values(members.names))
			holders = append(holders, v1alpha1.NetworkHolders{
				Kind: members.kind, Count: int32(len(names)), Names: names[:min(len(names), maxNames)],
			})
		}
	}
	return holders
}

// DeletionReason is why a deletion waits: the first kind of its holders, of which there are some.
func DeletionReason(holders []v1alpha1.NetworkHolders) string { return holders[0].Kind + "sExist" }

// DeletionMessage says what a deletion waits for, with a sentence for each kind.
func DeletionMessage(holders []v1alpha1.NetworkHolders) string {
	var sentences []string
	for _, of := range holders {
		subject := of.Kind + "s that are"
		if of.Count == 1 {
			subject = of.Kind + " that is"
		}
		listed := strings.Join(of.Names, ", ")
		if more := int(of.Count) - len(of.Names); more > 0 {
			listed += fmt.Sprintf(" and %d more", more)
		}
		sentences = append(sentences, fmt.Sprintf("The deletion waits for %d %s still in this Network: %s.", of.Count, subject, listed))
	}
	return strings.Join(sentences, " ")
}
