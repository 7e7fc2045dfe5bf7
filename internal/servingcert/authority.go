// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	// An authority is replaced when two thirds of its life are over. What is left outlives all that it signed.
	authorityLifetime = 2 * 365 * 24 * time.Hour
	servingLifetime   = 90 * 24 * time.Hour
	// clockSkew is by how much the clock of a client may be behind ours.
	clockSkew = 5 * time.Minute
)

// authority signs serving certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert, err := sign(&x509.Certificate{
		// The time tells authorities apart for people who read certificates.
		Subject:        pkix.Name{CommonName: fmt.Sprintf("network-apiserver-ca@%d", now.Unix())},
		NotBefore:      now.Add(-clockSkew),
		NotAfter:       now.Add(authorityLifetime),
		KeyUsage:       x509.KeyUsageCertSign,
		IsCA:           true,
		MaxPathLenZero: true,
	}, &authority{key: key}, key)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key}, nil
}

// parseAuthority reads what encode wrote.
func parseAuthority(certPEM, keyPEM []byte) (*authority, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, errors.New("the certificate is not one of an authority")
	}
	return &authority{cert: pair.Leaf, key: key}, nil
}

func (a *authority) encode() (certPEM, keyPEM []byte, err error) {
	return encodePair(a.cert, a.key)
}

// certificate is a serving certificate, as it is and as the TLS library wants it.
type certificate struct {
	*x509.Certificate
	certPEM, keyPEM []byte
}

// issue makes a serving certificate. It does not outlive the authority, so that its end can be relied on.
func (a *authority) issue(dnsNames []string, now time.Time) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	notAfter := now.Add(servingLifetime)
	if notAfter.After(a.cert.NotAfter) {
		notAfter = a.cert.NotAfter
	}
	cert, err := sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "network-apiserver"},
		DNSNames:    dnsNames,
		NotBefore:   now.Add(-clockSkew),
		NotAfter:    notAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a, key)
	if err != nil {
		return nil, err
	}
	certPEM, keyPEM, err := encodePair(cert, key)
	if err != nil {
		return nil, err
	}
	return &certificate{Certificate: cert, certPEM: certPEM, keyPEM: keyPEM}, nil
}

// sign completes a certificate for key and has it signed, by itself where the authority has no certificate yet.
func sign(template *x509.Certificate, by *authority, key crypto.Signer) (cert *x509.Certificate, err error) {
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, err
	}
	template.BasicConstraintsValid = true
	parent := by.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func encodePair(cert *x509.Certificate, key crypto.Signer) (certPEM, keyPEM []byte, err error) {
	if certPEM, err = certutil.EncodeCertificates(cert); err != nil {
		return nil, nil, err
	}
	keyPEM, err = keyutil.MarshalPrivateKeyToPEM(key)
	return certPEM, keyPEM, err
}
