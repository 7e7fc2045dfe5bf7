// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package server assembles network-apiserver: Options are what the command line says, Config is what a server needs, and
// Server is what runs.
package server

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
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
	"ironcore.dev/networking/internal/provider/ovn"
	"ironcore.dev/networking/internal/server/servingcert"
	"ironcore.dev/networking/internal/server/standalone"
)

// The network providers that --network-provider may name.
const (
	providerLocal    = "local"
	providerExternal = "external"
)

var providers = []string{providerLocal, providerExternal, ironcorenet.Name, ovn.Name}

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
	// EtcdQuota is the size of the embedded etcd's database at which it refuses writes.
	EtcdQuota resource.Quantity

	// NetworkProvider realizes the Networks.
	NetworkProvider string
	// LocalVNIRange is where the local provider allocates from.
	LocalVNIRange local.VNIRange
	// LocalAddressRanges are where it has addresses for VirtualIPs, LoadBalancers and NATGateways from.
	LocalAddressRanges local.AddressRanges
	// IroncoreNet is where the ironcore-net provider realizes them.
	IroncoreNet ironcorenet.Options
	// OVN is where the ovn provider realizes them.
	OVN ovn.Options
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	kubernetesVersion := version.MustParse(baseversion.DefaultKubeBinaryVersion)
	gates := utilfeature.DefaultMutableFeatureGate // of the whole process, so that they are prepared once
	if _, prepared := gates.GetAll()[logsapi.ContextualLogging]; !prepared {
		utilruntime.Must(logsapi.AddFeatureGates(gates))
		// This reads everything from etcd each five minutes, and compares it with the watch cache. With 100,000 Networks that
		// takes 300 MB for the time.
		utilruntime.Must(gates.OverrideDefaultAtVersion(features.DetectCacheInconsistency, false, kubernetesVersion))
	}
	components := basecompatibility.NewComponentGlobalsRegistry()
	// The feature gates are those of the Kubernetes libraries, whatever the version of this server.
	kubernetes := basecompatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", "")
	utilruntime.Must(components.Register(basecompatibility.DefaultKubeComponent, kubernetes, utilfeature.DefaultMutableFeatureGate))
	o := &Options{
		Recommended:   genericoptions.NewRecommendedOptions("/registry", storageCodec(runtime.ContentTypeProtobuf)),
		ServerRun:     genericoptions.NewServerRunOptionsForComponent(basecompatibility.DefaultKubeComponent, components),
		Logs:          logs.NewOptions(),
		Controllers:   controllers.NewOptions(),
		ServingCert:   servingcert.NewOptions(),
		LocalVNIRange: local.DefaultVNIRange(), LocalAddressRanges: local.DefaultAddressRanges(),
		OVN:       ovn.NewOptions(),
		EtcdQuota: *resource.NewQuantity(standalone.DefaultQuota, resource.BinarySI),
	}
	// Watches are told to go elsewhere when the server stops; without this they would hold it up for a minute.
	o.ServerRun.ShutdownWatchTerminationGracePeriod = 10 * time.Second
	// One worker takes a minute for what one request may ask for.
	o.Recommended.Etcd.DeleteCollectionWorkers = 16
	o.Recommended.Etcd.DefaultStorageMediaType = runtime.ContentTypeProtobuf
	o.Recommended.SecureServing.BindPort = 6443
	o.Recommended.SecureServing.ServerCert.CertDirectory = ""
	// With TLS 1.2, only what authenticates while it encrypts.
	for _, suite := range tls.CipherSuites() {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS12) && !strings.Contains(suite.Name, "_CBC_") {
			o.Recommended.SecureServing.CipherSuites = append(o.Recommended.SecureServing.CipherSuites, suite.Name)
		}
	}
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
		"Serve without a Kubernetes cluster. The etcd, the certificates and the administrator's kubeconfig are in --data-dir.")
	main.StringVar(&o.DataDir, "data-dir", o.DataDir,
		"Directory of the embedded etcd, which runs unless --etcd-servers is given. With --standalone, certificates and "+
			"admin.kubeconfig are kept there too. Created if missing; nobody else may read it.")
	main.Var(&quantityFlag{&o.EtcdQuota}, "etcd-quota",
		"Maximum size of the database of the embedded etcd. A full database takes no more writes; a restart removes old versions.")
	main.StringVar(&o.NetworkProvider, "network-provider", o.NetworkProvider,
		"Who realizes the Networks: 'local' gives them numbers, 'external' leaves them to a provider that uses the API, "+
			"'ironcore-net' uses an ironcore-net API server, 'ovn' carries their packets with OVN. "+
			"Default 'local' with --standalone, else 'external'.")
	main.Var(&o.LocalVNIRange, "local-vni-range",
		"Virtual network identifiers that the local provider may give to Networks, as first-last.")
	main.Var(&o.LocalAddressRanges, "local-virtual-ip-range",
		"Addresses that the local provider may give to VirtualIPs, LoadBalancers and NATGateways: one range for each IP family. "+
			"The default ranges are for documentation and not routed.")
	o.IroncoreNet.AddFlags(main)
	o.OVN.AddFlags(main)

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
	return effective(sections)
}

// validateEtcdServers refuses what is not the URL of a server at once: the library would try it for 20 seconds.
func validateEtcdServers(servers []string) []error {
	var errs []error
	for _, server := range servers {
		parsed, err := url.Parse(server)
		if err != nil || !slices.Contains([]string{"http", "https", "unix", "unixs"}, parsed.Scheme) || parsed.Host+parsed.Path == "" {
			errs = append(errs, fmt.Errorf("--etcd-servers: %q is not the URL of a server: give https://<host>:2379", server))
		}
	}
	return errs
}

// embeddedCompaction is how often the history of an embedded etcd is dropped. Watches are served from the watch cache, so
// it is kept for lists in chunks alone, and is mapped into the memory of this process.
const embeddedCompaction = 30 * time.Second

// Complete fills in the defaults that depend on other options; given tells whether the user set a flag.
func (o *Options) Complete(given func(flag string) bool) error {
	if o.Standalone {
		// Nobody collects garbage there: a deletion in the foreground, or one that orphans, would never end.
		o.Recommended.Etcd.EnableGarbageCollection = false
		// Priorities are objects of a host cluster.
		o.Recommended.Features.EnablePriorityAndFairness = false
	}
	if o.Standalone && !given("bind-address") {
		o.Recommended.SecureServing.BindAddress = loopbackAddress
	}
	if o.embedsEtcd() && !given("etcd-compaction-interval") {
		o.Recommended.Etcd.StorageConfig.CompactionInterval = embeddedCompaction
	}
	// The library's own use of --storage-media-type has no effect with a codec that is given.
	o.Recommended.Etcd.StorageConfig.Codec = storageCodec(o.Recommended.Etcd.DefaultStorageMediaType)
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
	if err := o.ServerRun.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("--feature-gates, --emulated-version or --min-compatibility-version: %w", err)
	}
	return nil
}

// quantityFlag is an amount on the command line, such as 8Gi.
type quantityFlag struct{ *resource.Quantity }

func (q *quantityFlag) Type() string { return "quantity" }

func (q *quantityFlag) Set(text string) (err error) {
	*q.Quantity, err = resource.ParseQuantity(text)
	return err
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
	if o.EtcdQuota.Value() < standalone.LeastQuota {
		errs = append(errs, fmt.Errorf("--etcd-quota must be at least %dMi", standalone.LeastQuota>>20))
	}
	if o.Standalone && o.ServingCert.Enabled() {
		errs = append(errs, fmt.Errorf("--serving-cert-secret has no effect with --standalone, which has no host cluster: "+
			"leave out one of them"))
	}
	if o.Standalone && o.Recommended.SecureServing.ServerCert.CertDirectory != "" {
		errs = append(errs, fmt.Errorf("--cert-dir has no effect with --standalone, which keeps its certificates in --data-dir: "+
			"leave out one of them"))
	}
	if o.Recommended.SecureServing.BindPort == 0 {
		errs = append(errs, fmt.Errorf("--secure-port must not be 0: the server has no other port"))
	}
	if !slices.Contains(providers, o.NetworkProvider) {
		errs = append(errs, fmt.Errorf("--network-provider: %q is not a provider; there are %s",
			o.NetworkProvider, strings.Join(providers, ", ")))
	}
	errs = append(errs, o.IroncoreNet.Validate(o.NetworkProvider == ironcorenet.Name)...)
	errs = append(errs, o.OVN.Validate(o.NetworkProvider == ovn.Name)...)
	errs = append(errs, validateEtcdServers(o.Recommended.Etcd.StorageConfig.Transport.ServerList)...)
	etcd := *o.Recommended.Etcd
	if len(etcd.StorageConfig.Transport.ServerList) == 0 {
		etcd.StorageConfig.Transport.ServerList = []string{"embedded"} // What is missing is told above.
	}
	errs = append(errs, etcd.Validate()...)
	errs = append(errs, o.Recommended.SecureServing.Validate()...)
	errs = append(errs, validateValues(o.Recommended)...)
	errs = append(errs, o.ServingCert.Validate(o.Recommended.SecureServing.ServerCert.CertKey)...)
	errs = append(errs, o.Recommended.Authentication.Validate()...)
	errs = append(errs, o.Recommended.Authorization.Validate()...)
	errs = append(errs, validateAudit(o.Recommended.Audit)...)
	errs = append(errs, o.Recommended.Features.Validate()...)
	errs = append(errs, o.Recommended.Admission.Validate()...)
	errs = append(errs, o.Recommended.EgressSelector.Validate()...)
	errs = append(errs, o.Recommended.Traces.Validate()...)
	errs = append(errs, o.ServerRun.Validate()...)
	errs = append(errs, o.Controllers.Validate()...)
	return errs
}
