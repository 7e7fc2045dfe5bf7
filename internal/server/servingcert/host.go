// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// What is read from the host cluster and written to it: one Secret and one APIService.

package servingcert

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/klog/v2"
)

const fieldManager = "network-apiserver"

var (
	secretResource     = corev1.SchemeGroupVersion.WithResource("secrets")
	apiServiceResource = schema.GroupVersionResource{
		Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices",
	}
)

// readSecret gets the Secret. A missing one is made, empty, by server-side apply: unlike a POST, that is authorized
// by the name of the object, and two replicas that do it at once don't harm each other.
func (p *Provider) readSecret(ctx context.Context) (*corev1.Secret, error) {
	namespace, name := p.config.Options.secret()
	secrets := p.config.Client.CoreV1().Secrets(namespace)
	secret, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return secrets.Apply(ctx, applycorev1.Secret(name, namespace), metav1.ApplyOptions{FieldManager: fieldManager})
	}
	return secret, err
}

func (p *Provider) store(ctx context.Context, secret *corev1.Secret, data map[string][]byte) error {
	if maps.EqualFunc(secret.Data, data, bytes.Equal) {
		return nil
	}
	secret.Data = data
	secrets := p.config.Client.CoreV1().Secrets(secret.Namespace)
	_, err := secrets.Update(ctx, secret, metav1.UpdateOptions{FieldManager: fieldManager})
	if err == nil {
		klog.FromContext(ctx).Info("Wrote the certificate authorities", "secret", klog.KObj(secret),
			"successorWaits", data[nextCertKey] != nil)
	}
	return err
}

// readAPIService returns nil if there is none, or one that leads to another server, whose caBundle is not ours: this one may
// be registered later.
func (p *Provider) readAPIService(ctx context.Context) (*unstructured.Unstructured, error) {
	apiServices := p.config.Dynamic.Resource(apiServiceResource)
	apiService, err := apiServices.Get(ctx, p.config.Options.APIService, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	namespace, _, _ := unstructured.NestedString(apiService.Object, "spec", "service", "namespace")
	name, _, _ := unstructured.NestedString(apiService.Object, "spec", "service", "name")
	if !slices.Contains(p.config.Options.DNSNames, name+"."+namespace+".svc") {
		return nil, nil
	}
	return apiService, nil
}

// caBundle returns what the APIService holds, or nothing if that is not what it should be.
func caBundle(apiService *unstructured.Unstructured) []byte {
	if apiService == nil {
		return nil
	}
	encoded, _, _ := unstructured.NestedString(apiService.Object, "spec", "caBundle")
	bundle, _ := base64.StdEncoding.DecodeString(encoded)
	return bundle
}

func (p *Provider) publish(ctx context.Context, apiService *unstructured.Unstructured, have, want []byte) error {
	if apiService == nil || bytes.Equal(have, want) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": apiService.GetResourceVersion()},
		"spec":     map[string]any{"caBundle": want},
	})
	if err != nil {
		return err
	}
	apiServices := p.config.Dynamic.Resource(apiServiceResource)
	_, err = apiServices.Patch(ctx, apiService.GetName(), types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: fieldManager})
	if err == nil {
		klog.FromContext(ctx).Info("Published the certificate authorities", "apiService", apiService.GetName())
	}
	return err
}

func (p *Provider) explainSecret(err error) error {
	return explain(err, secretFlag, p.config.Options.Secret,
		"the server may get, list, watch, create, update and patch this one Secret")
}

func (p *Provider) explainAPIService(err error) error {
	return explain(err, apiServiceFlag, p.config.Options.APIService,
		"the server may get, list, watch and patch this one APIService")
}

// explain names the flag, and what to grant where a permission is missing.
func explain(err error, flag, value, grant string) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("--%s=%s: %w: see to it that %s", flag, value, err, grant)
	}
	if err != nil {
		return fmt.Errorf("--%s=%s: %w", flag, value, err)
	}
	return nil
}
