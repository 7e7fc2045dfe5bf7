// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/utils/clock"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/controllers"
	"ironcore.dev/networking/internal/controllers/host"
	"ironcore.dev/networking/internal/controllers/index"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/ironcorenet"
	"ironcore.dev/networking/internal/provider/local"
	"ironcore.dev/networking/internal/provider/ovn"
	"ironcore.dev/networking/internal/registry/member"
	"ironcore.dev/networking/internal/server/loopback"
	"ironcore.dev/networking/internal/server/members"
	"ironcore.dev/networking/internal/server/servingcert"
	"ironcore.dev/networking/internal/server/standalone"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

// Server is the API server with its controllers.
type Server struct {
	config  *Config
	generic *genericapiserver.GenericAPIServer
	client  versioned.Interface // speaks to this server
	// etcd is the server's own client, for the election and the providers. It connects through members, which is nil for
	// an embedded etcd.
	etcd    *clientv3.Client
	members *members.Members
	// events passes the controllers' Events on to the host cluster; without one they end here.
	events record.EventBroadcaster

	cluster    kubernetes.Interface // the host cluster; nil in standalone mode
	dir        *standalone.Dir      // nil without --data-dir
	pki        *standalone.PKI      // nil with a host cluster
	embedded   *standalone.Etcd     // nil with etcd servers outside
	unreadable index.Unreadable     // the stored objects that can't be read
	pool       stringPool           // of all objects in caches
	filled     chan struct{}        // closed when all that is stored has been read
	leading    chan struct{}        // closed when this server runs the controllers for the first time
}

// Run serves as the options say until the context ends; then it stops in order: controllers, API server, etcd. When the
// server is ready, it tells so on out.
func Run(ctx context.Context, o *Options, out io.Writer) error {
	config, err := NewConfig(o)
	if err != nil {
		return err
	}
	server, err := New(ctx, config)
	if err != nil {
		return err
	}
	err = server.Run(ctx, out)
	server.Close()
	if err == nil {
		fmt.Fprintln(out, "network-apiserver has stopped")
	}
	return err
}

// New opens what the configuration names and installs the API and the controllers. Close the server in the end.
func New(ctx context.Context, config *Config) (_ *Server, err error) {
	s := &Server{config: config, events: record.NewBroadcaster(record.WithContext(ctx)), filled: make(chan struct{}),
		leading: make(chan struct{})}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := registerMetrics(config.Options); err != nil {
		return nil, err
	}
	giveGarbageRoom(ctx, s.filled)
	startWithLargeStacks(ctx.Done())
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, s.install()
}

// Close releases what New opened; the API server has stopped by then.
func (s *Server) Close() {
	s.events.Shutdown()
	if s.etcd != nil {
		_ = s.etcd.Close() // It reports that its context was cancelled, which is what Close does.
	}
	if s.members != nil {
		s.members.Close()
	}
	if s.embedded != nil {
		s.embedded.Close()
	}
	if s.dir != nil {
		_ = s.dir.Close() // The lock ends with the process at the latest.
	}
}

// install installs the API and the controllers; nothing serves before Run.
func (s *Server) install() error {
	apiServer, err := s.config.Generic.Complete().New("network-apiserver", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return err
	}
	s.generic = apiServer
	if s.client, err = versioned.NewForConfig(s.loopbackConfig()); err != nil {
		return err
	}
	manager, err := s.newManager()
	if err != nil {
		return err
	}
	readable := readableStorageGetter{s.config.Generic.RESTOptionsGetter, s.config.Options.Recommended.Etcd, &s.unreadable, &s.pool}
	lookup := member.Lookup{Etcd: s.etcd, Prefix: s.config.Options.Recommended.Etcd.StorageConfig.Prefix}
	storage, err := newStorage(explainEtcd{readable}, lookup, manager, s.enforcer(), s.agent())
	if err != nil {
		return fmt.Errorf("connecting to --etcd-servers=%s: %w",
			strings.Join(s.config.Options.Recommended.Etcd.StorageConfig.Transport.ServerList, ","), err)
	}
	group := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, scheme, metav1.ParameterCodec, codecs)
	group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = storage
	if err := apiServer.InstallAPIGroup(&group); err != nil {
		return fmt.Errorf("installing the API: %w", err)
	}
	// Without this hook /readyz turns ok before the watch cache can answer.
	if err := apiServer.AddPostStartHook("storage-readiness", apiServer.StorageReadinessHook.Hook); err != nil {
		return err
	}
	if err := s.installClientCA(); err != nil {
		return err
	}
	return s.installControllers(manager, func() error {
		var errs []error
		for _, resource := range storage {
			if main, ok := resource.(interface{ ReadinessCheck() error }); ok {
				errs = append(errs, main.ReadinessCheck())
			}
		}
		return errors.Join(errs...)
	})
}

// newManager prepares the controllers.
func (s *Server) newManager() (*controllers.Manager, error) {
	storagePrefix := s.config.Options.Recommended.Etcd.StorageConfig.Prefix
	prefix := path.Join(storagePrefix, "network-apiserver")
	host, err := s.host()
	if err != nil {
		return nil, err
	}
	return controllers.NewManager(controllers.Config{
		Options:        s.config.Options.Controllers,
		Client:         s.client,
		Informers:      newInformers(s.client, &s.pool),
		Unreadable:     &s.unreadable,
		Synced:         func() { close(s.filled) },
		Leading:        sync.OnceFunc(func() { close(s.leading) }),
		Recorder:       s.recorder(),
		Host:           host,
		NewProvider:    s.newProvider(prefix),
		Etcd:           s.etcd,
		ElectionPrefix: prefix,
		StoragePrefix:  path.Join(storagePrefix, v1alpha1.GroupName),
		Identity:       identity(),
	})
}

// installControllers starts the controllers once the storage can be read, and stops them before the server stops.
func (s *Server) installControllers(manager *controllers.Manager, storageReady func() error) error {
	if err := legacyregistry.CustomRegister(manager.Figures); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	if err := s.generic.AddReadyzChecks(manager.HealthChecks()...); err != nil {
		return err
	}
	run := newBackground(func(ctx context.Context) {
		ready := func(context.Context) (bool, error) { return storageReady() == nil, nil }
		if wait.PollUntilContextCancel(ctx, 10*time.Millisecond, true, ready) == nil {
			manager.Run(ctx)
		}
	})
	if err := s.generic.AddPostStartHook("start-controllers", run.start); err != nil {
		return err
	}
	return s.generic.AddPreShutdownHook("stop-controllers", run.stop)
}

// registerMetrics adds this server's metrics to those of the process. A metric counts nothing before.
func registerMetrics(o *Options) error {
	for _, metric := range slices.Concat(controllers.Metrics(), servingcert.Metrics(), ovn.Metrics()) {
		if err := legacyregistry.Register(metric); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	etcd := o.Recommended.Etcd.StorageConfig.Transport
	legacyregistry.RawMustRegister(etcdCertificates(etcd.CertFile, etcd.TrustedCAFile))
	if o.embedsEtcd() {
		legacyregistry.RawMustRegister(standalone.EtcdMetrics{})
	}
	return nil
}

// newInformers returns the informers of the controllers.
func newInformers(client versioned.Interface, pool *stringPool) externalversions.SharedInformerFactory {
	return externalversions.NewSharedInformerFactoryWithOptions(listing{client}, 0, externalversions.WithTransform(pool.forControllers))
}

// listing is a client whose informers begin with a list. In this process, a watch from the beginning takes 1.5 times as long: it
// sends one event for each object.
type listing struct{ versioned.Interface }

// IsWatchListSemanticsUnSupported is what informers ask.
func (listing) IsWatchListSemanticsUnSupported() bool { return true }

// background runs a function from a post-start hook to a pre-shutdown hook. The context of the former would end too late:
// the controllers stop first, while the server still answers them.
type background struct {
	run    func(context.Context)
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

func newBackground(run func(context.Context)) *background {
	ctx, cancel := context.WithCancel(context.Background())
	return &background{run: run, ctx: ctx, cancel: cancel}
}

func (b *background) start(genericapiserver.PostStartHookContext) error {
	b.ended.Go(func() { b.run(b.ctx) })
	return nil
}

func (b *background) stop() error {
	b.cancel()
	b.ended.Wait()
	return nil
}

// loopbackConfig is for the server's own clients: in-process, as the server itself, in protobuf, and unthrottled, since the
// controllers pace themselves.
func (s *Server) loopbackConfig() *restclient.Config {
	return &restclient.Config{
		Host:        "http://loopback",
		BearerToken: s.config.Generic.LoopbackClientConfig.BearerToken,
		Transport:   loopback.NewTransport(s.generic.Handler),
		UserAgent:   "network-apiserver/controllers",
		QPS:         -1,
		ContentConfig: restclient.ContentConfig{
			ContentType:        runtime.ContentTypeProtobuf,
			AcceptContentTypes: runtime.ContentTypeProtobuf,
		},
	}
}

// newProvider returns what makes the network provider that the options name, or nil if it is outside. What a provider
// keeps in etcd is below the prefix.
func (s *Server) newProvider(prefix string) func() (provider.Provider, error) {
	options := s.config.Options
	switch options.NetworkProvider {
	case providerLocal:
		return func() (provider.Provider, error) {
			return local.New(s.etcd, path.Join(prefix, "local-provider"),
				options.LocalVNIRange, options.LocalAddressRanges), nil
		}
	case ironcorenet.Name:
		return func() (provider.Provider, error) {
			return ironcorenet.New(options.IroncoreNet, s.etcd, path.Join(prefix, "ironcore-net-provider"),
				s.config.Generic.ClientConfig)
		}
	case ovn.Name:
		return func() (provider.Provider, error) { return ovn.New(options.OVN, s.config.Generic.ClientConfig) }
	}
	return nil
}

// agent names who realizes the kinds that the network provider leaves out, where the provider knows that.
func (s *Server) agent() string {
	if s.config.Options.NetworkProvider == ironcorenet.Name {
		return ironcorenet.Agent
	}
	return ""
}

// enforcer names the network provider if it puts NetworkPolicies in force.
func (s *Server) enforcer() string {
	if s.config.Options.NetworkProvider == ovn.Name {
		return ovn.Name
	}
	return ""
}

// identity names this process among the replicas.
func identity() string {
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "unknown"
	}
	return hostname + "_" + string(uuid.NewUUID())
}

// Run serves until the context ends or the embedded etcd fails.
func (s *Server) Run(ctx context.Context, out io.Writer) error {
	prepared := s.generic.PrepareRun()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.config.Options.Standalone {
		go s.announce(ctx, out)
		serving := s.config.Options.Recommended.SecureServing
		go s.dir.KeepPKI(ctx, clock.RealClock{}, servingHosts(serving.BindAddress), s.url())
	}
	if s.members != nil {
		go s.members.Run(ctx)
	}
	served := make(chan error, 1)
	go func() { served <- prepared.RunWithContext(ctx) }()
	select {
	case err := <-served:
		return err
	case err := <-s.etcdFailed():
		// Nothing can be served or stopped in order without etcd.
		return err
	}
}

// announcePatience is how long a ready server waits to run the controllers before it says that it is ready.
const announcePatience = 3 * time.Second

// announce waits for the server to be ready and says where it is.
func (s *Server) announce(ctx context.Context, out io.Writer) {
	ready := func(ctx context.Context) (bool, error) {
		return s.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	}
	if wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, ready) == nil {
		// Its line is the last one: a server that is alone leads at once, beside others it may never.
		select {
		case <-s.leading:
		case <-time.After(announcePatience):
		case <-ctx.Done():
			return
		}
		fmt.Fprintf(out, "network-apiserver is ready at %s: export KUBECONFIG=%s\n",
			s.url(), s.dir.KubeconfigFile())
	}
}

// recorder returns what the controllers record their Events with.
func (s *Server) recorder() record.EventRecorder {
	return s.events.NewRecorder(scheme, corev1.EventSource{Component: "network-apiserver"})
}

// host returns the host cluster for the controllers, or nil if there is none.
func (s *Server) host() (*host.Cluster, error) {
	if s.config.Options.Standalone {
		return nil, nil
	}
	cluster, err := host.New(s.config.Generic.ClientConfig)
	if err != nil {
		return nil, fmt.Errorf("connecting to the host cluster: %w", err)
	}
	return cluster, nil
}

// etcdFailed tells when the embedded etcd cannot go on; without one it never does.
func (s *Server) etcdFailed() <-chan error {
	if s.embedded == nil {
		return nil
	}
	return s.embedded.Failed()
}
