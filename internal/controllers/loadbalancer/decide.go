// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"maps"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/rules"
)

// decide returns the routing that a LoadBalancer is to have, nil if the stored one is right. For a LoadBalancer without a selector,
// somebody else writes the routing. Another order of the destinations is no difference.
func decide(
	balancer *v1alpha1.LoadBalancer, network *v1alpha1.Network, interfaces []*v1alpha1.NetworkInterface,
	stored *v1alpha1.LoadBalancerRouting,
) (*v1alpha1.LoadBalancerRouting, error) {
	if balancer.DeletionTimestamp != nil || balancer.Spec.NetworkInterfaceSelector == nil || network == nil {
		return nil, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(balancer.Spec.NetworkInterfaceSelector)
	if err != nil {
		return nil, err
	}
	wanted := &v1alpha1.LoadBalancerRouting{ObjectMeta: metav1.ObjectMeta{Namespace: balancer.Namespace, Name: balancer.Name}}
	if stored != nil {
		wanted = stored.DeepCopy()
	}
	wanted.NetworkRef = v1alpha1.LocalUIDReference{Name: network.Name, UID: network.UID}
	destinations := destinationsOf(selector, interfaces)
	if stored == nil || !sameSet(stored.Destinations, destinations) {
		wanted.Destinations = destinations
	}
	if !metav1.IsControlledBy(wanted, balancer) {
		wanted.OwnerReferences = append(slices.DeleteFunc(wanted.OwnerReferences, func(owner metav1.OwnerReference) bool {
			return owner.Controller != nil && *owner.Controller
		}), owner(balancer))
	}
	if stored != nil && equality.Semantic.DeepEqual(stored, wanted) {
		return nil, nil
	}
	return wanted, nil
}

// destinationsOf returns the addresses in force of the selected interfaces that are Available, each once. Addresses and
// providerIDs that an older server accepted and validation now refuses are left out: they would keep all others from being
// written.
func destinationsOf(selector labels.Selector, interfaces []*v1alpha1.NetworkInterface) []v1alpha1.LoadBalancerDestination {
	destinations := []v1alpha1.LoadBalancerDestination{}
	for _, nic := range interfaces {
		if nic.Status.State != v1alpha1.NetworkInterfaceStateAvailable || !selector.Matches(labels.Set(nic.Labels)) {
			continue
		}
		providerID := nic.Spec.ProviderID
		if !rules.IsProviderID(providerID) {
			providerID = ""
		}
		for i, ip := range nic.Status.IPs {
			if !isRoutable(ip) || slices.Contains(nic.Status.IPs[:i], ip) {
				continue
			}
			destinations = append(destinations, v1alpha1.LoadBalancerDestination{
				IP:        ip,
				TargetRef: &v1alpha1.LoadBalancerTargetRef{UID: nic.UID, Name: nic.Name, ProviderID: providerID},
			})
		}
	}
	return destinations
}

func isRoutable(ip string) bool {
	address, err := netip.ParseAddr(ip)
	return err == nil && !address.Is4In6() && address.Zone() == "" && rules.NotUnicast(rules.OneAddress(address)) == ""
}

func sameSet(a, b []v1alpha1.LoadBalancerDestination) bool {
	return maps.Equal(countOf(a), countOf(b))
}

// destination is a LoadBalancerDestination that can be compared.
type destination struct {
	ip     string
	target v1alpha1.LoadBalancerTargetRef
}

func countOf(destinations []v1alpha1.LoadBalancerDestination) map[destination]int {
	count := map[destination]int{}
	for i := range destinations {
		key := destination{ip: destinations[i].IP}
		if destinations[i].TargetRef != nil {
			key.target = *destinations[i].TargetRef
		}
		count[key]++
	}
	return count
}

func owner(balancer *v1alpha1.LoadBalancer) metav1.OwnerReference {
	return *metav1.NewControllerRef(balancer, v1alpha1.SchemeGroupVersion.WithKind("LoadBalancer"))
}

// isOrphan tells whether a routing was made for a LoadBalancer that is gone.
func isOrphan(routing *v1alpha1.LoadBalancerRouting) bool {
	owner := rules.ControllerOf(routing, "LoadBalancer")
	return routing.DeletionTimestamp == nil && owner != nil && owner.Name == routing.Name
}
