// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/sha256"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/utils/clock"
)

const (
	// certMemory is how long a client certificate that was accepted stays so, unless it expires before.
	certMemory = 10 * time.Second
	// certsRemembered bounds the memory.
	certsRemembered = 1000
)

// certRemembering remembers who a client certificate was found to stand for, rather than to check its signature with every
// request of a connection. TLS has proven for the connection that the client has the key. Nothing but client certificates
// may count for the authenticator inside.
type certRemembering struct {
	authenticator.Request
	clock clock.PassiveClock
	known *cache.LRUExpireCache
}

func rememberClientCerts(inside authenticator.Request, clock clock.PassiveClock) authenticator.Request {
	return &certRemembering{Request: inside, clock: clock, known: cache.NewLRUExpireCacheWithClock(certsRemembered, clock)}
}

// AuthenticateRequest tells whom a request is from.
func (a *certRemembering) AuthenticateRequest(request *http.Request) (*authenticator.Response, bool, error) {
	if request.TLS == nil || len(request.TLS.PeerCertificates) == 0 {
		return a.Request.AuthenticateRequest(request)
	}
	cert := request.TLS.PeerCertificates[0]
	sum := sha256.Sum256(cert.Raw)
	if response, ok := a.known.Get(sum); ok {
		return response.(*authenticator.Response), true, nil
	}
	response, ok, err := a.Request.AuthenticateRequest(request)
	if ok && err == nil {
		a.known.Add(sum, response, min(certMemory, cert.NotAfter.Sub(a.clock.Now())))
	}
	return response, ok, err
}
