// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	certutil "k8s.io/client-go/util/cert"

	"ironcore.dev/networking/internal/server/pki"
)

// The Secrets of etcd's certificates. Each has the authorities to trust in ca.crt.
const (
	caSecret     = "network-etcd-ca"         // the authority that signs, and during a rotation its successor
	memberSecret = "network-etcd-tls"        // the members' certificate
	clientSecret = "network-etcd-client-tls" // network-apiserver's certificate
)

// Keys of the Secrets, beside those of the type kubernetes.io/tls.
const (
	trustKey    = "ca.crt"
	nextCertKey = "next.crt"
	nextKeyKey  = "next.key"
)

// The steps of a certificates command. All but the first rotate the authority, in this order.
const (
	stepRenew  = "renew"
	stepTrust  = "trust"
	stepSign   = "sign"
	stepForget = "forget"
)

var steps = []string{stepRenew, stepTrust, stepSign, stepForget}

// lifetime of authorities and certificates. They are renewed when a key has leaked, not every year: that is easily forgotten.
const lifetime = 10 * 365 * 24 * time.Hour

// authorities are what the Secret of the authority holds.
type authorities struct {
	signer  *pki.Authority
	next    *pki.Authority // nil outside a rotation
	trusted []*x509.Certificate
}

// take applies a step. Each step can be repeated.
func (a authorities) take(step string, now time.Time) (authorities, error) {
	var err error
	if a.signer == nil {
		if a.signer, err = pki.NewAuthority("network-etcd-ca", now, lifetime); err != nil {
			return a, err
		}
		a.trusted = []*x509.Certificate{a.signer.Cert}
	}
	switch step {
	case stepRenew:
		return a, nil
	case stepTrust:
		if a.next == nil {
			if a.next, err = pki.NewAuthority("network-etcd-ca", now, lifetime); err != nil {
				return a, err
			}
			a.trusted = append(slices.Clone(a.trusted), a.next.Cert)
		}
		return a, nil
	case stepSign:
		if a.next != nil {
			a.signer, a.next = a.next, nil
			return a, nil
		}
		if len(a.trusted) > 1 {
			return a, nil // This step was taken before.
		}
		return a, fmt.Errorf("--step=%s comes after --step=%s: there is no new authority yet", stepSign, stepTrust)
	case stepForget:
		if a.next != nil {
			return a, fmt.Errorf("--step=%s comes after --step=%s: the old authority still signs", stepForget, stepSign)
		}
		a.trusted = []*x509.Certificate{a.signer.Cert}
		return a, nil
	default:
		return a, fmt.Errorf("--step: there is no step %q; there are %s", step, strings.Join(steps, ", "))
	}
}

func parseAuthorities(data map[string][]byte) (a authorities, err error) {
	if len(data) == 0 {
		return a, nil
	}
	if a.signer, err = pki.ParseAuthority(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey]); err != nil {
		return a, err
	}
	if len(data[nextCertKey]) > 0 {
		if a.next, err = pki.ParseAuthority(data[nextCertKey], data[nextKeyKey]); err != nil {
			return a, err
		}
	}
	a.trusted, err = certutil.ParseCertsPEM(data[trustKey])
	return a, err
}

func (a authorities) encode() (data map[string][]byte, err error) {
	data = map[string][]byte{}
	if data[trustKey], err = certutil.EncodeCertificates(a.trusted...); err != nil {
		return nil, err
	}
	if data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey], err = a.signer.Encode(); err != nil {
		return nil, err
	}
	if a.next != nil {
		data[nextCertKey], data[nextKeyKey], err = a.next.Encode()
	}
	return data, err
}

// issue returns the content of a Secret with a new certificate.
func (a authorities) issue(name string, hosts []string, now time.Time) (map[string][]byte, error) {
	template := x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		template.DNSNames = append(slices.Clone(hosts), "localhost")
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	certificate, err := a.signer.Issue(template, now, lifetime)
	if err != nil {
		return nil, err
	}
	trusted, err := certutil.EncodeCertificates(a.trusted...)
	return map[string][]byte{
		trustKey: trusted, corev1.TLSCertKey: certificate.CertPEM, corev1.TLSPrivateKeyKey: certificate.KeyPEM,
	}, err
}

// certificates keeps the certificates of etcd in Secrets.
type certificates struct {
	Namespace, Step string
	Members         []string
	Client          kubernetes.Interface
	Now             func() time.Time
	Out             io.Writer
}

// Run takes the step. It writes the authority first: without it, nobody could check the certificates.
func (c *certificates) Run(ctx context.Context) error {
	if c.Namespace == "" {
		return errors.New("--namespace is missing: where etcd runs")
	}
	if len(c.Members) == 0 {
		for i := range 3 {
			c.Members = append(c.Members, fmt.Sprintf("network-etcd-%d.network-etcd.%s.svc", i, c.Namespace))
		}
	}
	secrets := c.Client.CoreV1().Secrets(c.Namespace)
	stored, err := secrets.Get(ctx, caSecret, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	a, err := parseAuthorities(stored.Data)
	if err != nil {
		return fmt.Errorf("the Secret %s/%s is damaged: %w", c.Namespace, caSecret, err)
	}
	now := c.Now()
	if a, err = a.take(c.Step, now); err != nil {
		return err
	}
	ca, err := a.encode()
	if err != nil {
		return err
	}
	// Members let only this common name into the cluster.
	member, err := a.issue("network-etcd", c.Members, now)
	if err != nil {
		return err
	}
	client, err := a.issue("network-apiserver", nil, now)
	if err != nil {
		return err
	}
	for _, secret := range []struct {
		name string
		data map[string][]byte
	}{{caSecret, ca}, {memberSecret, member}, {clientSecret, client}} {
		apply := applycorev1.Secret(secret.name, c.Namespace).
			// Helm must not delete them with its release.
			WithAnnotations(map[string]string{"helm.sh/resource-policy": "keep"}).
			WithLabels(map[string]string{"app.kubernetes.io/part-of": "network-apiserver"}).
			WithType(corev1.SecretTypeTLS).WithData(secret.data)
		if _, err := secrets.Apply(ctx, apply, metav1.ApplyOptions{FieldManager: "network-etcd", Force: true}); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "wrote Secret %s/%s\n", c.Namespace, secret.name)
	}
	return nil
}
