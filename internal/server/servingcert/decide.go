// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The decisions: what the Secret is to hold, whom clients are to trust, and who signs. They keep to one rule: no
// authority signs before clients know it, and none is forgotten while what it signed is in use.

package servingcert

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"time"

	"ironcore.dev/networking/internal/server/pki"
)

// settleTime is how long the APIService has to carry a new authority before it signs: every kube-apiserver has noticed
// by then.
const settleTime = time.Minute

const (
	// An authority is replaced when two thirds of its life are over. What is left outlives all that it signed.
	authorityLifetime = 2 * 365 * 24 * time.Hour
	servingLifetime   = 90 * 24 * time.Hour
)

// situation is what one replica sees.
type situation struct {
	now    time.Time
	stored content
	// registered tells whether there is an APIService, and bundle what its caBundle holds.
	registered bool
	bundle     []*x509.Certificate
	// carriedSince is when this replica first saw stored.next in the caBundle. Zero if it is not there.
	carriedSince time.Time
	// serving is the replica's certificate, nil at its start.
	serving *x509.Certificate
}

// decision is what follows from a situation.
type decision struct {
	// needsNext asks for a successor of the signing authority. Decide again once stored.next has it.
	needsNext bool
	// stored is what the Secret is to hold; stored.trusted is what the caBundle is to hold.
	stored content
	// signer is to sign a new serving certificate. The present one stays if it is nil.
	signer *pki.Authority
}

func decide(s situation) decision {
	stored := unexpired(s.stored, s.now)
	if stored.signing == nil && stored.next == nil {
		// The Secret is new, or was deleted: replicas still serve with what the authorities in the caBundle signed.
		stored.trusted = trust(stored.trusted, authoritiesAt(s.now, s.bundle)...)
	}
	if stored.next == nil && (stored.signing == nil || due(stored.signing.Cert, s.now)) {
		return decision{needsNext: true, stored: stored}
	}
	if stored.next != nil && mayTakeOver(s, stored.next.Cert) {
		stored.signing, stored.next = stored.next, nil
	}
	for _, a := range []*pki.Authority{stored.signing, stored.next} {
		if a != nil {
			stored.trusted = trust(stored.trusted, a.Cert)
		}
	}
	return decision{stored: stored, signer: signer(s, stored)}
}

// unexpired leaves out what nothing can be verified with any more.
func unexpired(stored content, now time.Time) content {
	if stored.signing != nil && expired(stored.signing.Cert, now) {
		stored.signing = nil
	}
	if stored.next != nil && expired(stored.next.Cert, now) {
		stored.next = nil
	}
	stored.trusted = authoritiesAt(now, stored.trusted)
	return stored
}

// mayTakeOver tells whether the successor may sign: when clients have known it for a while, or when there are none who
// trust anybody else.
func mayTakeOver(s situation, next *x509.Certificate) bool {
	trustsAnother := slices.ContainsFunc(authoritiesAt(s.now, s.bundle), func(known *x509.Certificate) bool {
		return !known.Equal(next)
	})
	if !s.registered || !trustsAnother {
		return true
	}
	return !s.carriedSince.IsZero() && s.now.Sub(s.carriedSince) >= settleTime
}

// signer signs when the present certificate is old or another's. At a start without a signing authority its successor
// signs: better a certificate that clients are about to trust than none.
func signer(s situation, stored content) *pki.Authority {
	switch {
	case stored.signing == nil && (s.serving == nil || expired(s.serving, s.now)):
		return stored.next
	case stored.signing == nil:
		return nil
	case s.serving == nil, due(s.serving, s.now), s.serving.CheckSignatureFrom(stored.signing.Cert) != nil:
		return stored.signing
	default:
		return nil
	}
}

// issue signs a serving certificate.
func issue(signer *pki.Authority, dnsNames []string, now time.Time) (*pki.Certificate, error) {
	return signer.Issue(x509.Certificate{
		Subject:     pkix.Name{CommonName: "network-apiserver"},
		DNSNames:    dnsNames,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, now, servingLifetime)
}

// due tells whether two thirds of a certificate's life are over.
func due(cert *x509.Certificate, now time.Time) bool {
	life := cert.NotAfter.Sub(cert.NotBefore)
	return !now.Before(cert.NotBefore.Add(life / 3 * 2))
}

func expired(cert *x509.Certificate, now time.Time) bool { return now.After(cert.NotAfter) }

// authoritiesAt are those of the certificates that others can be verified with at a time.
func authoritiesAt(now time.Time, certs []*x509.Certificate) []*x509.Certificate {
	return slices.DeleteFunc(slices.Clone(certs), func(cert *x509.Certificate) bool {
		return !cert.IsCA || expired(cert, now)
	})
}

// trust adds certificates that are missing, the newest last.
func trust(trusted []*x509.Certificate, certs ...*x509.Certificate) []*x509.Certificate {
	for _, cert := range certs {
		if !slices.ContainsFunc(trusted, cert.Equal) {
			trusted = append(trusted, cert)
		}
	}
	return trusted
}
