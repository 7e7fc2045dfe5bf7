// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/internal/apis/networking"
)

func TestValidateLoadBalancerRouting(t *testing.T) {
	routing := func(destinations ...networking.LoadBalancerDestination) *networking.LoadBalancerRouting {
		return &networking.LoadBalancerRouting{
			ObjectMeta:   metav1.ObjectMeta{Namespace: "team-a", Name: "lb.a", UID: uidA, ResourceVersion: "7"},
			NetworkRef:   networking.LocalUIDReference{Name: "net", UID: uidB},
			Destinations: destinations,
		}
	}
	to := func(id string) *networking.LoadBalancerTargetRef {
		return &networking.LoadBalancerTargetRef{Name: "nic", UID: uidC, ProviderID: "x://" + id}
	}
	for sentence, tc := range map[string]struct {
		routing *networking.LoadBalancerRouting
		want    []string
	}{
		"destinations may be none": {routing: routing()},
		"the Network may be left out": {
			routing: &networking.LoadBalancerRouting{ObjectMeta: routing().ObjectMeta},
		},
		"an address may have a target or none": {
			routing: routing(networking.LoadBalancerDestination{IP: "10.0.0.1"},
				networking.LoadBalancerDestination{IP: "10.0.0.1", TargetRef: to("1")}),
		},
		"an address is given, in canonical form, and once for a target": {
			routing: routing(networking.LoadBalancerDestination{},
				networking.LoadBalancerDestination{IP: "2001:DB8::1"},
				networking.LoadBalancerDestination{IP: "10.0.0.1", TargetRef: to("1")},
				networking.LoadBalancerDestination{IP: "10.0.0.1", TargetRef: to("2")}),
			want: []string{
				"destinations[0].ip: Required value: must be the address that traffic is handed to",
				`destinations[1].ip: Invalid value: "2001:DB8::1": must be in canonical form: "2001:db8::1"`,
				`destinations[3].ip: Duplicate value: "10.0.0.1"`,
			},
		},
		"malformed references are refused": {
			routing: &networking.LoadBalancerRouting{
				ObjectMeta: routing().ObjectMeta,
				NetworkRef: networking.LocalUIDReference{Name: "BAD_!", UID: "1"},
				Destinations: []networking.LoadBalancerDestination{
					{IP: "10.0.0.1", TargetRef: &networking.LoadBalancerTargetRef{ProviderID: "a b"}},
				},
			},
			want: []string{
				`networkRef.name: Invalid value: "BAD_!": ` + subdomainRule,
				`networkRef.uid: Invalid value: "1": must be a lowercase UUID in 8-4-4-4-12 format`,
				"destinations[0].targetRef.name: Required value: must not be empty",
				`destinations[0].targetRef.providerID: Invalid value: "a b": must consist of printable ASCII characters other than space`,
			},
		},
		"destinations are of limited number": {
			routing: routing(make([]networking.LoadBalancerDestination, maxDestinations+1)...),
			want:    []string{"destinations: Too many: 10001: must have at most 10000 items"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			expect(t, tc.want, ValidateLoadBalancerRouting(tc.routing))
			expect(t, tc.want, ValidateLoadBalancerRoutingUpdate(tc.routing, routing()))
		})
	}
}
