// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"fmt"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
)

// realized is the condition Ready of an object of which the provider reports all that was asked for.
func realized(message string) []metav1.Condition {
	return []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonRealized, Message: message,
	}}
}

// Unrealized is the condition Ready of an object that lacks what the message names. Where the provider has given words of its
// own for that, they stay.
func Unrealized(message string, given []metav1.Condition) []metav1.Condition {
	if ready := meta.FindStatusCondition(given, v1alpha1.ConditionReady); ready != nil && ready.Status == metav1.ConditionFalse &&
		ready.Reason != v1alpha1.ReasonPending && ready.Reason != v1alpha1.ReasonLeftToAgent && ready.Reason != "" {
		return []metav1.Condition{*ready}
	}
	return []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonPending, Message: message,
	}}
}

// ReadyWithAddresses is the condition Ready of an object that waits for an address of each IP family from the provider.
func ReadyWithAddresses(kind string, families []networking.IPFamily, addresses []string, given []metav1.Condition) []metav1.Condition {
	for _, family := range families {
		if !has(family, addresses) {
			return Unrealized(fmt.Sprintf("The network provider has not given the %s an %s address yet.", kind, family), given)
		}
	}
	if len(families) == 1 {
		return realized(fmt.Sprintf("The %s has its address.", kind))
	}
	return realized(fmt.Sprintf("The %s has its addresses.", kind))
}

// has tells whether some address is of the family.
func has(family networking.IPFamily, addresses []string) bool {
	return slices.ContainsFunc(addresses, func(text string) bool {
		address, err := netip.ParseAddr(text)
		return err == nil && address.Is4() == (family == networking.IPv4Protocol)
	})
}
