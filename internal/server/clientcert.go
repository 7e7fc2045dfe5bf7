// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authentication/request/union"
	x509request "k8s.io/apiserver/pkg/authentication/request/x509"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/utils/clock"
)

const (
	// verifiedFor is how long a client certificate that was verified counts as verified, unless it expires before.
	verifiedFor = 5 * time.Second
	// maxVerified bounds the memory.
	maxVerified = 1000
)

// rememberFrontProxy verifies the client certificate of the kube-apiserver at most once in verifiedFor. The kube-apiserver sends the
// requests of all users, and to verify its certificate with each request takes 7 % of the CPU of a create. All other clients are
// left to the library.
func rememberFrontProxy(info *genericapiserver.AuthenticationInfo) {
	proxy := info.RequestHeaderConfig
	if proxy == nil {
		return
	}
	users := headerrequest.NewDynamic(proxy.UsernameHeaders, proxy.UIDHeaders, proxy.GroupHeaders, proxy.ExtraHeaderPrefixes)
	remembering := rememberVerified(proxy.CAContentProvider, proxy.AllowedClientNames, users, clock.RealClock{})
	info.Authenticator = union.New(group.NewAuthenticatedGroupAdder(remembering), info.Authenticator)
}

// rememberVerified asks inside who a request is from, once the client certificate of its connection is verified: signed by
// the authority, valid now, with one of the names, if there are any. TLS has proven for the connection that the client has
// the key. A change of the authority counts at once, and one of the names within verifiedFor.
func rememberVerified(authority dynamiccertificates.CAContentProvider, names headerrequest.StringSliceProvider,
	inside authenticator.Request, clock clock.PassiveClock) authenticator.Request {
	known := cache.NewLRUExpireCacheWithClock(maxVerified, clock)
	key := func(request *http.Request) [sha256.Size]byte {
		return sha256.Sum256(slices.Concat(authority.CurrentCABundleContent(), request.TLS.PeerCertificates[0].Raw))
	}
	verified := authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
		valid := request.TLS.PeerCertificates[0].NotAfter.Sub(clock.Now())
		known.Add(key(request), nil, min(verifiedFor, valid))
		return inside.AuthenticateRequest(request)
	})
	verifying := x509request.NewDynamicCAVerifier(authority.VerifyOptions, verified, names)
	return authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
		if request.TLS != nil && len(request.TLS.PeerCertificates) > 0 {
			if _, ok := known.Get(key(request)); ok {
				return inside.AuthenticateRequest(request)
			}
		}
		return verifying.AuthenticateRequest(request)
	})
}

// byCommonName tells who a request is from by the client certificate of its connection, which is verified already.
var byCommonName = authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
	return x509request.CommonNameUserConversion.User(request.TLS.PeerCertificates)
})
