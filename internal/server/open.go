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
	"strings"
	"syscall"

	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/apiserver/pkg/server/healthz"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/utils/clock"

	"ironcore.dev/networking/internal/server/servingcert"
	"ironcore.dev/networking/internal/server/standalone"
)

// open does what the configuration says, step by step: files, host cluster, data directory, port, etcd, access.
func (s *Server) open(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.checkFiles,
		s.findHost,
		s.openDataDir,
		s.listen,
		s.startEtcd,
		s.applyOptions,
		s.connectHost,
		s.applyServingCert,
		s.applyMode,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// file is one that a flag names.
type file struct {
	flag, path string
	// read tells whether the content can be used, where more is known of it than that it can be opened.
	read func(path string) error
}

// files returns those that the options name.
func (s *Server) files() []file {
	r := s.config.Options.Recommended
	etcd, serving := r.Etcd.StorageConfig.Transport, r.SecureServing.ServerCert.CertKey
	all := []file{
		{"admission-control-config-file", r.Admission.ConfigFile, reads(readAdmission)},
		{"audit-policy-file", r.Audit.PolicyFile, reads(policy.LoadPolicyFromFile)},
		{"audit-webhook-config-file", r.Audit.WebhookOptions.ConfigFile, reads(clientcmd.LoadFromFile)},
		{"authentication-kubeconfig", r.Authentication.RemoteKubeConfigFile, reads(clientcmd.LoadFromFile)},
		{"authorization-kubeconfig", r.Authorization.RemoteKubeConfigFile, reads(clientcmd.LoadFromFile)},
		{"client-ca-file", r.Authentication.ClientCert.ClientCA, reads(cert.NewPool)},
		{"egress-selector-config-file", r.EgressSelector.ConfigFile, reads(egressselector.ReadEgressSelectorConfiguration)},
		{"encryption-provider-config", r.Etcd.EncryptionProviderConfigFilepath, nil},
		{"etcd-cafile", etcd.TrustedCAFile, reads(cert.NewPool)},
		{"etcd-certfile", etcd.CertFile, reads(cert.NewPool)},
		{"etcd-keyfile", etcd.KeyFile, reads(keyutil.PrivateKeyFromFile)},
		{"kubeconfig", r.CoreAPI.CoreAPIKubeconfigPath, reads(clientcmd.LoadFromFile)},
		{"requestheader-client-ca-file", r.Authentication.RequestHeader.ClientCAFile, reads(cert.NewPool)},
		{"tls-cert-file", serving.CertFile, reads(cert.NewPool)},
		{"tls-private-key-file", serving.KeyFile, reads(keyutil.PrivateKeyFromFile)},
		{"tracing-config-file", r.Traces.ConfigFile, reads(genericoptions.ReadTracingConfiguration)},
	}
	return slices.DeleteFunc(all, func(f file) bool { return f.path == "" })
}

func readAdmission(path string) (admission.ConfigProvider, error) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return admission.ReadAdmissionConfiguration(nil, path, scheme)
}

// reads makes a check of a function that reads a file.
func reads[T any](read func(path string) (T, error)) func(path string) error {
	return func(path string) error {
		_, err := read(path)
		return err
	}
}

// checkFiles names the flag of each file that cannot be read; the libraries that read them later name the file alone.
func (s *Server) checkFiles(context.Context) error {
	var errs []error
	for _, file := range s.files() {
		opened, err := os.Open(file.path)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", file.flag, err))
			continue
		}
		opened.Close()
		if file.read == nil {
			continue
		}
		if err := file.read(file.path); err != nil {
			errs = append(errs, fmt.Errorf("--%s=%s: %w", file.flag, file.path, err))
		}
	}
	return utilerrors.NewAggregate(errs)
}

// findHost makes sure that there is a host cluster to ask, before anything is started.
func (s *Server) findHost(context.Context) error {
	if s.config.Options.Standalone || s.config.Options.Recommended.CoreAPI.CoreAPIKubeconfigPath != "" {
		return nil
	}
	if _, err := rest.InClusterConfig(); err != nil {
		return fmt.Errorf("no host cluster: give --kubeconfig, run inside a cluster, or use --standalone: %w", err)
	}
	return nil
}

// openDataDir locks the data directory; in standalone mode it makes the certificates and the kubeconfig in it.
func (s *Server) openDataDir(context.Context) (err error) {
	if !s.config.Options.Standalone && !s.config.Options.embedsEtcd() {
		return nil
	}
	if s.dir, err = standalone.Open(s.config.Options.DataDir); err != nil {
		return err
	}
	if s.config.Options.Standalone {
		serving := s.config.Options.Recommended.SecureServing
		if s.pki, err = s.dir.EnsurePKI(servingHosts(serving.BindAddress)); err != nil {
			return err
		}
		if serving.ServerCert.CertKey.CertFile == "" {
			serving.ServerCert.CertKey.CertFile, serving.ServerCert.CertKey.KeyFile = s.pki.ServingCertFile, s.pki.ServingKeyFile
		}
		if err := s.dir.WriteKubeconfig(s.url()); err != nil {
			return err
		}
	}
	return nil
}

// listen takes the port before anything is started that would have to be stopped again.
func (s *Server) listen(ctx context.Context) error {
	serving := s.config.Options.Recommended.SecureServing
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
func (s *Server) startEtcd(ctx context.Context) (err error) {
	if s.config.Options.embedsEtcd() {
		if s.embedded, err = s.dir.StartEtcd(ctx, s.config.Options.EtcdQuota.Value()); err != nil {
			return err
		}
		s.config.Options.Recommended.Etcd.StorageConfig.Transport.ServerList = s.embedded.Endpoints()
	}
	storage := &s.config.Options.Recommended.Etcd.StorageConfig.Transport
	if s.members, err = newMembers(*storage); err != nil {
		return err
	}
	if s.members != nil {
		storage.EgressLookup = dialThrough(s.members)
	}
	s.etcd, err = newEtcdClient(*storage, s.members)
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

// url is where the server can be reached from its own machine.
func (s *Server) url() string {
	serving := s.config.Options.Recommended.SecureServing
	host := serving.BindAddress
	if host.IsUnspecified() {
		host = loopbackAddress
	}
	return "https://" + net.JoinHostPort(host.String(), strconv.Itoa(serving.BindPort))
}

// applyOptions turns the options of the library into configuration. Those of a host cluster are left out where there is
// none.
func (s *Server) applyOptions(context.Context) error {
	recommended := *s.config.Options.Recommended
	if s.config.Options.Standalone {
		recommended.Authentication, recommended.Authorization = nil, nil
		recommended.CoreAPI, recommended.Admission = nil, nil
	}
	recommended.ExtraAdmissionInitializers = func(*genericapiserver.RecommendedConfig) ([]admission.PluginInitializer, error) {
		return []admission.PluginInitializer{quotaInitializer{}}, nil
	}
	if !s.config.Options.ServingCert.Enabled() {
		err := recommended.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{loopbackAddress})
		if err != nil {
			return fmt.Errorf("making a serving certificate: %w", err)
		}
	}
	authorizer := s.config.Generic.Authorization.Authorizer
	if err := recommended.ApplyTo(s.config.Generic); err != nil {
		for _, file := range s.files() {
			if file.read == nil && strings.Contains(err.Error(), file.path) {
				return fmt.Errorf("--%s: %w", file.flag, err)
			}
		}
		return err
	}
	if backend := s.config.Generic.AuditBackend; backend != nil {
		s.config.Generic.AuditBackend = auditWithoutRefusedBodies{backend}
	}
	if s.config.Options.Standalone {
		s.config.Generic.Authorization.Authorizer = authorizer // Without options, the library lets everybody do everything.
	}
	// To restart this server does not bring etcd back, so etcd being away makes it not ready, but not dead.
	s.config.Generic.LivezChecks = slices.DeleteFunc(s.config.Generic.LivezChecks, func(check healthz.HealthChecker) bool {
		return check.Name() == "etcd"
	})
	return nil
}

// connectHost makes the client of the host cluster, if there is one.
func (s *Server) connectHost(context.Context) (err error) {
	if s.config.Options.Standalone {
		return nil
	}
	if s.cluster, err = kubernetes.NewForConfig(s.config.Generic.ClientConfig); err != nil {
		return fmt.Errorf("connecting to the host cluster: %w", err)
	}
	return nil
}

// applyServingCert has the server serve with a certificate of its own authority in the host cluster, where that is asked
// for.
func (s *Server) applyServingCert(ctx context.Context) error {
	if s.config.Options.ServingCert.Enabled() {
		dynamicClient, err := dynamic.NewForConfig(s.config.Generic.ClientConfig)
		if err != nil {
			return fmt.Errorf("connecting to the host cluster: %w", err)
		}
		if s.config.Generic.SecureServing.Cert, err = servingcert.New(ctx, servingcert.Config{
			Options: s.config.Options.ServingCert,
			Client:  s.cluster,
			Dynamic: dynamicClient,
			Clock:   clock.RealClock{},
		}); err != nil {
			return err
		}
	}
	servingcert.ReportExpiration(s.config.Generic.SecureServing.Cert)
	return nil
}

// applyMode decides who may come in and where Events go, as far as the host cluster does not.
func (s *Server) applyMode(context.Context) error {
	if s.config.Options.Standalone {
		return applyStandaloneAccess(&s.config.Generic.Config, s.pki.CAFile)
	}
	rememberFrontProxy(&s.config.Generic.Authentication)
	// A burst of Networks has more to tell than clients may say by default, and the recorder keeps each object within bounds.
	config := rest.CopyConfig(s.config.Generic.ClientConfig)
	config.QPS, config.Burst = 50, 500
	events, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting to the host cluster: %w", err)
	}
	s.events.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: events.Events("")})
	return nil
}

// quotaInitializer lets ResourceQuota count objects of any kind, and nothing else.
type quotaInitializer struct{}

func (quotaInitializer) Initialize(plugin admission.Interface) {
	if wants, ok := plugin.(initializer.WantsQuotaConfiguration); ok {
		wants.SetQuotaConfiguration(generic.NewConfiguration(nil, nil))
	}
}
