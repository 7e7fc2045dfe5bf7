// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

const (
	// The encapsulation takes 58 bytes of the usual 1500.
	defaultMTU = 1442
	// minMTU is what IPv6 needs.
	minMTU, maxMTU = 1280, 65535
)

// Options say where OVN's north-bound database is.
type Options struct {
	// NB are the addresses of the database, several for a cluster.
	NB []string
	// CAFile, CertFile and KeyFile are for addresses that begin with "ssl:".
	CAFile, CertFile, KeyFile string
	// MTU is the length of the longest packet that passes between hypervisors.
	MTU int
}

// NewOptions returns the defaults.
func NewOptions() Options { return Options{MTU: defaultMTU} }

// AddFlags adds the flags of the provider.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.NB, "ovn-nb", o.NB,
		"Addresses of OVN's north-bound database, in which --network-provider=ovn realizes the Networks: unix:/path, "+
			"tcp:host:port or ssl:host:port. Give all members of a cluster, separated by commas.")
	fs.StringVar(&o.CAFile, "ovn-nb-cafile", o.CAFile,
		"Certificates (PEM) of the authorities that sign the database's certificate. For addresses that begin with ssl:. If the "+
			"database's certificate names hosts, it must name one of --ovn-nb.")
	fs.StringVar(&o.CertFile, "ovn-nb-certfile", o.CertFile,
		"Certificate (PEM) that the server shows to the database. Read again for each connection.")
	fs.StringVar(&o.KeyFile, "ovn-nb-keyfile", o.KeyFile, "Key (PEM) of --ovn-nb-certfile.")
	fs.IntVar(&o.MTU, "ovn-mtu", o.MTU,
		"Length in bytes of the longest IP packet that passes between hypervisors: that of their network minus 58 for the "+
			"encapsulation, or minus 78 with IPv6. NetworkInterfaces have it in status.mtu.")
}

// Validate returns every mistake in the options, given whether the provider is chosen.
func (o *Options) Validate(chosen bool) []error {
	var errs []error
	files := []struct{ flag, value string }{
		{"ovn-nb-cafile", o.CAFile}, {"ovn-nb-certfile", o.CertFile}, {"ovn-nb-keyfile", o.KeyFile},
	}
	if !chosen {
		given := append(files, struct{ flag, value string }{"ovn-nb", strings.Join(o.NB, ",")})
		if o.MTU != defaultMTU {
			given = append(given, struct{ flag, value string }{"ovn-mtu", fmt.Sprint(o.MTU)})
		}
		for _, option := range given {
			if option.value != "" {
				errs = append(errs, fmt.Errorf("--%s has no effect without --network-provider=ovn", option.flag))
			}
		}
		return errs
	}
	if len(o.NB) == 0 {
		errs = append(errs, fmt.Errorf("--network-provider=ovn needs --ovn-nb, the addresses of the north-bound database"))
	}
	encrypted := false
	for _, address := range o.NB {
		if !isAddress(address) {
			errs = append(errs, fmt.Errorf("--ovn-nb: %q is not the address of a database: "+
				"give unix:/path, tcp:host:port or ssl:host:port", address))
		}
		encrypted = encrypted || strings.HasPrefix(address, "ssl:")
	}
	for _, file := range files {
		switch {
		case encrypted && file.value == "":
			errs = append(errs, fmt.Errorf("--ovn-nb has an address that begins with ssl:, which needs --%s", file.flag))
		case !encrypted && file.value != "":
			errs = append(errs, fmt.Errorf("--%s has no effect without an ssl: address of --ovn-nb", file.flag))
		}
	}
	if encrypted && len(errs) == 0 {
		if _, err := o.tls(nil); err != nil {
			errs = append(errs, err)
		}
	}
	if o.MTU < minMTU || o.MTU > maxMTU {
		errs = append(errs, fmt.Errorf("--ovn-mtu: must be %d to %d, not %d", minMTU, maxMTU, o.MTU))
	}
	return errs
}

func isAddress(text string) bool {
	scheme, rest, ok := strings.Cut(text, ":")
	switch {
	case !ok:
		return false
	case scheme == "unix":
		return strings.HasPrefix(rest, "/")
	case scheme == "tcp" || scheme == "ssl":
		host, port, err := net.SplitHostPort(rest)
		return err == nil && host != "" && port != ""
	}
	return false
}

// untrustedError tells that the certificate of the database is not trusted.
type untrustedError struct{ cause error }

func (e *untrustedError) Error() string { return e.cause.Error() }
func (e *untrustedError) Unwrap() error { return e.cause }

// tls is for connections to addresses that begin with "ssl:". It calls distrusted with the error if the database's certificate is
// not trusted.
func (o *Options) tls(distrusted func(error)) (*tls.Config, error) {
	authorities, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("--ovn-nb-cafile: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("--ovn-nb-cafile: %s holds no certificate in PEM form", o.CAFile)
	}
	certificate, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("--ovn-nb-certfile and --ovn-nb-keyfile: %w", err)
	}
	hosts := o.encryptedHosts()
	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		MinVersion:   tls.VersionTLS12,
		// The usual check would refuse the certificates that OVN's own tools make: they name no hosts.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			err := verify(state.PeerCertificates, roots, hosts)
			if err != nil {
				err = &untrustedError{err}
				distrusted(err)
			}
			return err
		},
	}, nil
}

// encryptedHosts returns those of the addresses that begin with "ssl:".
func (o *Options) encryptedHosts() []string {
	var hosts []string
	for _, address := range o.NB {
		if rest, ok := strings.CutPrefix(address, "ssl:"); ok {
			if host, _, err := net.SplitHostPort(rest); err == nil {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts
}

// verify checks that an authority has signed a chain of certificates. If the certificate names hosts, one must be among the given
// ones: it need not be the member's own, because all members of a cluster may share a certificate.
func verify(chain []*x509.Certificate, roots *x509.CertPool, hosts []string) error {
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	leaf := chain[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates}); err != nil {
		return err
	}
	if len(leaf.DNSNames)+len(leaf.IPAddresses) == 0 {
		return nil
	}
	var err error
	for _, host := range hosts {
		if err = leaf.VerifyHostname(host); err == nil {
			return nil
		}
	}
	return err
}
