// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package servingcert keeps the serving certificate of a server behind a Kubernetes API server, without help from
// anybody: its certificate authority is in a Secret that all replicas share, each replica signs a certificate for
// itself and keeps it in memory, and the caBundle of the APIService says whom kube-apiserver is to trust.
//
//	Secret (authorities) → APIService (caBundle) → kube-apiserver trusts
//	         ↓                                             ↓
//	serving certificate of each replica  ←  connects to  ──┘
//
// A new authority is made known in Secret and APIService beside the old one, and signs only once it has been known
// for a while; the old one stays trusted until it expires. A Secret that was deleted is created again the same way.
package servingcert

import (
	"context"
	"crypto/x509"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"ironcore.dev/networking/internal/server/pki"
)

const (
	// checkInterval is how often everything is looked at again. Changes by others are noticed at once.
	checkInterval = 30 * time.Second
	// checkTimeout limits one look, and so how long a start can hang on a host cluster that doesn't answer.
	checkTimeout = 30 * time.Second
)

// Config is what a Provider needs.
type Config struct {
	Options *Options
	// Client and Dynamic speak to the host cluster.
	Client  kubernetes.Interface
	Dynamic dynamic.Interface
	Clock   clock.Clock
}

// Provider has the certificate that a replica serves with. The server that it is given to runs it.
type Provider struct {
	config    Config
	serving   atomic.Pointer[pki.Certificate]
	listeners []dynamiccertificates.Listener

	// carried is the successor that the APIService was first seen with at carriedSince.
	carried      *x509.Certificate
	carriedSince time.Time
}

var (
	_ dynamiccertificates.CertKeyContentProvider = &Provider{}
	_ dynamiccertificates.ControllerRunner       = &Provider{}
)

// New returns a provider with a certificate that the host cluster has been told to trust.
func New(ctx context.Context, config Config) (*Provider, error) {
	p := &Provider{config: config}
	if err := p.RunOnce(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Name says where the certificate is from.
func (p *Provider) Name() string { return "serving-cert::secret::" + p.config.Options.Secret }

// CurrentCertKeyContent returns the certificate and its key as PEM.
func (p *Provider) CurrentCertKeyContent() (certPEM, keyPEM []byte) {
	serving := p.serving.Load()
	return serving.CertPEM, serving.KeyPEM
}

// AddListener adds a listener, which is told of each new certificate. All are added before the provider runs.
func (p *Provider) AddListener(listener dynamiccertificates.Listener) {
	p.listeners = append(p.listeners, listener)
}

// Run keeps everything current until the context ends.
func (p *Provider) Run(ctx context.Context, _ int) {
	var watches wait.Group
	defer watches.Wait()
	changed := make(chan struct{}, 1)
	namespace, name := p.config.Options.secret()
	watches.StartWithContext(ctx, p.watch(secretResource, namespace, name, changed))
	watches.StartWithContext(ctx, p.watch(apiServiceResource, metav1.NamespaceNone, p.config.Options.APIService, changed))
	for {
		if err := p.RunOnce(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Cannot keep the serving certificate current, trying again later")
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-p.config.Clock.After(checkInterval):
		}
	}
}

// watch returns what reports changes of one object. It reads no other, as the permissions are for its name only.
func (p *Provider) watch(
	resource schema.GroupVersionResource, namespace, name string, changed chan<- struct{},
) func(context.Context) {
	report := func() {
		select {
		case changed <- struct{}{}:
		default: // A report is pending already.
		}
	}
	informer := dynamicinformer.NewFilteredDynamicInformer(p.config.Dynamic, resource, namespace, 0, nil,
		func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
		}).Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { report() },
		UpdateFunc: func(any, any) { report() },
		DeleteFunc: func(any) { report() },
	})
	return func(ctx context.Context) {
		if err != nil {
			klog.FromContext(ctx).Error(err, "Cannot watch, looking now and then instead", "resource", resource.Resource)
			return
		}
		informer.RunWithContext(ctx)
	}
}

// RunOnce looks at everything once and puts right what is not.
func (p *Provider) RunOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error { return p.sync(ctx) })
}

// sync reads the APIService before the Secret, and writes each only as it was read. So a replica that is late can't put
// an old bundle over a newer one: whoever published that wrote the Secret first.
func (p *Provider) sync(ctx context.Context) error {
	apiService, err := p.readAPIService(ctx)
	if err != nil {
		return p.explainAPIService(err)
	}
	secret, err := p.readSecret(ctx)
	if err != nil {
		return p.explainSecret(err)
	}
	stored, err := parse(secret.Data)
	if err != nil {
		return p.explainSecret(err)
	}

	now := p.config.Clock.Now()
	bundle := caBundle(apiService)
	s := situation{now: now, stored: stored, registered: apiService != nil}
	s.bundle, _ = certutil.ParseCertsPEM(bundle) // Clients that can't read it trust nobody.
	s.carriedSince = p.observe(stored.next, s.bundle, now)
	if serving := p.serving.Load(); serving != nil {
		s.serving = serving.Certificate
	}
	d := decide(s)
	if d.needsNext {
		s.stored, s.carriedSince = d.stored, time.Time{}
		if s.stored.next, err = pki.NewAuthority("network-apiserver-ca", now, authorityLifetime); err != nil {
			return err
		}
		d = decide(s)
	}

	data, err := d.stored.encode()
	if err != nil {
		return err
	}
	if err := p.store(ctx, secret, data); err != nil {
		return p.explainSecret(err)
	}
	published := p.publish(ctx, apiService, bundle, data[trustedKey])
	// With a signing authority, a certificate can be renewed whether publishing worked or not.
	if d.signer != nil {
		if err := p.serve(ctx, d.signer, now); err != nil {
			return err
		}
	}
	return p.explainAPIService(published)
}

// observe returns since when the successor has been seen in the bundle.
func (p *Provider) observe(next *pki.Authority, bundle []*x509.Certificate, now time.Time) time.Time {
	var carried *x509.Certificate
	for _, cert := range bundle {
		if next != nil && cert.Equal(next.Cert) {
			carried = cert
		}
	}
	if carried == nil {
		p.carried, p.carriedSince = nil, time.Time{}
	} else if !carried.Equal(p.carried) {
		p.carried, p.carriedSince = carried, now
	}
	return p.carriedSince
}

// serve puts a new certificate into use.
func (p *Provider) serve(ctx context.Context, signer *pki.Authority, now time.Time) error {
	serving, err := issue(signer, p.config.Options.DNSNames, now)
	if err != nil {
		return err
	}
	p.serving.Store(serving)
	klog.FromContext(ctx).Info("Signed a new serving certificate", "authority", signer.Cert.Subject.CommonName,
		"notAfter", serving.NotAfter)
	for _, listener := range p.listeners {
		listener.Enqueue()
	}
	return nil
}
