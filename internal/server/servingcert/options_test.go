// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	genericoptions "k8s.io/apiserver/pkg/server/options"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	const secret, dnsNames = "--serving-cert-secret=ns/name", "--serving-cert-dns-names=svc.ns.svc"
	for sentence, test := range map[string]struct {
		args  []string
		files genericoptions.CertKey
		want  []string
	}{
		"nothing is given": {},
		"a certificate in files": {
			files: genericoptions.CertKey{CertFile: "tls.crt", KeyFile: "tls.key"},
		},
		"a Secret and a name are enough": {
			args: []string{secret, dnsNames},
		},
		"several names": {
			args: []string{secret, "--serving-cert-dns-names=svc.ns.svc,svc.ns.svc.cluster.local"},
		},
		"a Secret needs a name in the certificate": {
			args: []string{secret},
			want: []string{"--serving-cert-secret needs --serving-cert-dns-names, the name by which the host cluster calls " +
				"this server: <service>.<namespace>.svc"},
		},
		"a name in the certificate needs a Secret": {
			args: []string{dnsNames},
			want: []string{"--serving-cert-dns-names has no effect without --serving-cert-secret: give both or none"},
		},
		"a Secret and a file exclude each other": {
			args:  []string{secret, dnsNames},
			files: genericoptions.CertKey{KeyFile: "tls.key"},
			want: []string{"--serving-cert-secret and --tls-cert-file, --tls-private-key-file are two sources of one " +
				"certificate: leave out one of them"},
		},
		"a Secret without a namespace": {
			args: []string{"--serving-cert-secret=name", dnsNames},
			want: []string{`--serving-cert-secret: "name" is not of the form <namespace>/<name>`},
		},
		"a Secret with too much of a path": {
			args: []string{"--serving-cert-secret=a/b/c", dnsNames},
			want: []string{`--serving-cert-secret: "a/b/c" is not of the form <namespace>/<name>`},
		},
		"an address in place of a name, and no APIService": {
			args: []string{secret, "--serving-cert-dns-names=a.b.svc:443", "--serving-cert-apiservice="},
			want: []string{
				`--serving-cert-dns-names: "a.b.svc:443" is not a DNS name`,
				`--serving-cert-apiservice: "" is not the name of an APIService, which is <version>.<group>`,
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			o := NewOptions()
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			o.AddFlags(flags)
			if err := flags.Parse(test.args); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, err := range o.Validate(test.files) {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestTheAPIServiceIsOursByDefault(t *testing.T) {
	t.Parallel()
	if got := NewOptions().APIService; got != "v1alpha1.networking.ironcore.dev" {
		t.Errorf("got %q", got)
	}
}
