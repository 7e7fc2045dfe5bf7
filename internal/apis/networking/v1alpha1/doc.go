// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 converts between the hub version and networking.ironcore.dev/v1alpha1, and sets the defaults of the
// latter.
//
// +k8s:conversion-gen=ironcore.dev/networking/internal/apis/networking
// +k8s:conversion-gen-external-types=ironcore.dev/networking/apis/networking/v1alpha1
// +k8s:defaulter-gen=TypeMeta
// +k8s:defaulter-gen-input=ironcore.dev/networking/apis/networking/v1alpha1
// +groupName=networking.ironcore.dev
package v1alpha1
