// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"ironcore.dev/networking/internal/server/pki"
)

// authority is a certificate authority that lives as long as one test run. Its certificate and everything that it
// issues are files in one folder, because that is how programs want them.
type authority struct {
	dir, name string
	signer    *pki.Authority
	certPEM   []byte
}

// keyPair names the files of a certificate and of its private key.
type keyPair struct {
	CertFile string
	KeyFile  string
}

// Certificates are valid on each clock of a test, for longer than any run.
const (
	validBefore = 2 * time.Hour
	lifetime    = 24 * time.Hour
)

func newAuthority(dir, name string) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	signer, err := pki.NewAuthority(name, time.Now().Add(-validBefore), lifetime)
	if err != nil {
		return nil, err
	}
	a := &authority{dir: dir, name: name, signer: signer}
	if a.certPEM, _, err = signer.Encode(); err != nil {
		return nil, err
	}
	return a, cert.WriteCert(a.CertFile(), a.certPEM)
}

// CertFile is the file with the authority's own certificate.
func (a *authority) CertFile() string { return filepath.Join(a.dir, a.name+"-ca.crt") }

// CertPEM is the authority's own certificate.
func (a *authority) CertPEM() []byte { return a.certPEM }

// issue writes a key and a certificate for name that serves both ends of a connection: a client called subject, and
// a server on 127.0.0.1 and at the given DNS names. Issued again under the same name, it replaces the files.
func (a *authority) issue(name string, subject pkix.Name, dnsNames ...string) (keyPair, error) {
	issued, err := a.signer.Issue(x509.Certificate{
		Subject:     subject,
		DNSNames:    append(dnsNames, "localhost"),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, time.Now().Add(-validBefore), lifetime)
	if err != nil {
		return keyPair{}, fmt.Errorf("issuing a certificate for %s: %w", name, err)
	}
	pair := keyPair{CertFile: filepath.Join(a.dir, name+".crt"), KeyFile: filepath.Join(a.dir, name+".key")}
	if err := cert.WriteCert(pair.CertFile, issued.CertPEM); err != nil {
		return keyPair{}, err
	}
	return pair, keyutil.WriteKey(pair.KeyFile, issued.KeyPEM)
}
