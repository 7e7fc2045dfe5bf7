// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"ironcore.dev/networking/internal/server/pki"
)

// The pairs of files in DIR/pki, NAME.crt and NAME.key. One authority signs the serving certificate and the
// administrator's; their extended key usages keep one from being taken for the other.
const (
	caName      = "ca"
	servingName = "serving"
	adminName   = "admin"
)

const (
	// caValidity is how long the authority lasts. Kubeconfigs that people took with them end with it.
	caValidity = 10 * 365 * 24 * time.Hour
	// validity of the certificates that the authority signs. They are renewed when less than renewBefore is left of it.
	validity    = 365 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
	// renewPeriod is how often a running server looks.
	renewPeriod = 12 * time.Hour
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

// KeepPKI renews the certificates in time while a server runs, and the kubeconfig with them. The server notices that the
// files have changed.
func (d *Dir) KeepPKI(ctx context.Context, clock clock.Clock, hosts []string, serverURL string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.After(renewPeriod):
		}
		_, err := d.EnsurePKI(hosts)
		if err == nil {
			err = d.WriteKubeconfig(serverURL)
		}
		if err != nil {
			klog.FromContext(ctx).Error(err, "Renewing the certificates failed, will try again", "in", renewPeriod)
		}
	}
}

func (d *Dir) certFile(name string) string { return d.file("pki", name+".crt") }
func (d *Dir) keyFile(name string) string  { return d.file("pki", name+".key") }

// ensureCA loads the authority. It makes one only where there can't have been one: its certificate is written after
// its key, so a key alone is a first start that didn't get to its end.
func (d *Dir) ensureCA() (*pki.Authority, error) {
	_, err := os.Lstat(d.certFile(caName))
	if errors.Is(err, fs.ErrNotExist) {
		ca, err := pki.NewAuthority("network-apiserver-ca", time.Now(), caValidity)
		if err != nil {
			return nil, err
		}
		certPEM, keyPEM, err := ca.Encode()
		if err != nil {
			return nil, err
		}
		return ca, d.writePair(caName, certPEM, keyPEM)
	}
	if err != nil {
		return nil, d.explain(err)
	}

	ca, err := d.loadCA()
	if errors.Is(err, fs.ErrPermission) {
		return nil, d.explain(err)
	}
	if err == nil && time.Now().After(ca.Cert.NotAfter) {
		err = fmt.Errorf("the certificate expired on %s", ca.Cert.NotAfter.Format(time.DateOnly))
	}
	if err != nil {
		return nil, fmt.Errorf("the certificate authority %s cannot be used: %w: restore it and %s from a backup, "+
			"or remove %s to have a new one made, which ends the use of every kubeconfig of the old one",
			d.certFile(caName), err, d.keyFile(caName), d.file("pki"))
	}
	return ca, nil
}

func (d *Dir) loadCA() (*pki.Authority, error) {
	certPEM, err := os.ReadFile(d.certFile(caName))
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(d.keyFile(caName))
	if err != nil {
		return nil, err
	}
	return pki.ParseAuthority(certPEM, keyPEM)
}

// ensureSigned keeps the named certificate while it is still what want describes, and else signs a new one.
func (d *Dir) ensureSigned(ca *pki.Authority, name string, want x509.Certificate) error {
	have, err := tls.LoadX509KeyPair(d.certFile(name), d.keyFile(name))
	if err == nil && stillServes(have.Leaf, ca.Cert, want) {
		return nil
	}
	issued, err := ca.Issue(want, time.Now(), validity)
	if err != nil {
		return err
	}
	return d.writePair(name, issued.CertPEM, issued.KeyPEM)
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
func (d *Dir) writePair(name string, certPEM, keyPEM []byte) error {
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
