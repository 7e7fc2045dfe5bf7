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
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	restclient "k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
	"ironcore.dev/networking/internal/controllers"
	"ironcore.dev/networking/internal/loopback"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/provider/ironcorenet"
	"ironcore.dev/networking/internal/provider/local"
	registrynetwork "ironcore.dev/networking/internal/registry/network"
	"ironcore.dev/networking/internal/registry/networkinterface"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

// Server is the API server with its controllers.
type Server struct {
	config  *Config
	generic *genericapiserver.GenericAPIServer
	client  versioned.Interface // speaks to this server
}

// Run serves as the options say until the context ends; then it stops in order: controllers, API server, etcd. When the
// server is ready, it tells so on out.
func Run(ctx context.Context, o *Options, out io.Writer) error {
	filled := make(chan struct{})
	giveGarbageRoom(ctx, filled)
	config, err := NewConfig(ctx, o)
	if err != nil {
		return err
	}
	config.CachesFilled = func() { close(filled) }
	defer config.Close()
	server, err := New(config)
	if err != nil {
		return err
	}
	return server.Run(ctx, out)
}

// New installs the API and the controllers; nothing serves before Run.
func New(config *Config) (*Server, error) {
	apiServer, err := config.Generic.Complete().New("network-apiserver", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, err
	}
	networks, interfaces, err := newStorage(config.Generic.RESTOptionsGetter)
	if err != nil {
		return nil, fmt.Errorf("connecting to --etcd-servers=%s: %w",
			strings.Join(config.Options.Recommended.Etcd.StorageConfig.Transport.ServerList, ","), err)
	}
	group := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, scheme, metav1.ParameterCodec, codecs)
	group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		"networks":                 networks.Network,
		"networks/status":          networks.Status,
		"networks/binding":         networks.Binding,
		"networks/realization":     networks.Realization,
		"networks/membership":      networks.Membership,
		"networkinterfaces":        interfaces.Interface,
		"networkinterfaces/status": interfaces.Status,
	}
	if err := apiServer.InstallAPIGroup(&group); err != nil {
		return nil, fmt.Errorf("installing the API: %w", err)
	}
	// Without this hook /readyz turns ok before the watch cache can answer.
	if err := apiServer.AddPostStartHook("storage-readiness", apiServer.StorageReadinessHook.Hook); err != nil {
		return nil, err
	}
	s := &Server{config: config, generic: apiServer}
	if s.client, err = versioned.NewForConfig(s.loopbackConfig()); err != nil {
		return nil, err
	}
	return s, s.installControllers(func() error {
		return errors.Join(networks.Network.ReadinessCheck(), interfaces.Interface.ReadinessCheck())
	})
}

// newStorage returns the storage of both kinds, which look each other up: a Network that is being deleted waits for its
// interfaces, and takes no new ones.
func newStorage(optsGetter generic.RESTOptionsGetter) (
	networks registrynetwork.Storage, interfaces networkinterface.Storage, err error,
) {
	networks, err = registrynetwork.NewStorage(scheme, optsGetter,
		func(ctx context.Context, namespace, network string) ([]string, error) {
			return interfaces.OfNetwork(ctx, namespace, network)
		})
	if err != nil {
		return networks, interfaces, err
	}
	interfaces, err = networkinterface.NewStorage(scheme, optsGetter,
		func(ctx context.Context, name string) (*networking.Network, error) {
			obj, err := networks.Network.Get(ctx, name, &metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			return obj.(*networking.Network), nil
		})
	return networks, interfaces, err
}

// installControllers starts the controllers once the storage can be read, and stops them before the server stops.
func (s *Server) installControllers(storageReady func() error) error {
	prefix := path.Join(s.config.Options.Recommended.Etcd.StorageConfig.Prefix, "network-apiserver")
	host, err := s.config.host()
	if err != nil {
		return err
	}
	manager, err := controllers.NewManager(controllers.Config{
		Options:        s.config.Options.Controllers,
		Client:         s.client,
		Informers:      newInformers(s.client),
		Synced:         s.config.CachesFilled,
		Recorder:       s.config.recorder(),
		Host:           host,
		NewProvider:    s.newProvider(prefix),
		Etcd:           s.config.Etcd,
		ElectionPrefix: prefix,
		Identity:       identity(),
	})
	if err != nil {
		return err
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

// newInformers leaves out of the cache what no controller reads. A write without managedFields keeps those stored.
func newInformers(client versioned.Interface) externalversions.SharedInformerFactory {
	return externalversions.NewSharedInformerFactoryWithOptions(listing{client}, 0, externalversions.WithTransform(
		func(obj any) (any, error) {
			if object, err := meta.Accessor(obj); err == nil {
				object.SetManagedFields(nil)
			}
			return obj, nil
		}))
}

// listing is a client whose informers begin with a list. In-process, to watch from the beginning instead takes half as long
// again, for an event to each object.
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
			return local.New(s.config.Etcd, path.Join(prefix, "local-provider"), options.LocalVNIRange), nil
		}
	case ironcorenet.Name:
		return func() (provider.Provider, error) {
			return ironcorenet.New(options.IroncoreNet, s.config.Etcd, path.Join(prefix, "ironcore-net-provider"),
				s.config.Generic.ClientConfig)
		}
	}
	return nil
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
	}
	served := make(chan error, 1)
	go func() { served <- prepared.RunWithContext(ctx) }()
	select {
	case err := <-served:
		return err
	case err := <-s.config.etcdFailed():
		// Nothing can be served or stopped in order without etcd.
		return err
	}
}

// announce waits for the server to be ready and says where it is.
func (s *Server) announce(ctx context.Context, out io.Writer) {
	ready := func(ctx context.Context) (bool, error) {
		return s.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	}
	if wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, ready) == nil {
		fmt.Fprintf(out, "network-apiserver is ready at %s: export KUBECONFIG=%s\n",
			s.config.URL(), s.config.dir.KubeconfigFile())
	}
}
