// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestASecretIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	all := makeAuthorities(t)
	for sentence, want := range map[string]content{
		"empty":                      {},
		"the first authority":        {signing: all[young], trusted: all.certs(young)},
		"a successor waits":          {signing: all[ageing], next: all[newborn], trusted: all.certs("ageing newborn")},
		"only a successor":           {next: all[newborn], trusted: all.certs("ageing newborn")},
		"an earlier one is trusted":  {signing: all[young], trusted: all.certs("ageing young")},
		"the bundle has been erased": {signing: all[young]},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			data, err := want.encode()
			if err != nil {
				t.Fatal(err)
			}
			read, err := parse(data)
			if err != nil {
				t.Fatal(err)
			}
			again, err := read.encode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(data, again); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
			if all.nameOf(read.signing) != all.nameOf(want.signing) || all.nameOf(read.next) != all.nameOf(want.next) ||
				all.names(read.trusted) != all.names(want.trusted) {
				t.Errorf("got %+v, want %+v", read, want)
			}
		})
	}
}

func TestASecretOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	all := makeAuthorities(t)
	good, err := content{signing: all[young], trusted: all.certs(young)}.encode()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := issue(all[young], []string{"a.b.svc"}, today)
	if err != nil {
		t.Fatal(err)
	}
	_, otherKey, err := all[ageing].Encode()
	if err != nil {
		t.Fatal(err)
	}
	const remedy = "can't be used: "
	for sentence, test := range map[string]struct {
		change map[string]string
		want   string
	}{
		"one of cert-manager's": {
			change: map[string]string{"tls.crt": "PEM"},
			want: `it holds "tls.crt", which is not this server's: ` +
				`name another Secret, or delete this one if nobody needs it`,
		},
		"a bundle that is none": {
			change: map[string]string{"ca.crt": "hello"},
			want:   "ca.crt " + remedy + "data does not contain any valid RSA or ECDSA certificates",
		},
		"a key of another authority": {
			change: map[string]string{"signing-ca.key": string(otherKey)},
			want:   "signing-ca.crt and signing-ca.key " + remedy + "tls: private key does not match public key",
		},
		"a certificate without its key": {
			change: map[string]string{"next-ca.crt": string(good["signing-ca.crt"])},
			want:   "next-ca.crt and next-ca.key " + remedy + "tls: failed to find any PEM data in key input",
		},
		"a certificate that is not an authority's": {
			change: map[string]string{"signing-ca.crt": string(leaf.CertPEM), "signing-ca.key": string(leaf.KeyPEM)},
			want:   "signing-ca.crt and signing-ca.key " + remedy + "the certificate is not one of an authority",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			data := maps.Clone(good)
			for key, value := range test.change {
				data[key] = []byte(value)
			}
			want := test.want
			if strings.Contains(want, remedy) {
				want += ": delete the Secret, then the server makes a new one"
			}
			if _, err := parse(data); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}
