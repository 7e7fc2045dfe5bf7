// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	testingclock "k8s.io/utils/clock/testing"
)

// TestClientCertsAreRemembered has an authenticator inside that lets in who "admin" is, for as long as it wants.
func TestClientCertsAreRemembered(t *testing.T) {
	noon := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	cert := func(raw string, validFor time.Duration) *x509.Certificate {
		return &x509.Certificate{Raw: []byte(raw), NotAfter: noon.Add(validFor)}
	}
	admin, shortLived, stranger := cert("admin", time.Hour), cert("admin, for long enough", 3*time.Second), cert("stranger", time.Hour)
	type step struct {
		after time.Duration
		cert  *x509.Certificate // nil is a request without
		// asked tells whether the authenticator inside has to say; wantIn whether the request is let in.
		asked, wantIn bool
	}
	for sentence, steps := range map[string][]step{
		"a certificate is checked once in a while": {
			{cert: admin, asked: true, wantIn: true},
			{cert: admin, wantIn: true},
			{after: 9 * time.Second, cert: admin, wantIn: true},
			{after: 2 * time.Second, cert: admin, asked: true, wantIn: true},
		},
		"a certificate is not let in after its end": {
			{cert: shortLived, asked: true, wantIn: true},
			{after: 2 * time.Second, cert: shortLived, wantIn: true},
			{after: 2 * time.Second, cert: shortLived, asked: true, wantIn: true},
		},
		"a refusal is not remembered": {
			{cert: stranger, asked: true},
			{cert: stranger, asked: true},
		},
		"one is not taken for another": {
			{cert: admin, asked: true, wantIn: true},
			{cert: stranger, asked: true},
			{cert: shortLived, asked: true, wantIn: true},
		},
		"a request without a certificate is never remembered": {
			{asked: true},
			{asked: true},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			asked := false
			inside := authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
				asked = true
				switch {
				case request.TLS.PeerCertificates == nil:
					return nil, false, nil
				case string(request.TLS.PeerCertificates[0].Raw) == "stranger":
					return nil, false, errors.New("unknown authority")
				}
				return &authenticator.Response{User: &user.DefaultInfo{Name: "admin"}}, true, nil
			})
			clock := testingclock.NewFakeClock(noon)
			remembering := rememberClientCerts(inside, clock)
			for i, step := range steps {
				clock.Step(step.after)
				request := &http.Request{TLS: &tls.ConnectionState{}}
				if step.cert != nil {
					request.TLS.PeerCertificates = []*x509.Certificate{step.cert}
				}
				asked = false
				response, in, err := remembering.AuthenticateRequest(request)
				if asked != step.asked || in != step.wantIn {
					t.Errorf("step %d: asked inside %v and let in %v (%v), want %v and %v", i, asked, in, err, step.asked, step.wantIn)
				}
				if in && response.User.GetName() != "admin" {
					t.Errorf("step %d: taken for %s", i, response.User.GetName())
				}
			}
		})
	}
}
