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

// wantedAddress is an address that an object is to have.
type wantedAddress struct {
	value  string // empty if the provider chooses it
	family v1alpha1.IPFamily
}

// decideWanted returns the addresses that an object is to have, or why it gets none yet. Network is nil if it does not exist.
func decideWanted(object metav1.Object, network *v1alpha1.Network) ([]wantedAddress, *provider.Trouble) {
	switch object := object.(type) {
	case *v1alpha1.VirtualIP:
		return []wantedAddress{{family: object.Spec.IPFamily}}, nil
	case *v1alpha1.NATGateway:
		if trouble := unavailable(object.Spec.NetworkRef.Name, network); trouble != nil {
			return nil, trouble
		}
		return []wantedAddress{{family: object.Spec.IPFamily}}, nil
	case *v1alpha1.LoadBalancer:
		if trouble := unavailable(object.Spec.NetworkRef.Name, network); trouble != nil {
			return nil, trouble
		}
		return wantedOf(object), nil
	}
	return nil, nil
}

// wantedOf returns one address for each IP family.
func wantedOf(balancer *v1alpha1.LoadBalancer) []wantedAddress {
	var wanted []wantedAddress
	for i, family := range balancer.Spec.IPFamilies {
		want := wantedAddress{family: family}
		if i < len(balancer.Spec.IPs) {
			want.value = valueOf(balancer.Spec.IPs[i])
		}
		wanted = append(wanted, want)
	}
	return wanted
}

// valueOf returns the address of a source, empty if any will do. If the source is a Prefix, it is the one that the template asks
// for.
func valueOf(source v1alpha1.IPSource) string {
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

// report returns the object with the addresses or the trouble in its status, nil if the status does not change. With a trouble,
// an object keeps the addresses that it has.
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

// explain writes a trouble into the condition Ready of an object that is not Ready. Without one it removes an earlier trouble:
// the server then writes a condition of its own.
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
