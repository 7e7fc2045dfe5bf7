// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

func TestDecide(t *testing.T) {
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "net", UID: "n"}}
	balancer := func(selector *metav1.LabelSelector) *v1alpha1.LoadBalancer {
		return &v1alpha1.LoadBalancer{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "lb", UID: "b"},
			Spec:       v1alpha1.LoadBalancerSpec{NetworkInterfaceSelector: selector},
		}
	}
	nic := func(name, app string, state v1alpha1.NetworkInterfaceState, ips ...string) *v1alpha1.NetworkInterface {
		return &v1alpha1.NetworkInterface{
			ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{"app": app}},
			Status:     v1alpha1.NetworkInterfaceStatus{State: state, IPs: ips},
		}
	}
	to := func(name, ip string) v1alpha1.LoadBalancerDestination {
		return v1alpha1.LoadBalancerDestination{IP: ip, TargetRef: &v1alpha1.LoadBalancerTargetRef{UID: types.UID(name), Name: name}}
	}
	routing := func(destinations ...v1alpha1.LoadBalancerDestination) *v1alpha1.LoadBalancerRouting {
		if destinations == nil {
			destinations = []v1alpha1.LoadBalancerDestination{}
		}
		return &v1alpha1.LoadBalancerRouting{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "ns", Name: "lb", OwnerReferences: []metav1.OwnerReference{{
					APIVersion: "networking.ironcore.dev/v1alpha1", Kind: "LoadBalancer", Name: "lb", UID: "b",
					Controller: new(true), BlockOwnerDeletion: new(true),
				}},
			},
			NetworkRef:   v1alpha1.LocalUIDReference{Name: "net", UID: "n"},
			Destinations: destinations,
		}
	}
	foreign := routing()
	foreign.OwnerReferences = nil
	all, web := &metav1.LabelSelector{}, &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	odd := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "odd"}}
	const available = v1alpha1.NetworkInterfaceStateAvailable
	nics := []*v1alpha1.NetworkInterface{
		nic("a", "web", available, "10.0.0.1", "2001:db8::1"), nic("b", "db", available, "10.0.0.2"),
		nic("c", "web", v1alpha1.NetworkInterfaceStatePending, "10.0.0.3"),
		nic("d", "odd", available, "10.0.0.4", "::ffff:10.0.0.4", "::1", "224.0.0.1", "no address", "10.0.0.4"),
	}
	nics[1].Spec.ProviderID, nics[3].Spec.ProviderID = "db://b", "has space"
	toB := to("b", "10.0.0.2")
	toB.TargetRef.ProviderID = "db://b"
	for sentence, tc := range map[string]struct {
		balancer     *v1alpha1.LoadBalancer
		network      *v1alpha1.Network
		stored, want *v1alpha1.LoadBalancerRouting
	}{
		"without a selector somebody else routes":        {balancer: balancer(nil), network: network},
		"without its Network there is nothing to route":  {balancer: balancer(all)},
		"all interfaces that are Available are selected": {balancer: balancer(all), network: network, want: routing(to("a", "10.0.0.1"), to("a", "2001:db8::1"), toB, to("d", "10.0.0.4"))},
		"what a routing may not have is left out":        {balancer: balancer(odd), network: network, want: routing(to("d", "10.0.0.4"))},
		"labels select":                        {balancer: balancer(web), network: network, want: routing(to("a", "10.0.0.1"), to("a", "2001:db8::1"))},
		"what is stored already is left alone": {balancer: balancer(web), network: network, stored: routing(to("a", "10.0.0.1"), to("a", "2001:db8::1"))},
		"another order is no difference":       {balancer: balancer(web), network: network, stored: routing(to("a", "2001:db8::1"), to("a", "10.0.0.1"))},
		"a destination that is gone goes": {
			balancer: balancer(web), network: network,
			stored: routing(to("x", "10.0.0.9"), to("a", "10.0.0.1")), want: routing(to("a", "10.0.0.1"), to("a", "2001:db8::1")),
		},
		"a routing that somebody else made is taken over": {
			balancer: balancer(&metav1.LabelSelector{MatchLabels: map[string]string{"app": "none"}}), network: network,
			stored: foreign, want: routing(),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, err := decide(tc.balancer, tc.network, nics, tc.stored)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
