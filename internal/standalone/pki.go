// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

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
	"io/fs"
	"math/big"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// The pairs of files in DIR/pki, NAME.crt and NAME.key. One authority signs the serving certificate and the
// administrator's; their extended key usages keep one from being taken for the other.
const (
	caName      = "ca"
	servingName = "serving"
	adminName   = "admin"
)

const (
	// validity of the certificates that the authority signs. They are renewed at a start that finds less left
	// of it than renewBefore.
	validity    = 365 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
	// clockSkew is by how much the clock of a client may be behind ours.
	clockSkew = 5 * time.Minute
)

// PKI names the files that an API server is configured with.
type PKI struct {
	// CAFile verifies the server's certificate and, as the client CA, the certificates of its clients.
	CAFile string
	// ServingCertFile and ServingKeyFile are the server's certificate and its key.
	ServingCertFile, ServingKeyFile string
}

// EnsurePKI makes what is missing of DIR/pki: the authority once for all time, since kubeconfigs that people took
// with them depend on it, and the certificates anew whenever they no longer serve. hosts are the IP addresses and
// DNS names under which clients reach the server, beside localhost.
func (d *Dir) EnsurePKI(hosts []string) (*PKI, error) {
	ips, names, err := splitHosts(hosts)
	if err != nil {
		return nil, err
	}
	ca, err := d.ensureCA()
	if err != nil {
		return nil, err
	}
	if err := d.ensureSigned(ca, servingName, x509.Certificate{
		Subject:     pkix.Name{CommonName: "network-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: ips,
		DNSNames:    names,
	}); err != nil {
		return nil, err
	}
	if err := d.ensureSigned(ca, adminName, x509.Certificate{
		Subject:     pkix.Name{CommonName: "system:admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return nil, err
	}
	return &PKI{
		CAFile:          d.certFile(caName),
		ServingCertFile: d.certFile(servingName),
		ServingKeyFile:  d.keyFile(servingName),
	}, nil
}

func (d *Dir) certFile(name string) string { return d.file("pki", name+".crt") }
func (d *Dir) keyFile(name string) string  { return d.file("pki", name+".key") }

// authority signs the other certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.PrivateKey
}

// ensureCA loads the authority. It makes one only where there can't have been one: its certificate is written after
// its key, so a key alone is a first start that didn't get to its end.
func (d *Dir) ensureCA() (*authority, error) {
	_, err := os.Lstat(d.certFile(caName))
	if errors.Is(err, fs.ErrNotExist) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		cert, err := certutil.NewSelfSignedCACert(certutil.Config{
			// Two servers on one machine make two authorities: the name tells which one a certificate is from.
			CommonName: fmt.Sprintf("network-apiserver-ca@%d", now.Unix()),
			NotBefore:  now.Add(-clockSkew),
		}, key)
		if err != nil {
			return nil, err
		}
		return &authority{cert: cert, key: key}, d.writePair(caName, cert, key)
	}
	if err != nil {
		return nil, d.explain(err)
	}

	ca, err := tls.LoadX509KeyPair(d.certFile(caName), d.keyFile(caName))
	if errors.Is(err, fs.ErrPermission) {
		return nil, d.explain(err)
	}
	if err == nil && !ca.Leaf.IsCA {
		err = errors.New("the certificate is not one of an authority")
	}
	if err == nil && time.Now().After(ca.Leaf.NotAfter) {
		err = fmt.Errorf("the certificate expired on %s", ca.Leaf.NotAfter.Format(time.DateOnly))
	}
	if err != nil {
		return nil, fmt.Errorf("the certificate authority %s cannot be used: %w: restore it and %s from a backup, "+
			"or remove %s to have a new one made, which ends the use of every kubeconfig of the old one",
			d.certFile(caName), err, d.keyFile(caName), d.file("pki"))
	}
	return &authority{cert: ca.Leaf, key: ca.PrivateKey}, nil
}

// ensureSigned keeps the named certificate while it is still what want describes, and else signs a new one.
func (d *Dir) ensureSigned(ca *authority, name string, want x509.Certificate) error {
	have, err := tls.LoadX509KeyPair(d.certFile(name), d.keyFile(name))
	if err == nil && stillServes(have.Leaf, ca.cert, want) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	want.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	want.NotBefore = time.Now().Add(-clockSkew)
	want.NotAfter = want.NotBefore.Add(validity)
	if want.NotAfter.After(ca.cert.NotAfter) {
		want.NotAfter = ca.cert.NotAfter
	}
	want.KeyUsage = x509.KeyUsageDigitalSignature
	want.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, &want, ca.cert, key.Public(), ca.key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	return d.writePair(name, cert, key)
}

// stillServes tells whether have is from the authority, for whom and what want says, and lasts a while.
func stillServes(have, ca *x509.Certificate, want x509.Certificate) bool {
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	_, err := have.Verify(x509.VerifyOptions{
		Roots:       roots,
		KeyUsages:   want.ExtKeyUsage,
		CurrentTime: time.Now().Add(renewBefore),
	})
	return err == nil &&
		have.Subject.String() == want.Subject.String() &&
		slices.EqualFunc(have.IPAddresses, want.IPAddresses, net.IP.Equal) &&
		slices.Equal(have.DNSNames, want.DNSNames)
}

// writePair writes the key first: a certificate on disk always has had its key beside it.
func (d *Dir) writePair(name string, cert *x509.Certificate, key *ecdsa.PrivateKey) error {
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	certPEM, err := certutil.EncodeCertificates(cert)
	if err != nil {
		return err
	}
	if err := d.write(d.keyFile(name), keyPEM); err != nil {
		return err
	}
	return d.write(d.certFile(name), certPEM)
}

// splitHosts sorts hosts and this machine's own into IP addresses and DNS names, each once and in a fixed order.
func splitHosts(hosts []string) (ips []net.IP, names []string, err error) {
	all := sets.New("localhost", "127.0.0.1", "::1")
	for _, host := range hosts {
		all.Insert(strings.ToLower(host))
	}
	for _, host := range sets.List(all) {
		if ip := net.ParseIP(host); ip != nil {
			ips = append(ips, ip)
		} else if len(validation.IsDNS1123Subdomain(host)) == 0 {
			names = append(names, host)
		} else {
			return nil, nil, fmt.Errorf("host %q can't be in the serving certificate: "+
				"it is neither an IP address nor a DNS name", host)
		}
	}
	return ips, names, nil
}
