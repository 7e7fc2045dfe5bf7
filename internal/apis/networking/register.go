// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package networking

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of this package.
const GroupName = "networking.ironcore.dev"

// SchemeGroupVersion is the group and the internal version of this package.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: runtime.APIVersionInternal}

var (
	// SchemeBuilder collects what AddToScheme registers.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)
	// AddToScheme registers the types of this package in a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Kind qualifies a kind of this group.
func Kind(kind string) schema.GroupKind {
	return SchemeGroupVersion.WithKind(kind).GroupKind()
}

// Resource qualifies a resource of this group, for instance "networks".
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion,
		&Network{},
		&NetworkList{},
		&NetworkBinding{},
		&NetworkMembership{},
		&NetworkRealization{},
		&NetworkPeeringRequests{},
		&NetworkInterface{},
		&NetworkInterfaceList{},
		&LoadBalancer{},
		&LoadBalancerList{},
		&LoadBalancerRouting{},
		&LoadBalancerRoutingList{},
		&NATGateway{},
		&NATGatewayList{},
		&NetworkPolicy{},
		&NetworkPolicyList{},
		&VirtualIP{},
		&VirtualIPList{},
	)
	return nil
}
