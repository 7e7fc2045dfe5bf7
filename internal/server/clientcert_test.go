// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	testingclock "k8s.io/utils/clock/testing"

	"ironcore.dev/networking/internal/server/pki"
)

// rotating is an authority that can be replaced, and counts how often it is asked to verify.
type rotating struct {
	dynamiccertificates.CAContentProvider
	asked int
}

func (r *rotating) VerifyOptions() (x509.VerifyOptions, bool) {
	r.asked++
	return r.CAContentProvider.VerifyOptions()
}

func TestClientCertificatesAreVerifiedOnceInAWhile(t *testing.T) {
	now := time.Now()
	old, next := newTestAuthority(t, now), newTestAuthority(t, now)
	proxy, stranger := old.issue(t, "front-proxy", time.Hour), next.issue(t, "front-proxy", time.Hour)
	shortLived, otherName := old.issue(t, "front-proxy", 3*time.Second), old.issue(t, "somebody", time.Hour)
	type step struct {
		after    time.Duration
		rotate   bool              // to the next authority
		names    []string          // that are allowed from now on; nil leaves them
		cert     *x509.Certificate // nil is a request without
		verified bool              // anew
		wantIn   bool
	}
	for sentence, steps := range map[string][]step{
		"a certificate is verified once in five seconds": {
			{cert: proxy, verified: true, wantIn: true},
			{cert: proxy, wantIn: true},
			{after: 4 * time.Second, cert: proxy, wantIn: true},
			{after: 2 * time.Second, cert: proxy, verified: true, wantIn: true},
		},
		"a certificate does not count as verified after its end": {
			{cert: shortLived, verified: true, wantIn: true},
			{after: 2 * time.Second, cert: shortLived, wantIn: true},
			{after: 2 * time.Second, cert: shortLived, verified: true, wantIn: true}, // The library has the real time.
		},
		"another authority counts at once": {
			{cert: proxy, verified: true, wantIn: true},
			{rotate: true, cert: proxy, verified: true},
			{cert: stranger, verified: true, wantIn: true},
		},
		"other names count within five seconds": {
			{cert: proxy, verified: true, wantIn: true},
			{names: []string{"somebody"}, cert: otherName, verified: true, wantIn: true},
			{after: 6 * time.Second, cert: proxy, verified: true},
		},
		"a refusal is not remembered": {
			{cert: stranger, verified: true},
			{cert: stranger, verified: true},
			{cert: otherName, verified: true},
			{cert: otherName, verified: true},
		},
		"one certificate is not taken for another": {
			{cert: proxy, verified: true, wantIn: true},
			{cert: stranger, verified: true},
			{cert: shortLived, verified: true, wantIn: true},
		},
		"a request without a certificate is not let in": {
			{cert: proxy, verified: true, wantIn: true},
			{},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			authority := &rotating{CAContentProvider: old.content(t)}
			names := []string{"front-proxy"}
			clock := testingclock.NewFakeClock(now)
			authenticator := rememberVerified(authority,
				headerrequest.StringSliceProviderFunc(func() []string { return names }), byCommonName, clock)
			for i, step := range steps {
				clock.Step(step.after)
				if step.rotate {
					authority.CAContentProvider = next.content(t)
				}
				if step.names != nil {
					names = step.names
				}
				request := &http.Request{TLS: &tls.ConnectionState{}}
				if step.cert != nil {
					request.TLS.PeerCertificates = []*x509.Certificate{step.cert}
				}
				before := authority.asked
				response, in, err := authenticator.AuthenticateRequest(request)
				if verified := authority.asked > before; verified != step.verified || in != step.wantIn {
					t.Fatalf("step %d: verified %v and let in %v (%v), want %v and %v", i, verified, in, err, step.verified, step.wantIn)
				}
				if in && response.User.GetName() != step.cert.Subject.CommonName {
					t.Errorf("step %d: taken for %s", i, response.User.GetName())
				}
			}
		})
	}
}

type testAuthority struct {
	*pki.Authority
	now time.Time
}

func newTestAuthority(t *testing.T, now time.Time) testAuthority {
	t.Helper()
	authority, err := pki.NewAuthority("test", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return testAuthority{authority, now}
}

func (a testAuthority) issue(t *testing.T, name string, validity time.Duration) *x509.Certificate {
	t.Helper()
	issued, err := a.Issue(x509.Certificate{
		Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.now, validity)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(issued.CertPEM)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (a testAuthority) content(t *testing.T) dynamiccertificates.CAContentProvider {
	t.Helper()
	certPEM, _, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	content, err := dynamiccertificates.NewStaticCAContent("test", certPEM)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
