// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/ovn"
	"ironcore.dev/networking/internal/server/pki"
	"ironcore.dev/networking/test/ovn/lab"
)

// TestTheDatabaseShowsACertificate connects to a real database that takes encrypted connections alone.
func TestTheDatabaseShowsACertificate(t *testing.T) {
	if obstacle != "" {
		t.Skip(obstacle)
	}
	ours, theirs := newAuthority(t), newAuthority(t)
	loopback := x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	elsewhere := x509.Certificate{DNSNames: []string{"nb.example.com"}}
	const away = "OVN's north-bound database does not answer: it must run and be reachable at --ovn-nb."
	const untrusted = "The certificate of OVN's north-bound database is out of date, names another host than --ovn-nb, or is not " +
		"signed by one of --ovn-nb-cafile."
	for _, tc := range []struct {
		sentence string
		// database signs the database's certificate, and client that of the client.
		database, client *pki.Authority
		template         x509.Certificate
		lifetime         time.Duration
		more             string // addresses
		message          string
	}{
		{sentence: "one that names the host is trusted", database: ours, client: ours, template: loopback},
		{sentence: "one that names no host is trusted, as by OVN's programs", database: ours, client: ours},
		{sentence: "one that names another host is not", database: ours, client: ours, template: elsewhere, message: untrusted},
		{sentence: "one that names another member is trusted", database: ours, client: ours, template: elsewhere,
			more: ",ssl:nb.example.com:1"},
		{sentence: "one of another authority is not", database: theirs, client: theirs, template: loopback, message: untrusted},
		{sentence: "one that is out of date is not", database: ours, client: ours, template: loopback, lifetime: -time.Minute,
			message: untrusted},
		{sentence: "a client of another authority is refused by the database", database: ours, client: theirs, template: loopback,
			message: away},
	} {
		t.Run(tc.sentence, func(t *testing.T) {
			dir := t.TempDir()
			if tc.lifetime == 0 {
				tc.lifetime = time.Hour
			}
			write := func(name string, authority *pki.Authority, template x509.Certificate, lifetime time.Duration) {
				t.Helper()
				certificate, err := authority.Issue(template, time.Now(), lifetime)
				if err != nil {
					t.Fatal(err)
				}
				err = errors.Join(os.WriteFile(filepath.Join(dir, name+".crt"), certificate.CertPEM, 0o600),
					os.WriteFile(filepath.Join(dir, name+".key"), certificate.KeyPEM, 0o600))
				if err != nil {
					t.Fatal(err)
				}
			}
			write("database", tc.database, tc.template, tc.lifetime)
			write("client", tc.client, x509.Certificate{}, time.Hour)
			ca, _, err := ours.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "ca.crt"), ca, 0o600); err != nil {
				t.Fatal(err)
			}
			theirCA, _, err := tc.database.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "database-ca.crt"), theirCA, 0o600); err != nil {
				t.Fatal(err)
			}
			options := ovn.NewOptions()
			options.NB = strings.Split(newEncryptedDatabase(t, dir)+tc.more, ",")
			options.CAFile = filepath.Join(dir, "ca.crt")
			options.CertFile, options.KeyFile = filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")
			if errs := options.Validate(true); len(errs) > 0 {
				t.Fatal(errs)
			}
			p, err := ovn.New(options, nil)
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = p.Run(t.Context(), func(types.NamespacedName, types.UID) {}) }() // It ends with the test.
			network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
				Namespace: "a", Name: "one", UID: "5b1d3c4e-0000-4000-8000-000000000001",
			}}
			realization, err := p.Realize(t.Context(), network, provider.Situation{})
			switch {
			case tc.message == "" && (err != nil || realization.State != v1alpha1.NetworkStateAvailable):
				t.Errorf("got %+v (%v)", realization, err)
			case realization.Message != tc.message:
				t.Errorf("got the message %q, want %q", realization.Message, tc.message)
			}
		})
	}
}

// TestTheDatabaseIsNotInitialized takes from a real database the one row that ovn-northd, or ovn-nbctl init, makes first.
func TestTheDatabaseIsNotInitialized(t *testing.T) {
	l := newLab(t, lab.NB)
	if _, err := l.NBCtl("--all", "destroy", "NB_Global"); err != nil {
		t.Fatal(err)
	}
	options := ovn.NewOptions()
	options.NB = []string{l.NBAddress()}
	p, err := ovn.New(options, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Run(t.Context(), func(types.NamespacedName, types.UID) {}) }() // It ends with the test.
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{
		Namespace: "a", Name: "one", UID: "5b1d3c4e-0000-4000-8000-000000000001",
	}}
	realization, _ := p.Realize(t.Context(), network, provider.Situation{})
	const want = "OVN's north-bound database is not initialized: run ovn-nbctl init, or start ovn-northd."
	if realization.Message != want {
		t.Errorf("got the message %q, want %q", realization.Message, want)
	}
	if _, err := l.NBCtl("init"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the Network is realized", func() (bool, string) {
		realization, err := p.Realize(t.Context(), network, provider.Situation{})
		return realization.State == v1alpha1.NetworkStateAvailable, fmt.Sprintf("%+v (%v)", realization, err)
	})
}

func newAuthority(t *testing.T) *pki.Authority {
	t.Helper()
	authority, err := pki.NewAuthority("test", time.Now(), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// newEncryptedDatabase returns the address of a north-bound database with the certificates in a directory.
func newEncryptedDatabase(t *testing.T, dir string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	if output, err := exec.Command("ovsdb-tool", "create", file("nb.db"), "/usr/share/ovn/ovn-nb.ovsschema").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	startDatabase(t, file("nb"), "--remote=pssl:"+port+":127.0.0.1", "--private-key="+file("database.key"),
		"--certificate="+file("database.crt"), "--ca-cert="+file("database-ca.crt"))
	eventually(t, "the database answers", func() (bool, string) {
		output, err := exec.Command("ovn-nbctl", "--timeout=1", "--db=unix:"+file("nb.sock"), "init").CombinedOutput()
		return err == nil, string(output)
	})
	return "ssl:127.0.0.1:" + port
}
