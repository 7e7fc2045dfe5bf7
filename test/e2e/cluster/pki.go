// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// authority is a certificate authority that lives as long as one test run. Its certificate and everything that it
// issues are files in one folder, because that is how programs want them.
type authority struct {
	dir  string
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// keyPair names the files of a certificate and of its private key.
type keyPair struct {
	CertFile string
	KeyFile  string
}

func newAuthority(dir, name string) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	certificate, err := cert.NewSelfSignedCACert(cert.Config{CommonName: name}, key)
	if err != nil {
		return nil, err
	}
	a := &authority{dir: dir, name: name, cert: certificate, key: key}
	return a, cert.WriteCert(a.CertFile(), a.CertPEM())
}

// CertFile is the file with the authority's own certificate.
func (a *authority) CertFile() string { return filepath.Join(a.dir, a.name+"-ca.crt") }

// CertPEM is the authority's own certificate.
func (a *authority) CertPEM() []byte {
	encoded, err := cert.EncodeCertificates(a.cert)
	if err != nil {
		panic(err) // PEM in memory can't fail for a certificate that was parsed.
	}
	return encoded
}

// issue writes a key and a certificate for name that serves both ends of a connection: a client called subject, and
// a server on 127.0.0.1 and at the given DNS names. Issued again under the same name, it replaces the files.
func (a *authority) issue(name string, subject pkix.Name, dnsNames ...string) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return keyPair{}, err
	}
	template := &x509.Certificate{
		Subject:      subject,
		SerialNumber: serial,
		DNSNames:     append(dnsNames, "localhost"),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return keyPair{}, fmt.Errorf("issuing a certificate for %s: %w", name, err)
	}
	issued, err := x509.ParseCertificate(der)
	if err != nil {
		return keyPair{}, err
	}
	certPEM, err := cert.EncodeCertificates(issued)
	if err != nil {
		return keyPair{}, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return keyPair{}, err
	}
	pair := keyPair{CertFile: filepath.Join(a.dir, name+".crt"), KeyFile: filepath.Join(a.dir, name+".key")}
	if err := cert.WriteCert(pair.CertFile, certPEM); err != nil {
		return keyPair{}, err
	}
	return pair, keyutil.WriteKey(pair.KeyFile, keyPEM)
}
