// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	certutil "k8s.io/client-go/util/cert"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
)

// Read reads what the user's credentials allow; most users may not read the APIService and the metrics. While the cluster can't
// reach the server, it reads only the APIService and the certificates.
func Read(ctx context.Context, config *rest.Config, client clientset.NetworkingV1alpha1Interface, namespace string) (
	snapshot Snapshot, err error) {
	snapshot.Now = time.Now()
	if snapshot.APIService, snapshot.Standalone, err = readAPIService(ctx, client.RESTClient()); err != nil {
		return Snapshot{}, err
	}
	if snapshot.Client, err = readClient(config); err != nil {
		return Snapshot{}, err
	}
	if snapshot.Standalone {
		if snapshot.Serving, err = readServing(ctx, config); err != nil {
			return Snapshot{}, err
		}
	}
	if service := snapshot.APIService; service != nil && service.Available != metav1.ConditionTrue {
		return snapshot, nil
	}
	snapshot.Leading = readLeader(ctx, client.RESTClient())
	networks, err := client.Networks(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return Snapshot{}, err
	}
	interfaces, err := client.NetworkInterfaces(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return Snapshot{}, err
	}
	snapshot.Networks, snapshot.Interfaces = networks.Items, interfaces.Items
	return snapshot, nil
}

// readAPIService returns nil if there is none or the user may not read it. A server without the API of APIServices stands alone.
func readAPIService(ctx context.Context, client rest.Interface) (service *APIService, standalone bool, err error) {
	const name = "v1alpha1." + v1alpha1.GroupName
	raw, err := client.Get().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices/" + name).Do(ctx).Raw()
	switch {
	case apierrors.IsForbidden(err):
		return nil, false, nil
	case apierrors.IsNotFound(err) && isNamed(err):
		return nil, false, fmt.Errorf("the cluster has no APIService %s: install network-apiserver, "+
			"for instance by helm install network-apiserver deploy/charts/network-apiserver -n network-system", name)
	case apierrors.IsNotFound(err):
		return nil, true, nil
	case err != nil:
		return nil, false, err
	}
	var stored struct {
		Spec struct {
			CABundle []byte
			Service  struct{ Namespace, Name string }
		}
		Status struct{ Conditions []metav1.Condition }
	}
	if err := json.Unmarshal(raw, &stored); err != nil {
		return nil, false, fmt.Errorf("reading the APIService %s: %w", name, err)
	}
	service = &APIService{Namespace: stored.Spec.Service.Namespace, Name: stored.Spec.Service.Name}
	if len(stored.Spec.CABundle) > 0 {
		if service.Trusted, err = certutil.ParseCertsPEM(stored.Spec.CABundle); err != nil {
			return nil, false, fmt.Errorf("caBundle of the APIService %s: %w", name, err)
		}
	}
	for _, condition := range stored.Status.Conditions {
		if condition.Type == "Available" {
			service.Available, service.Reason, service.Message = condition.Status, condition.Reason, condition.Message
		}
	}
	return service, false, nil
}

func isNamed(err error) bool {
	status, ok := err.(apierrors.APIStatus)
	return ok && status.Status().Details != nil && status.Status().Details.Name != ""
}

// readClient returns the user's own certificate, if the kubeconfig has one.
func readClient(config *rest.Config) (*x509.Certificate, error) {
	loaded := rest.CopyConfig(config)
	if err := rest.LoadTLSFiles(loaded); err != nil || len(loaded.CertData) == 0 {
		return nil, err
	}
	certs, err := certutil.ParseCertsPEM(loaded.CertData)
	if err != nil {
		return nil, fmt.Errorf("the client certificate of the kubeconfig: %w", err)
	}
	return certs[0], nil
}

// readServing returns the certificate of the server, or nil without TLS.
func readServing(ctx context.Context, config *rest.Config) (*x509.Certificate, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(config.Host, "/")+"/readyz", nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.TLS == nil {
		return nil, nil
	}
	return response.TLS.PeerCertificates[0], nil
}

// readLeader reads a metric of the server. A cluster does not forward it, and not every user may read it.
func readLeader(ctx context.Context, client rest.Interface) *bool {
	raw, err := client.Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(raw) {
		if value, ok := bytes.CutPrefix(line, []byte("networking_leader ")); ok {
			return new(string(bytes.TrimSpace(value)) == "1")
		}
	}
	return nil
}
