// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"syscall"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"

	"ironcore.dev/networking/internal/controllers/machine"
	"ironcore.dev/networking/internal/servingcert"
	"ironcore.dev/networking/internal/standalone"
	"ironcore.dev/networking/pkg/openapi"
)

// loopbackAddress is where a server that stands alone listens unless told otherwise.
var loopbackAddress = net.IPv4(127, 0, 0, 1)

// Config is what a server needs: everything is opened, nothing serves yet.
type Config struct {
	Options *Options
	Generic *genericapiserver.RecommendedConfig
	// Etcd is the server's own client, for the election and the local provider.
	Etcd *clientv3.Client
	// Events passes the controllers' Events on to the host cluster; without one they end here.
	Events record.EventBroadcaster
	// CachesFilled is called once, when all that is stored has been read.
	CachesFilled func()

	cluster  kubernetes.Interface // the host cluster; nil in standalone mode
	dir      *standalone.Dir      // nil without --data-dir
	pki      *standalone.PKI      // nil with a host cluster
	embedded *standalone.Etcd     // nil with etcd servers outside
}

// NewConfig opens what the options name. Close the config in the end.
func NewConfig(ctx context.Context, o *Options) (_ *Config, err error) {
	c := &Config{
		Options: o,
		Generic: genericapiserver.NewRecommendedConfig(codecs),
		Events:  record.NewBroadcaster(record.WithContext(ctx)),
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	for _, step := range []func(context.Context) error{
		c.checkFiles,
		c.findHost,
		c.openDataDir,
		c.listen,
		c.startEtcd,
		c.applyOptions,
		c.connectHost,
		c.applyServingCert,
		c.applyMode,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Close releases what NewConfig opened; the API server has stopped by then.
func (c *Config) Close() {
	c.Events.Shutdown()
	if c.Etcd != nil {
		_ = c.Etcd.Close() // It reports that its context was cancelled, which is what Close does.
	}
	if c.embedded != nil {
		c.embedded.Close()
	}
	if c.dir != nil {
		_ = c.dir.Close() // The lock ends with the process at the latest.
	}
}

// checkFiles names the flag of each file that cannot be read; the libraries that read them later name the file alone.
func (c *Config) checkFiles(context.Context) error {
	r := c.Options.Recommended
	etcd := r.Etcd.StorageConfig.Transport
	var errs []error
	for _, file := range []struct{ flag, path string }{
		{"admission-control-config-file", r.Admission.ConfigFile},
		{"audit-policy-file", r.Audit.PolicyFile},
		{"audit-webhook-config-file", r.Audit.WebhookOptions.ConfigFile},
		{"authentication-kubeconfig", r.Authentication.RemoteKubeConfigFile},
		{"authorization-kubeconfig", r.Authorization.RemoteKubeConfigFile},
		{"client-ca-file", r.Authentication.ClientCert.ClientCA},
		{"egress-selector-config-file", r.EgressSelector.ConfigFile},
		{"encryption-provider-config", r.Etcd.EncryptionProviderConfigFilepath},
		{"etcd-cafile", etcd.TrustedCAFile},
		{"etcd-certfile", etcd.CertFile},
		{"etcd-keyfile", etcd.KeyFile},
		{"kubeconfig", r.CoreAPI.CoreAPIKubeconfigPath},
		{"requestheader-client-ca-file", r.Authentication.RequestHeader.ClientCAFile},
		{"tls-cert-file", r.SecureServing.ServerCert.CertKey.CertFile},
		{"tls-private-key-file", r.SecureServing.ServerCert.CertKey.KeyFile},
		{"tracing-config-file", r.Traces.ConfigFile},
	} {
		if file.path == "" {
			continue
		}
		opened, err := os.Open(file.path)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", file.flag, err))
			continue
		}
		opened.Close()
	}
	return utilerrors.NewAggregate(errs)
}

// findHost makes sure that there is a host cluster to ask, before anything is started.
func (c *Config) findHost(context.Context) error {
	if c.Options.Standalone || c.Options.Recommended.CoreAPI.CoreAPIKubeconfigPath != "" {
		return nil
	}
	if _, err := rest.InClusterConfig(); err != nil {
		return fmt.Errorf("no host cluster: give --kubeconfig, run inside a cluster, or use --standalone: %w", err)
	}
	return nil
}

// openDataDir locks the data directory; in standalone mode it makes the certificates and the kubeconfig in it.
func (c *Config) openDataDir(context.Context) (err error) {
	if !c.Options.Standalone && !c.Options.embedsEtcd() {
		return nil
	}
	if c.dir, err = standalone.Open(c.Options.DataDir); err != nil {
		return err
	}
	if c.Options.Standalone {
		serving := c.Options.Recommended.SecureServing
		if c.pki, err = c.dir.EnsurePKI(servingHosts(serving.BindAddress)); err != nil {
			return err
		}
		if serving.ServerCert.CertKey.CertFile == "" {
			serving.ServerCert.CertKey.CertFile, serving.ServerCert.CertKey.KeyFile = c.pki.ServingCertFile, c.pki.ServingKeyFile
		}
		if err := c.dir.WriteKubeconfig(c.URL()); err != nil {
			return err
		}
	}
	return nil
}

// listen takes the port before anything is started that would have to be stopped again.
func (c *Config) listen(ctx context.Context) error {
	serving := c.Options.Recommended.SecureServing
	if serving.PermitPortSharing || serving.PermitAddressSharing {
		return nil // The library does it.
	}
	address := net.JoinHostPort(serving.BindAddress.String(), strconv.Itoa(serving.BindPort))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken by another program: choose another --secure-port", address)
	case err != nil:
		return fmt.Errorf("cannot listen on --bind-address and --secure-port: %w", err)
	}
	serving.Listener = listener
	return nil
}

// startEtcd starts the embedded etcd, unless there is one outside, and connects to whichever it is.
func (c *Config) startEtcd(ctx context.Context) (err error) {
	if c.Options.embedsEtcd() {
		if c.embedded, err = c.dir.StartEtcd(ctx); err != nil {
			return err
		}
		c.Options.Recommended.Etcd.StorageConfig.Transport.ServerList = c.embedded.Endpoints()
	}
	c.Etcd, err = newEtcdClient(c.Options.Recommended.Etcd.StorageConfig.Transport)
	return err
}

// servingHosts are the names and addresses that the certificate of a server on an address has to cover.
func servingHosts(bind net.IP) []string {
	if !bind.IsUnspecified() {
		return []string{bind.String()}
	}
	if hostname, err := os.Hostname(); err == nil {
		return []string{hostname}
	}
	return nil
}

// URL is where the server can be reached from its own machine.
func (c *Config) URL() string {
	serving := c.Options.Recommended.SecureServing
	host := serving.BindAddress
	if host.IsUnspecified() {
		host = loopbackAddress
	}
	return "https://" + net.JoinHostPort(host.String(), strconv.Itoa(serving.BindPort))
}

func newEtcdClient(storage storagebackend.TransportConfig) (*clientv3.Client, error) {
	config := clientv3.Config{Endpoints: storage.ServerList, Logger: zap.NewNop()}
	if storage.CertFile != "" || storage.KeyFile != "" || storage.TrustedCAFile != "" {
		files := transport.TLSInfo{CertFile: storage.CertFile, KeyFile: storage.KeyFile, TrustedCAFile: storage.TrustedCAFile}
		tls, err := files.ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("reading --etcd-certfile, --etcd-keyfile and --etcd-cafile: %w", err)
		}
		config.TLS = tls
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to --etcd-servers: %w", err)
	}
	return client, nil
}

// applyOptions turns the options of the library into configuration. Those of a host cluster are left out where there is
// none.
func (c *Config) applyOptions(context.Context) error {
	if err := c.Options.ServerRun.ApplyTo(&c.Generic.Config); err != nil {
		return err
	}
	namer := openapinamer.NewDefinitionNamer(scheme)
	c.Generic.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer)
	c.Generic.OpenAPIConfig.Info.Title = "network-apiserver"
	c.Generic.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, namer)
	c.Generic.OpenAPIV3Config.Info.Title = "network-apiserver"

	c.Generic.BuildHandlerChainFunc = buildHandlerChain

	recommended := *c.Options.Recommended
	if c.Options.Standalone {
		recommended.Authentication, recommended.Authorization = nil, nil
		recommended.CoreAPI, recommended.Admission = nil, nil
		features := *recommended.Features
		features.EnablePriorityAndFairness = false
		recommended.Features = &features
	}
	recommended.ExtraAdmissionInitializers = func(*genericapiserver.RecommendedConfig) ([]admission.PluginInitializer, error) {
		return []admission.PluginInitializer{quotaInitializer{}}, nil
	}
	if !c.Options.ServingCert.Enabled() {
		err := recommended.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{loopbackAddress})
		if err != nil {
			return fmt.Errorf("making a serving certificate: %w", err)
		}
	}
	if err := recommended.ApplyTo(c.Generic); err != nil {
		return err
	}
	// To restart this server does not bring etcd back, so etcd being away makes it not ready, but not dead.
	c.Generic.LivezChecks = slices.DeleteFunc(c.Generic.LivezChecks, func(check healthz.HealthChecker) bool {
		return check.Name() == "etcd"
	})
	return nil
}

// connectHost makes the client of the host cluster, if there is one.
func (c *Config) connectHost(context.Context) (err error) {
	if c.Options.Standalone {
		return nil
	}
	if c.cluster, err = kubernetes.NewForConfig(c.Generic.ClientConfig); err != nil {
		return fmt.Errorf("connecting to the host cluster: %w", err)
	}
	return nil
}

// applyServingCert has the server serve with a certificate of its own authority in the host cluster, where that is asked
// for.
func (c *Config) applyServingCert(ctx context.Context) error {
	if c.Options.ServingCert.Enabled() {
		dynamicClient, err := dynamic.NewForConfig(c.Generic.ClientConfig)
		if err != nil {
			return fmt.Errorf("connecting to the host cluster: %w", err)
		}
		if c.Generic.SecureServing.Cert, err = servingcert.New(ctx, servingcert.Config{
			Options: c.Options.ServingCert,
			Client:  c.cluster,
			Dynamic: dynamicClient,
			Clock:   clock.RealClock{},
		}); err != nil {
			return err
		}
	}
	servingcert.ReportExpiration(c.Generic.SecureServing.Cert)
	return nil
}

// applyMode decides who may come in and where Events go, as far as the host cluster does not.
func (c *Config) applyMode(context.Context) error {
	if c.Options.Standalone {
		return applyStandaloneAccess(&c.Generic.Config, c.pki.CAFile)
	}
	// A burst of Networks has more to tell than clients may say by default, and the recorder keeps each object within bounds.
	config := rest.CopyConfig(c.Generic.ClientConfig)
	config.QPS, config.Burst = 50, 500
	events, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting to the host cluster: %w", err)
	}
	c.Events.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: events.Events("")})
	return nil
}

// quotaInitializer lets ResourceQuota count objects of any kind, and nothing else.
type quotaInitializer struct{}

func (quotaInitializer) Initialize(plugin admission.Interface) {
	if wants, ok := plugin.(initializer.WantsQuotaConfiguration); ok {
		wants.SetQuotaConfiguration(generic.NewConfiguration(nil, nil))
	}
}

// recorder returns what the controllers record their Events with.
func (c *Config) recorder() record.EventRecorder {
	return c.Events.NewRecorder(scheme, corev1.EventSource{Component: "network-apiserver"})
}

// host returns the host cluster for the machine controller, or nil if there is none.
func (c *Config) host() (*machine.Host, error) {
	if c.Options.Standalone {
		return nil, nil
	}
	host, err := machine.NewHost(c.Generic.ClientConfig)
	if err != nil {
		return nil, fmt.Errorf("connecting to the host cluster: %w", err)
	}
	return host, nil
}

// etcdFailed tells when the embedded etcd cannot go on; without one it never does.
func (c *Config) etcdFailed() <-chan error {
	if c.embedded == nil {
		return nil
	}
	return c.embedded.Failed()
}
