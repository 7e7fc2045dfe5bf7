// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Each case is a sentence about what one replica sees, and what it then stores, publishes and signs with.
package servingcert

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ironcore.dev/networking/internal/server/pki"
)

const day = 24 * time.Hour

var today = time.Date(2026, time.August, 1, 12, 0, 0, 0, time.UTC)

// The authorities of the cases, made by makeAuthorities.
const (
	gone     = "gone"     // expired yesterday
	ageing   = "ageing"   // two thirds of its life are over since yesterday
	young    = "young"    // made a month ago
	newborn  = "newborn"  // made a moment ago
	stranger = "stranger" // in the caBundle alone, valid
)

type authorities map[string]*pki.Authority

func makeAuthorities(t *testing.T) authorities {
	t.Helper()
	all := authorities{}
	for name, age := range map[string]time.Duration{
		gone: 731 * day, ageing: 488 * day, young: 30 * day, newborn: 0, stranger: 100 * day,
	} {
		made, err := pki.NewAuthority("test", today.Add(-age), authorityLifetime)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = made
	}
	return all
}

// certs returns the certificates of authorities that are given by their names, separated by spaces.
func (a authorities) certs(names string) (certs []*x509.Certificate) {
	for name := range strings.FieldsSeq(names) {
		certs = append(certs, a[name].Cert)
	}
	return certs
}

func (a authorities) name(cert *x509.Certificate) string {
	for name, authority := range a {
		if authority.Cert.Equal(cert) {
			return name
		}
	}
	return "unknown"
}

func (a authorities) nameOf(authority *pki.Authority) string {
	if authority == nil {
		return ""
	}
	return a.name(authority.Cert)
}

func (a authorities) names(certs []*x509.Certificate) string {
	var names []string
	for _, cert := range certs {
		names = append(names, a.name(cert))
	}
	return strings.Join(names, " ")
}

// served is a certificate that was signed some time ago.
type served struct {
	by  string
	age time.Duration
}

// outcome is a decision in names of authorities.
type outcome struct {
	NeedsNext     bool
	Signing, Next string
	Trusted       string
	Signer        string
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		signing, next, trusted string
		unregistered           bool
		bundle                 string
		carriedFor             time.Duration // zero if the APIService doesn't carry the successor
		serving                served
		want                   outcome
	}{
		"the first replica of all needs an authority": {
			want: outcome{NeedsNext: true},
		},
		"the first authority signs at once, as nobody trusts another": {
			next: newborn,
			want: outcome{Signing: newborn, Trusted: newborn, Signer: newborn},
		},
		"before the APIService is registered, nobody has to learn of an authority": {
			next: newborn, unregistered: true,
			want: outcome{Signing: newborn, Trusted: newborn, Signer: newborn},
		},
		"a replica that starts has the common authority sign": {
			signing: young, trusted: young, bundle: young,
			want: outcome{Signing: young, Trusted: young, Signer: young},
		},
		"a young certificate of a young authority stays": {
			signing: young, trusted: young, bundle: young, serving: served{young, 59 * day},
			want: outcome{Signing: young, Trusted: young},
		},
		"a certificate is renewed when two thirds of its life are over": {
			signing: young, trusted: young, bundle: young, serving: served{young, 60 * day},
			want: outcome{Signing: young, Trusted: young, Signer: young},
		},
		"a certificate is renewed though the APIService has lost its bundle": {
			signing: young, trusted: young, serving: served{young, 60 * day},
			want: outcome{Signing: young, Trusted: young, Signer: young},
		},
		"an authority needs a successor when two thirds of its life are over": {
			signing: ageing, trusted: ageing, bundle: ageing, serving: served{ageing, day},
			want: outcome{NeedsNext: true, Signing: ageing, Trusted: ageing},
		},
		"a successor is made known first, and signs nothing yet": {
			signing: ageing, next: newborn, trusted: ageing, bundle: ageing, serving: served{ageing, day},
			want: outcome{Signing: ageing, Next: newborn, Trusted: "ageing newborn"},
		},
		"a successor waits until it has been known for a minute": {
			signing: ageing, next: newborn, trusted: "ageing newborn", bundle: "ageing newborn",
			carriedFor: 59 * time.Second, serving: served{ageing, day},
			want: outcome{Signing: ageing, Next: newborn, Trusted: "ageing newborn"},
		},
		"a certificate is renewed by the authority that is known while its successor waits": {
			signing: ageing, next: newborn, trusted: "ageing newborn", bundle: "ageing newborn",
			carriedFor: 59 * time.Second, serving: served{ageing, 60 * day},
			want: outcome{Signing: ageing, Next: newborn, Trusted: "ageing newborn", Signer: ageing},
		},
		"a replica that starts while a successor waits has the authority that is known sign": {
			signing: ageing, next: newborn, trusted: "ageing newborn", bundle: "ageing newborn",
			carriedFor: time.Second,
			want:       outcome{Signing: ageing, Next: newborn, Trusted: "ageing newborn", Signer: ageing},
		},
		"a successor that has been known for a minute signs, and the one before stays trusted": {
			signing: ageing, next: newborn, trusted: "ageing newborn", bundle: "ageing newborn",
			carriedFor: time.Minute, serving: served{ageing, day},
			want: outcome{Signing: newborn, Trusted: "ageing newborn", Signer: newborn},
		},
		"a replica follows when another has let the successor take over": {
			signing: newborn, trusted: "ageing newborn", bundle: "ageing newborn", serving: served{ageing, day},
			want: outcome{Signing: newborn, Trusted: "ageing newborn", Signer: newborn},
		},
		"an authority is forgotten when it has expired": {
			signing: young, trusted: "gone young", bundle: "gone young", serving: served{young, day},
			want: outcome{Signing: young, Trusted: young},
		},
		"an authority that is taken out of the Secret by hand is forgotten": {
			signing: newborn, trusted: newborn, bundle: "ageing newborn", serving: served{newborn, day},
			want: outcome{Signing: newborn, Trusted: newborn},
		},
		"a bundle that is taken out of the Secret by hand comes back without those who don't sign": {
			signing: young, bundle: "ageing young", serving: served{young, day},
			want: outcome{Signing: young, Trusted: young},
		},
		"after the Secret was deleted, all that are known stay trusted, and a new one is needed": {
			bundle: "ageing young", serving: served{young, day},
			want: outcome{NeedsNext: true, Trusted: "ageing young"},
		},
		"after the Secret was deleted, a running replica keeps its certificate until the new authority is known": {
			next: newborn, trusted: "young newborn", bundle: "young newborn", carriedFor: 59 * time.Second,
			serving: served{young, 60 * day},
			want:    outcome{Next: newborn, Trusted: "young newborn"},
		},
		"after the Secret was deleted, a replica that starts has the new authority sign, for there is no other": {
			next: newborn, trusted: "young newborn", bundle: "young newborn",
			want: outcome{Next: newborn, Trusted: "young newborn", Signer: newborn},
		},
		"after the Secret was deleted, running replicas change over once the new authority is known": {
			next: newborn, trusted: "young newborn", bundle: "young newborn", carriedFor: time.Minute,
			serving: served{young, day},
			want:    outcome{Signing: newborn, Trusted: "young newborn", Signer: newborn},
		},
		"an authority that somebody else published stays trusted when the server gets its own": {
			bundle: stranger,
			want:   outcome{NeedsNext: true, Trusted: stranger},
		},
		"an authority that somebody else publishes later does not stay": {
			signing: young, trusted: young, bundle: "young stranger", serving: served{young, day},
			want: outcome{Signing: young, Trusted: young},
		},
		"after years without a server, there is nothing to be careful with": {
			signing: gone, next: newborn, trusted: gone, bundle: gone,
			want: outcome{Signing: newborn, Trusted: newborn, Signer: newborn},
		},
		"an expired authority does not sign, whatever the Secret says": {
			signing: gone, trusted: gone, bundle: gone,
			want: outcome{NeedsNext: true},
		},
		"an expired successor is replaced": {
			signing: ageing, next: gone, trusted: "ageing gone", bundle: ageing, serving: served{ageing, day},
			want: outcome{NeedsNext: true, Signing: ageing, Trusted: ageing},
		},
		"an expired certificate is worse than one of an authority that is not known yet": {
			next: newborn, trusted: "young newborn", bundle: young, serving: served{young, 91 * day},
			want: outcome{Next: newborn, Trusted: "young newborn", Signer: newborn},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			all := makeAuthorities(t)
			s := situation{
				now:        today,
				registered: !test.unregistered,
				stored:     content{signing: all[test.signing], next: all[test.next], trusted: all.certs(test.trusted)},
				bundle:     all.certs(test.bundle),
			}
			if test.carriedFor > 0 {
				s.carriedSince = today.Add(-test.carriedFor)
			}
			if test.serving.by != "" {
				serving, err := issue(all[test.serving.by], []string{"a.b.svc"}, today.Add(-test.serving.age))
				if err != nil {
					t.Fatal(err)
				}
				s.serving = serving.Certificate
			}
			got := decide(s)
			if diff := cmp.Diff(test.want, outcome{
				NeedsNext: got.needsNext,
				Signing:   all.nameOf(got.stored.signing),
				Next:      all.nameOf(got.stored.next),
				Trusted:   all.names(got.stored.trusted),
				Signer:    all.nameOf(got.signer),
			}); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

// A chain of decisions, from the first replica to the end of the first authority, with a client that checks each
// certificate against the bundle as it was a moment before.
func TestClientsAlwaysKnowWhoSigned(t *testing.T) {
	t.Parallel()
	const replicas = 3
	var (
		stored       content
		bundle       []*x509.Certificate
		carriedSince time.Time
		serving      [replicas]*x509.Certificate
		signers      = map[string]bool{}
		forgotten    int
	)
	for now := today; now.Before(today.Add(5 * 365 * day)); {
		for i := range replicas {
			s := situation{now: now, stored: stored, registered: true, bundle: bundle, serving: serving[i]}
			if stored.next != nil && len(trust(bundle, stored.next.Cert)) == len(bundle) {
				if carriedSince.IsZero() {
					carriedSince = now
				}
				s.carriedSince = carriedSince
			} else {
				carriedSince = time.Time{}
			}
			d := decide(s)
			if d.needsNext {
				next, err := pki.NewAuthority("test", now, authorityLifetime)
				if err != nil {
					t.Fatal(err)
				}
				s.stored = d.stored
				s.stored.next = next
				d = decide(s)
			}
			before := bundle
			stored, bundle = d.stored, d.stored.trusted
			if len(bundle) < len(before) {
				forgotten++
			}
			if d.signer != nil {
				issued, err := issue(d.signer, []string{"a.b.svc"}, now)
				if err != nil {
					t.Fatal(err)
				}
				serving[i] = issued.Certificate
				signers[d.signer.Cert.SerialNumber.String()] = true
				if before == nil {
					before = bundle // The very first: nobody could connect before.
				}
				verify(t, issued.Certificate, before, now)
			}
			for _, cert := range serving {
				if cert != nil {
					verify(t, cert, bundle, now)
				}
			}
		}
		// Five days a step, and half a minute a step while a successor waits.
		if stored.next != nil {
			now = now.Add(checkInterval)
		} else {
			now = now.Add(5 * day)
		}
	}
	if len(signers) != 4 || forgotten != 3 {
		t.Errorf("%d authorities signed and %d were forgotten in five years, want 4 and 3", len(signers), forgotten)
	}
}

func verify(t *testing.T, cert *x509.Certificate, bundle []*x509.Certificate, now time.Time) {
	t.Helper()
	roots := x509.NewCertPool()
	for _, ca := range bundle {
		roots.AddCert(ca)
	}
	if _, err := cert.Verify(x509.VerifyOptions{DNSName: "a.b.svc", Roots: roots, CurrentTime: now}); err != nil {
		t.Fatalf("on %s a client refuses: %v", now.Format(time.DateTime), err)
	}
}
