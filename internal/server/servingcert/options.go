// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	genericoptions "k8s.io/apiserver/pkg/server/options"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

const (
	secretFlag     = "serving-cert-secret"
	dnsNamesFlag   = "serving-cert-dns-names"
	apiServiceFlag = "serving-cert-apiservice"
)

// Options are what the command line says about the server's own certificate authority.
type Options struct {
	// Secret keeps the authority, as <namespace>/<name>. Without one, the server has no authority of its own.
	Secret string
	// DNSNames are those of the serving certificate.
	DNSNames []string
	// APIService is the one whose caBundle is kept current.
	APIService string
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{APIService: v1alpha1.SchemeGroupVersion.Version + "." + v1alpha1.GroupName}
}

// AddFlags adds the flags.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Secret, secretFlag, o.Secret,
		"Secret of the host cluster, as <namespace>/<name>, in which the server keeps a certificate authority of its own. "+
			"It signs the serving certificate with it, renews both in time, and keeps the caBundle of its APIService "+
			"current. In place of --tls-cert-file and --tls-private-key-file.")
	flags.StringSliceVar(&o.DNSNames, dnsNamesFlag, o.DNSNames,
		"Names in the serving certificate of --"+secretFlag+": that of the Service, <name>.<namespace>.svc, "+
			"and more if you like.")
	flags.StringVar(&o.APIService, apiServiceFlag, o.APIService,
		"APIService whose caBundle --"+secretFlag+" keeps current.")
}

// Enabled tells whether the server has an authority of its own.
func (o *Options) Enabled() bool { return o.Secret != "" }

// Validate returns every mistake in the options, given the serving certificate's files.
func (o *Options) Validate(files genericoptions.CertKey) (errs []error) {
	if !o.Enabled() {
		if len(o.DNSNames) > 0 {
			errs = append(errs, fmt.Errorf("--%s has no effect without --%s: give both or none", dnsNamesFlag, secretFlag))
		}
		if o.APIService != NewOptions().APIService {
			errs = append(errs, fmt.Errorf("--%s has no effect without --%s: give both or none", apiServiceFlag, secretFlag))
		}
		return errs
	}
	if files.CertFile != "" || files.KeyFile != "" {
		errs = append(errs, fmt.Errorf("--%s and --tls-cert-file, --tls-private-key-file are two sources of one "+
			"certificate: leave out one of them", secretFlag))
	}
	namespace, name := o.secret()
	if len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		errs = append(errs, fmt.Errorf("--%s: %q is not of the form <namespace>/<name>", secretFlag, o.Secret))
	}
	if len(o.DNSNames) == 0 {
		errs = append(errs, fmt.Errorf("--%s needs --%s, the name by which the host cluster calls this server: "+
			"<service>.<namespace>.svc", secretFlag, dnsNamesFlag))
	}
	for _, name := range o.DNSNames {
		if len(validation.IsDNS1123Subdomain(name)) > 0 {
			errs = append(errs, fmt.Errorf("--%s: %q is not a DNS name", dnsNamesFlag, name))
		}
	}
	if len(validation.IsDNS1123Subdomain(o.APIService)) > 0 {
		errs = append(errs, fmt.Errorf("--%s: %q is not the name of an APIService, which is <version>.<group>",
			apiServiceFlag, o.APIService))
	}
	return errs
}

func (o *Options) secret() (namespace, name string) {
	namespace, name, _ = strings.Cut(o.Secret, "/")
	return namespace, name
}
