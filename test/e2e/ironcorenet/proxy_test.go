// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ironcorenet

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"ironcore.dev/networking/test/e2e/cluster"
)

// proxy stands before the API server of ironcore-net and lets requests through as one of its users. It can be taken
// away altogether, and meddle with requests.
type proxy struct {
	// Kubeconfig leads to the proxy.
	Kubeconfig string

	t       *testing.T
	address string
	tls     *tls.Config
	forward *httputil.ReverseProxy

	mu      sync.Mutex
	server  *http.Server
	bare    bool
	meddler func(r *http.Request, pass func())
}

// newProxy returns a proxy that is in place.
func newProxy(t *testing.T, user *cluster.User) *proxy {
	t.Helper()
	target, err := url.Parse(user.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(user.Config)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.Transport, forward.FlushInterval = transport, -1
	// The library's certificate for tests is good for 127.0.0.1.
	certificates := httptest.NewTLSServer(nil)
	t.Cleanup(certificates.Close)
	p := &proxy{t: t, address: "127.0.0.1:0", forward: forward, tls: certificates.TLS.Clone()}
	p.tls.NextProtos = nil
	p.setAway(false)
	t.Cleanup(func() { p.setAway(true) })

	p.Kubeconfig = filepath.Join(t.TempDir(), "ironcore-net.kubeconfig")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificates.Certificate().Raw})
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{
			"ironcore-net": {Server: "https://" + p.address, CertificateAuthorityData: ca},
		},
		Contexts:       map[string]*clientcmdapi.Context{"ironcore-net": {Cluster: "ironcore-net"}},
		CurrentContext: "ironcore-net",
	}, p.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	return p
}

// setAway closes the port and all connections, or opens the same port again.
func (p *proxy) setAway(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if away == (p.server == nil) {
		return
	}
	if away {
		p.server.Close()
		p.server = nil
		return
	}
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.address = listener.Addr().String()
	server := &http.Server{Handler: p} // The goroutine may start after the next setAway.
	p.server = server
	go func() { _ = server.Serve(tls.NewListener(listener, p.tls)) }() // It ends with the test.
}

// setBare has every request answered as by an API server that does not serve ironcore-net's API, or no longer.
func (p *proxy) setBare(bare bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bare = bare
}

// meddle has the function called for each request; pass lets the request through. Nil ends it.
func (p *proxy) meddle(meddler func(r *http.Request, pass func())) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meddler = meddler
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	meddler, bare := p.meddler, p.bare
	p.mu.Unlock()
	forward := p.forward.ServeHTTP
	if bare {
		forward = http.NotFound
	}
	if meddler == nil {
		forward(w, r)
		return
	}
	// A request that is let through arrives, whatever becomes of its sender.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	meddler(r, func() { forward(w, r.WithContext(ctx)) })
}

// isWrite tells whether a request can change something.
func isWrite(r *http.Request) bool { return r.Method != http.MethodGet }
