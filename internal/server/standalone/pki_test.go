// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
	testclock "k8s.io/utils/clock/testing"

	"ironcore.dev/networking/internal/server/pki"
)

func TestKubeconfigReachesServer(t *testing.T) {
	d := openTemp(t)
	if got := askServer(t, d, ensurePKI(t, d)); got != "CN=system:admin,O=system:masters" {
		t.Errorf("the server took the client for %q", got)
	}
}

func TestRestartKeepsPKI(t *testing.T) {
	d := openTemp(t)
	ensurePKI(t, d, "apiserver.example.org", "192.0.2.1")
	before := readFiles(t, d)
	ensurePKI(t, d, "192.0.2.1", "APISERVER.example.org")
	wantEqual(t, readFiles(t, d), before)
}

func TestRenewal(t *testing.T) {
	tests := map[string]struct {
		damage  func(t *testing.T, d *Dir)
		hosts   []string
		changed []string
	}{
		"a host more makes a new serving certificate": {
			hosts:   []string{"192.0.2.1", "192.0.2.2"},
			changed: []string{"serving"},
		},
		"a host less makes a new serving certificate": {
			changed: []string{"serving"},
		},
		"a missing serving certificate is created again": {
			damage: func(t *testing.T, d *Dir) {
				if err := os.Remove(d.certFile(servingName)); err != nil {
					t.Fatal(err)
				}
			},
			hosts:   []string{"192.0.2.1"},
			changed: []string{"serving"},
		},
		"a missing key makes a new certificate": {
			damage: func(t *testing.T, d *Dir) {
				if err := os.Remove(d.keyFile(adminName)); err != nil {
					t.Fatal(err)
				}
			},
			hosts:   []string{"192.0.2.1"},
			changed: []string{"admin"},
		},
		"a certificate that is cut off is created again": {
			damage: func(t *testing.T, d *Dir) {
				if err := os.Truncate(d.certFile(adminName), 100); err != nil {
					t.Fatal(err)
				}
			},
			hosts:   []string{"192.0.2.1"},
			changed: []string{"admin"},
		},
		"a key of another certificate is replaced": {
			damage: func(t *testing.T, d *Dir) {
				if err := os.Rename(d.keyFile(adminName), d.keyFile(servingName)); err != nil {
					t.Fatal(err)
				}
			},
			hosts:   []string{"192.0.2.1"},
			changed: []string{"admin", "serving"},
		},
		"a certificate for another use is replaced": {
			damage: func(t *testing.T, d *Dir) {
				for _, file := range []func(string) string{d.certFile, d.keyFile} {
					if err := os.Rename(file(adminName), file(servingName)); err != nil {
						t.Fatal(err)
					}
				}
			},
			hosts:   []string{"192.0.2.1"},
			changed: []string{"admin", "serving"},
		},
		"a certificate of another authority is replaced": {
			damage: func(t *testing.T, d *Dir) {
				other := openTemp(t)
				ensurePKI(t, other, "192.0.2.1")
				for _, file := range []func(*Dir, string) string{(*Dir).certFile, (*Dir).keyFile} {
					if err := os.Rename(file(other, adminName), file(d, adminName)); err != nil {
						t.Fatal(err)
					}
				}
			},
			hosts:   []string{"192.0.2.1"},
			changed: []string{"admin"},
		},
		"a certificate with 29 days left is renewed": {
			damage:  func(t *testing.T, d *Dir) { signAgain(t, d, adminName, 29*24*time.Hour) },
			hosts:   []string{"192.0.2.1"},
			changed: []string{"admin"},
		},
		"a certificate with 31 days left stays": {
			damage: func(t *testing.T, d *Dir) { signAgain(t, d, adminName, 31*24*time.Hour) },
			hosts:  []string{"192.0.2.1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := openTemp(t)
			ensurePKI(t, d, "192.0.2.1")
			if test.damage != nil {
				test.damage(t, d)
			}
			before := readFiles(t, d)
			pki := ensurePKI(t, d, test.hosts...)
			after := readFiles(t, d)
			var changed []string
			for _, name := range []string{adminName, caName, servingName} {
				if after[name+".crt"] != before[name+".crt"] {
					changed = append(changed, name)
				}
			}
			wantEqual(t, changed, test.changed)
			if got := askServer(t, d, pki); got != "CN=system:admin,O=system:masters" {
				t.Errorf("afterwards the server took the client for %q", got)
			}
		})
	}
}

func TestARunningServerRenewsItsCertificates(t *testing.T) {
	d := openTemp(t)
	ensurePKI(t, d)
	clock := testclock.NewFakeClock(time.Now())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.KeepPKI(ctx, clock, nil, "https://localhost:6443")
	}()
	// A new round waits at the clock once the one before has written.
	waiting := func(context.Context) (bool, error) { return clock.HasWaiters(), nil }
	round := func() {
		if err := wait.PollUntilContextTimeout(ctx, time.Millisecond, time.Minute, true, waiting); err != nil {
			t.Fatal(err)
		}
	}
	round()
	before := readFiles(t, d)
	signAgain(t, d, servingName, renewBefore-time.Hour)
	signAgain(t, d, adminName, renewBefore-time.Hour)
	clock.Step(renewPeriod)
	round()
	if got := askServer(t, d, &PKI{
		CAFile: d.certFile(caName), ServingCertFile: d.certFile(servingName), ServingKeyFile: d.keyFile(servingName),
	}); got != "CN=system:admin,O=system:masters" {
		t.Errorf("the server took the client for %q", got)
	}
	after := readFiles(t, d)
	for name, content := range after {
		if renewed := content != before[name]; renewed != !strings.Contains(name, "ca.") {
			t.Errorf("%s: renewed is %t", name, renewed)
		}
	}
	for _, name := range []string{servingName, adminName} {
		cert, err := certutil.CertsFromFile(d.certFile(name))
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(cert[0].NotAfter); left < renewBefore {
			t.Errorf("%s lasts for %v", name, left)
		}
	}
	stop()
	<-ended
}

func TestServingCertificateHosts(t *testing.T) {
	d := openTemp(t)
	pki := ensurePKI(t, d, "apiserver.example.org", "192.0.2.1", "2001:db8::1", "localhost")
	certs, err := certutil.CertsFromFile(pki.ServingCertFile)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, certs[0].DNSNames, []string{"apiserver.example.org", "localhost"})
	wantEqual(t, fmt.Sprint(certs[0].IPAddresses), "[127.0.0.1 192.0.2.1 2001:db8::1 ::1]")

	_, err = d.EnsurePKI([]string{"api server"})
	wantErrorLine(t, err, `host "api server" can't be in the serving certificate: `+
		"it is neither an IP address nor a DNS name")
}

func TestFirstStartInterrupted(t *testing.T) {
	d := openTemp(t)
	ensurePKI(t, d)
	// What is left when the process is killed before the authority's certificate is written.
	for _, name := range []string{"ca.crt", "serving.crt", "serving.key", "admin.crt", "admin.key"} {
		if err := os.Remove(d.file("pki", name)); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, d.file("pki", "ca.crt.tmp"), []byte("-----BEGIN CERTIF"))
	if got := askServer(t, d, ensurePKI(t, d)); got != "CN=system:admin,O=system:masters" {
		t.Errorf("the server took the client for %q", got)
	}
	if _, err := os.Stat(d.file("pki", "ca.crt.tmp")); !os.IsNotExist(err) {
		t.Errorf("the temporary file is still there: %v", err)
	}
}

// TestUnusableAuthority: a new authority would end the use of every kubeconfig, which nobody asked for.
func TestUnusableAuthority(t *testing.T) {
	tests := map[string]struct {
		damage func(t *testing.T, d *Dir)
		reason string
	}{
		"without its key": {
			damage: func(t *testing.T, d *Dir) {
				if err := os.Remove(d.keyFile(caName)); err != nil {
					t.Fatal(err)
				}
			},
			reason: "open DIR/pki/ca.key: no such file or directory",
		},
		"with an empty certificate file": {
			damage: func(t *testing.T, d *Dir) { writeFile(t, d.certFile(caName), nil) },
			reason: "tls: failed to find any PEM data in certificate input",
		},
		"with a key that is garbage": {
			damage: func(t *testing.T, d *Dir) { writeFile(t, d.keyFile(caName), []byte("garbage")) },
			reason: "tls: failed to find any PEM data in key input",
		},
		"with the key of another": {
			damage: func(t *testing.T, d *Dir) {
				if err := os.Rename(d.keyFile(adminName), d.keyFile(caName)); err != nil {
					t.Fatal(err)
				}
			},
			reason: "tls: private key does not match public key",
		},
		"that is none": {
			damage: func(t *testing.T, d *Dir) {
				for _, file := range []func(string) string{d.certFile, d.keyFile} {
					if err := os.Rename(file(adminName), file(caName)); err != nil {
						t.Fatal(err)
					}
				}
			},
			reason: "the certificate is not one of an authority",
		},
		"that has expired": {
			damage: func(t *testing.T, d *Dir) { signAgain(t, d, caName, -time.Second) },
			reason: "the certificate expired on " + time.Now().UTC().Format(time.DateOnly),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := openTemp(t)
			ensurePKI(t, d)
			test.damage(t, d)
			before := readFiles(t, d)
			_, err := d.EnsurePKI(nil)
			wantErrorLine(t, err, strings.ReplaceAll("the certificate authority DIR/pki/ca.crt cannot be used: "+
				test.reason+": restore it and DIR/pki/ca.key from a backup, or remove DIR/pki to have a new one made, "+
				"which ends the use of every kubeconfig of the old one", "DIR", d.path))
			wantEqual(t, readFiles(t, d), before)
		})
	}
}

// askServer has a client with the administrator's kubeconfig ask a server, and returns whom the server took it for.
func askServer(t *testing.T, d *Dir, pki *PKI) string {
	t.Helper()
	serving, err := tls.LoadX509KeyPair(pki.ServingCertFile, pki.ServingKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := certutil.NewPool(pki.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject)
	}))
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{serving},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
	}
	server.StartTLS()
	defer server.Close()

	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WriteKubeconfig("https://localhost:" + port); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := os.ReadFile(d.KubeconfigFile())
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Get(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// signAgain has the authority sign the named certificate again, for a key of its own and with that much time left. The authority
// itself is made anew.
func signAgain(t *testing.T, d *Dir, name string, left time.Duration) {
	t.Helper()
	if name == caName {
		ca, err := pki.NewAuthority("test", time.Now(), left)
		if err != nil {
			t.Fatal(err)
		}
		certPEM, keyPEM, err := ca.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.writePair(name, certPEM, keyPEM); err != nil {
			t.Fatal(err)
		}
		return
	}
	ca, err := d.loadCA()
	if err != nil {
		t.Fatal(err)
	}
	old, err := certutil.CertsFromFile(d.certFile(name))
	if err != nil {
		t.Fatal(err)
	}
	template := *old[0]
	template.PublicKey, template.PublicKeyAlgorithm, template.SignatureAlgorithm = nil, 0, 0
	issued, err := ca.Issue(template, time.Now(), left)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.writePair(name, issued.CertPEM, issued.KeyPEM); err != nil {
		t.Fatal(err)
	}
}

func openTemp(t *testing.T) *Dir {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func ensurePKI(t *testing.T, d *Dir, hosts ...string) *PKI {
	t.Helper()
	pki, err := d.EnsurePKI(hosts)
	if err != nil {
		t.Fatal(err)
	}
	return pki
}

// readFiles returns the contents of DIR/pki by file name.
func readFiles(t *testing.T, d *Dir) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(d.file("pki"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		data, err := os.ReadFile(d.file("pki", entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(data)
	}
	return files
}
