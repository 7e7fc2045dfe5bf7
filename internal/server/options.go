// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package server assembles network-apiserver: Options are what the command line says, Config is what a server needs, and
// Server is what runs.
package server

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	"k8s.io/apiserver/pkg/features"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	baseversion "k8s.io/component-base/version"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/admission/lifecycle"
	"ironcore.dev/networking/internal/admission/providerid"
	"ironcore.dev/networking/internal/controllers"
	"ironcore.dev/networking/internal/provider/ironcorenet"
	"ironcore.dev/networking/internal/provider/local"
	"ironcore.dev/networking/internal/servingcert"
)

// The network providers that --network-provider may name.
const (
	providerLocal    = "local"
	providerExternal = "external"
)

var providers = []string{providerLocal, providerExternal, ironcorenet.Name}

func init() {
	gates := utilfeature.DefaultMutableFeatureGate
	utilruntime.Must(logsapi.AddFeatureGates(gates))
	// Snapshots of the watch cache serve lists at an old resourceVersion, which few ask for, and take a quarter of the
	// memory that the Networks do.
	kubernetes := version.MustParse(baseversion.DefaultKubeBinaryVersion)
	utilruntime.Must(gates.OverrideDefaultAtVersion(features.ListFromCacheSnapshot, false, kubernetes))
}

// Options are what the command line says.
type Options struct {
	Recommended *genericoptions.RecommendedOptions
	ServerRun   *genericoptions.ServerRunOptions
	Logs        *logs.Options
	Controllers *controllers.Options
	ServingCert *servingcert.Options

	// Standalone serves without a host cluster, with etcd, certificates and a kubeconfig of its own in DataDir.
	Standalone bool
	// DataDir holds the embedded etcd, which runs unless etcd servers are given.
	DataDir string

	// NetworkProvider realizes the Networks.
	NetworkProvider string
	// LocalVNIRange is where the local provider allocates from.
	LocalVNIRange local.Range
	// IroncoreNet is where the ironcore-net provider realizes them.
	IroncoreNet ironcorenet.Options
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	components := basecompatibility.NewComponentGlobalsRegistry()
	// The feature gates are those of the Kubernetes libraries, whatever the version of this server.
	kubernetes := basecompatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", "")
	utilruntime.Must(components.Register(basecompatibility.DefaultKubeComponent, kubernetes, utilfeature.DefaultMutableFeatureGate))
	o := &Options{
		Recommended:   genericoptions.NewRecommendedOptions("/registry", storageCodec()),
		ServerRun:     genericoptions.NewServerRunOptionsForComponent(basecompatibility.DefaultKubeComponent, components),
		Logs:          logs.NewOptions(),
		Controllers:   controllers.NewOptions(),
		ServingCert:   servingcert.NewOptions(),
		LocalVNIRange: local.DefaultRange(),
	}
	// Watches are told to go elsewhere when the server stops; without this they would hold it up for a minute.
	o.ServerRun.ShutdownWatchTerminationGracePeriod = 10 * time.Second
	// One worker takes a minute for what one request may ask for.
	o.Recommended.Etcd.DeleteCollectionWorkers = 16
	o.Recommended.SecureServing.BindPort = 6443
	o.Recommended.SecureServing.ServerCert.CertDirectory = ""
	o.Recommended.Etcd.StorageConfig.EncodeVersioner = schema.GroupVersions{v1alpha1.SchemeGroupVersion}

	admission := o.Recommended.Admission
	providerid.Register(admission.Plugins)
	resourcequota.Register(admission.Plugins)
	admission.RecommendedPluginOrder = append(slices.Clone(admission.RecommendedPluginOrder),
		providerid.PluginName, resourcequota.PluginName)
	admission.Decorators = append(admission.Decorators, lifecycle.Decorator)
	return o
}

// Flags returns the flags in named sections.
func (o *Options) Flags() cliflag.NamedFlagSets {
	var sections cliflag.NamedFlagSets
	main := sections.FlagSet("network-apiserver")
	main.BoolVar(&o.Standalone, "standalone", o.Standalone,
		"Serve without a Kubernetes cluster, with an etcd, certificates and an administrator's kubeconfig of its own in --data-dir.")
	main.StringVar(&o.DataDir, "data-dir", o.DataDir,
		"Directory of the embedded etcd, which runs unless --etcd-servers is given. With --standalone, certificates and "+
			"admin.kubeconfig are kept there too. Created if missing; nobody else may read it.")
	main.StringVar(&o.NetworkProvider, "network-provider", o.NetworkProvider,
		"What realizes the Networks: 'local' numbers them, 'external' leaves them to a provider that uses the API, "+
			"'ironcore-net' has an ironcore-net API server do it. "+
			"Default 'local' with --standalone, else 'external'.")
	main.Var(&o.LocalVNIRange, "local-vni-range",
		"Virtual network identifiers that the local provider may give to Networks, as first-last.")
	o.IroncoreNet.AddFlags(main)

	o.Controllers.AddFlags(sections.FlagSet("controllers"))
	r := o.Recommended
	r.Etcd.AddFlags(sections.FlagSet("etcd"))
	r.SecureServing.AddFlags(sections.FlagSet("secure serving"))
	o.ServingCert.AddFlags(sections.FlagSet("secure serving"))
	r.Authentication.AddFlags(sections.FlagSet("authentication"))
	r.Authorization.AddFlags(sections.FlagSet("authorization"))
	r.Audit.AddFlags(sections.FlagSet("auditing"))
	r.Features.AddFlags(sections.FlagSet("features"))
	r.CoreAPI.AddFlags(sections.FlagSet("host cluster"))
	r.Admission.AddFlags(sections.FlagSet("admission"))
	r.EgressSelector.AddFlags(sections.FlagSet("egress selector"))
	r.Traces.AddFlags(sections.FlagSet("traces"))
	o.ServerRun.AddUniversalFlags(sections.FlagSet("server"))
	logsapi.AddFlags(o.Logs, sections.FlagSet("logs"))
	return sections
}

// embeddedCompaction is how often the history of an embedded etcd is dropped. Watches are served from the watch cache, so
// it is kept for lists in chunks alone, and is mapped into the memory of this process.
const embeddedCompaction = 30 * time.Second

// Complete fills in the defaults that depend on other options; given tells whether the user set a flag.
func (o *Options) Complete(given func(flag string) bool) error {
	if o.Standalone && !given("bind-address") {
		o.Recommended.SecureServing.BindAddress = loopbackAddress
	}
	if o.embedsEtcd() && !given("etcd-compaction-interval") {
		o.Recommended.Etcd.StorageConfig.CompactionInterval = embeddedCompaction
	}
	if o.NetworkProvider == "" {
		o.NetworkProvider = providerExternal
		if o.Standalone {
			o.NetworkProvider = providerLocal
		}
	}
	if !o.Standalone {
		// One kubeconfig does for all that the host cluster is asked.
		for _, kubeconfig := range []*string{
			&o.Recommended.Authentication.RemoteKubeConfigFile, &o.Recommended.Authorization.RemoteKubeConfigFile,
		} {
			if *kubeconfig == "" {
				*kubeconfig = o.Recommended.CoreAPI.CoreAPIKubeconfigPath
			}
		}
	}
	return o.ServerRun.ComponentGlobalsRegistry.Set()
}

// embedsEtcd tells whether the server brings its own etcd.
func (o *Options) embedsEtcd() bool {
	return o.DataDir != "" && len(o.Recommended.Etcd.StorageConfig.Transport.ServerList) == 0
}

// Validate returns every mistake in the options.
func (o *Options) Validate() []error {
	var errs []error
	if o.Standalone && o.DataDir == "" {
		errs = append(errs, fmt.Errorf("--standalone needs --data-dir, a directory to keep its state in"))
	}
	if !o.Standalone && o.DataDir == "" && len(o.Recommended.Etcd.StorageConfig.Transport.ServerList) == 0 {
		errs = append(errs, fmt.Errorf("no storage: give --etcd-servers, or --data-dir for an embedded etcd, or "+
			"--standalone with --data-dir to try the server without a cluster"))
	}
	if o.Standalone {
		errs = append(errs, o.validateStandalone()...)
	}
	if o.Recommended.SecureServing.BindPort == 0 {
		errs = append(errs, fmt.Errorf("--secure-port must not be 0: the server has no other port"))
	}
	if !slices.Contains(providers, o.NetworkProvider) {
		errs = append(errs, fmt.Errorf("--network-provider: %q is not a provider; there are %s",
			o.NetworkProvider, strings.Join(providers, ", ")))
	}
	errs = append(errs, o.IroncoreNet.Validate(o.NetworkProvider == ironcorenet.Name)...)
	etcd := *o.Recommended.Etcd
	if len(etcd.StorageConfig.Transport.ServerList) == 0 {
		etcd.StorageConfig.Transport.ServerList = []string{"embedded"} // What is missing is told above.
	}
	errs = append(errs, etcd.Validate()...)
	errs = append(errs, o.Recommended.SecureServing.Validate()...)
	errs = append(errs, o.ServingCert.Validate(o.Recommended.SecureServing.ServerCert.CertKey)...)
	errs = append(errs, o.Recommended.Authentication.Validate()...)
	errs = append(errs, o.Recommended.Authorization.Validate()...)
	errs = append(errs, o.Recommended.Audit.Validate()...)
	errs = append(errs, o.Recommended.Features.Validate()...)
	errs = append(errs, o.Recommended.Admission.Validate()...)
	errs = append(errs, o.Recommended.EgressSelector.Validate()...)
	errs = append(errs, o.Recommended.Traces.Validate()...)
	errs = append(errs, o.ServerRun.Validate()...)
	errs = append(errs, o.Controllers.Validate()...)
	return errs
}

// validateStandalone refuses options of a host cluster, rather than to ignore them.
func (o *Options) validateStandalone() []error {
	var errs []error
	for _, option := range []struct{ flag, value string }{
		{"authentication-kubeconfig", o.Recommended.Authentication.RemoteKubeConfigFile},
		{"authorization-kubeconfig", o.Recommended.Authorization.RemoteKubeConfigFile},
		{"kubeconfig", o.Recommended.CoreAPI.CoreAPIKubeconfigPath},
		{"requestheader-client-ca-file", o.Recommended.Authentication.RequestHeader.ClientCAFile},
		{"client-ca-file", o.Recommended.Authentication.ClientCert.ClientCA},
		{"admission-control-config-file", o.Recommended.Admission.ConfigFile},
		{"serving-cert-secret", o.ServingCert.Secret},
	} {
		if option.value != "" {
			errs = append(errs, fmt.Errorf("--%s has no meaning with --standalone, which has no host cluster: leave out one of them", option.flag))
		}
	}
	return errs
}
