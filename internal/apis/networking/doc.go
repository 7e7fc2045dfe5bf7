// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package networking is the hub version of the networking.ironcore.dev API: the form in which requests are decided and
// stored objects are handled inside the server. Its types mirror those of v1alpha1 field by field, so that conversion
// costs nothing; the meaning of each field is documented there.
//
// +k8s:deepcopy-gen=package
// +groupName=networking.ironcore.dev
package networking
