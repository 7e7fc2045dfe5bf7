// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

// holder is one who has the content of a Secret: its certificate, and whom it trusts.
type holder struct {
	leaf  *x509.Certificate
	roots *x509.CertPool
}

func holderOf(t *testing.T, a authorities, hosts ...string) holder {
	t.Helper()
	data, err := a.issue("network-etcd", hosts, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(data["tls.crt"], data["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data["ca.crt"]) {
		t.Fatalf("no authority in %q", data["ca.crt"])
	}
	return holder{leaf: pair.Leaf, roots: roots}
}

func (h holder) trusts(other holder) bool {
	_, err := other.leaf.Verify(x509.VerifyOptions{
		Roots: h.roots, DNSName: "etcd-0.svc", KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err == nil
}

func TestRotationLeavesNobodyOut(t *testing.T) {
	a, err := authorities{}.take(stepRenew, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	first := holderOf(t, a, "etcd-0.svc")
	before := first
	for _, step := range []string{stepTrust, stepSign, stepForget} {
		if a, err = a.take(step, time.Now()); err != nil {
			t.Fatal(err)
		}
		stored, err := a.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseAuthorities(stored)
		if err != nil {
			t.Fatal(err)
		}
		if again, err = again.take(step, time.Now()); err != nil {
			t.Errorf("%s can't be repeated: %v", step, err)
		}
		if repeated, err := again.encode(); err != nil || !bytes.Equal(repeated["ca.crt"], stored["ca.crt"]) ||
			!bytes.Equal(repeated["tls.crt"], stored["tls.crt"]) {
			t.Errorf("%s repeated is not the same: %v", step, err)
		}
		after := holderOf(t, a, "etcd-0.svc")
		if !before.trusts(after) || !after.trusts(before) {
			t.Errorf("after %s, who has taken it and who has not do not trust each other", step)
		}
		before = after
	}
	if before.trusts(first) {
		t.Error("the old authority is trusted in the end")
	}
}

func TestStepsOfARotationComeInOrder(t *testing.T) {
	fresh, err := authorities{}.take(stepRenew, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	trusting, err := fresh.take(stepTrust, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		from authorities
		step string
		want string
	}{
		"nobody signs before the others trust":         {fresh, stepSign, "--step=sign comes after --step=trust"},
		"nobody is forgotten before the new one signs": {trusting, stepForget, "--step=forget comes after --step=sign"},
		"an unknown step is refused":                   {fresh, "rotate", `there is no step "rotate"; there are renew, trust, sign, forget`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tt.from.take(tt.step, time.Now()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
