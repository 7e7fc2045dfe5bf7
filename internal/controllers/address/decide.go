// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package address

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
)

// wish is one address that an object is to have: a given one, or one of a family that the provider chooses.
type wish struct {
	given  string
	family v1alpha1.IPFamily
}

// wishes returns the addresses that an object is to have, or what is in the way. A nil Network does not exist.
func wishes(object metav1.Object, network *v1alpha1.Network) ([]wish, *provider.Trouble) {
	switch object := object.(type) {
	case *v1alpha1.VirtualIP:
		return []wish{{family: object.Spec.IPFamily}}, nil
	case *v1alpha1.NATGateway:
		if trouble := unavailable(object.Spec.NetworkRef.Name, network); trouble != nil {
			return nil, trouble
		}
		return []wish{{family: object.Spec.IPFamily}}, nil
	case *v1alpha1.LoadBalancer:
		if trouble := unavailable(object.Spec.NetworkRef.Name, network); trouble != nil {
			return nil, trouble
		}
		return balancerWishes(object), nil
	}
	return nil, nil
}

// balancerWishes returns one wish for each IP family.
func balancerWishes(balancer *v1alpha1.LoadBalancer) []wish {
	var wishes []wish
	for i, family := range balancer.Spec.IPFamilies {
		asked := wish{family: family}
		if i < len(balancer.Spec.IPs) {
			asked.given = given(balancer.Spec.IPs[i])
		}
		wishes = append(wishes, asked)
	}
	return wishes
}

// given returns the address that a source names, or nothing if any will do: one from a Prefix is the address that the
// template asks for.
func given(source v1alpha1.IPSource) string {
	if source.Ephemeral == nil || source.Ephemeral.PrefixTemplate == nil {
		return source.Value
	}
	address, _, _ := strings.Cut(source.Ephemeral.PrefixTemplate.Spec.Prefix, "/")
	return address
}

// unavailable returns why an object of a Network gets no addresses yet, or nil.
func unavailable(name string, network *v1alpha1.Network) *provider.Trouble {
	switch {
	case network == nil:
		return provider.NewTrouble("", v1alpha1.NetworkInterfaceReasonNetworkNotFound,
			fmt.Sprintf("There is no Network %s: create it.", name), nil)
	case network.Status.State != v1alpha1.NetworkStateAvailable:
		return provider.NewTrouble("", v1alpha1.NetworkInterfaceReasonNetworkNotAvailable, fmt.Sprintf(
			"Network %s is not available yet: its network provider has to realize it first.", name), nil)
	}
	return nil
}

// report returns the object with a status that has the addresses, or the words of what is in the way, or nil if it has them
// already. One that has addresses keeps them while its Network is in the way.
func report(object metav1.Object, addresses []string, trouble *provider.Trouble) metav1.Object {
	switch object := object.(type) {
	case *v1alpha1.VirtualIP:
		update := object.DeepCopy()
		if trouble == nil {
			update.Status.IP = slices.Concat(addresses, []string{""})[0]
		}
		explain(&update.Status.Conditions, update.Generation, trouble)
		if !equality.Semantic.DeepEqual(object.Status, update.Status) {
			return update
		}
	case *v1alpha1.NATGateway:
		update := object.DeepCopy()
		reportIPs(&update.Status.IPs, &update.Status.Conditions, update.Generation, addresses, trouble)
		if !equality.Semantic.DeepEqual(object.Status, update.Status) {
			return update
		}
	case *v1alpha1.LoadBalancer:
		update := object.DeepCopy()
		reportIPs(&update.Status.IPs, &update.Status.Conditions, update.Generation, addresses, trouble)
		if !equality.Semantic.DeepEqual(object.Status, update.Status) {
			return update
		}
	}
	return nil
}

func reportIPs(ips *[]string, conditions *[]metav1.Condition, generation int64, addresses []string,
	trouble *provider.Trouble) {
	if trouble == nil {
		*ips = addresses
	}
	explain(conditions, generation, trouble)
}

// explain gives an object that is not Ready the words of what is in the way, or takes them back. The server finds others.
func explain(conditions *[]metav1.Condition, generation int64, trouble *provider.Trouble) {
	ready := meta.FindStatusCondition(*conditions, v1alpha1.ConditionReady)
	switch {
	case ready != nil && ready.Status == metav1.ConditionTrue:
	case trouble != nil:
		meta.SetStatusCondition(conditions, metav1.Condition{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, ObservedGeneration: generation,
			Reason: trouble.Reason, Message: trouble.Message,
		})
	case ready != nil && ready.Reason != v1alpha1.ReasonPending:
		meta.RemoveStatusCondition(conditions, v1alpha1.ConditionReady)
	}
}
