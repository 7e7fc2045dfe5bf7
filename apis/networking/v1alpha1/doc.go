// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the networking.ironcore.dev/v1alpha1 API: Networks, isolated from each other until their owners
// peer them, the NetworkInterfaces that join Machines to them, and what leads traffic in and out: VirtualIPs, LoadBalancers,
// NATGateways and NetworkPolicies. Client authors import this package; it depends on apimachinery alone.
//
// +k8s:deepcopy-gen=package
// +k8s:protobuf-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=dev.ironcore.networking.apis.networking.v1alpha1
// +groupName=networking.ironcore.dev
package v1alpha1
