// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"crypto/x509"
	"fmt"
	"slices"

	certutil "k8s.io/client-go/util/cert"

	"ironcore.dev/networking/internal/server/pki"
)

// The keys of the Secret. Clients of the server may read ca.crt; the others are the server's alone.
const (
	trustedKey     = "ca.crt"
	signingCertKey = "signing-ca.crt"
	signingKeyKey  = "signing-ca.key"
	nextCertKey    = "next-ca.crt"
	nextKeyKey     = "next-ca.key"
)

var contentKeys = []string{trustedKey, signingCertKey, signingKeyKey, nextCertKey, nextKeyKey}

// content is what the Secret holds.
type content struct {
	// signing is the authority that signs. There is none before the first, and none while the successor of a lost one is
	// being made known.
	signing *pki.Authority
	// next is the successor while it is being made known to clients.
	next *pki.Authority
	// trusted are the certificates of both, and of the authorities before them that have not expired: what clients of the
	// server rely on.
	trusted []*x509.Certificate
}

// parse reads what encode wrote. It refuses anything else, rather than to overwrite what may be somebody's.
func parse(data map[string][]byte) (c content, err error) {
	for key := range data {
		if !slices.Contains(contentKeys, key) {
			return content{}, fmt.Errorf("it holds %q, which is not this server's: "+
				"name another Secret, or delete this one if nobody needs it", key)
		}
	}
	if c.signing, err = parsePair(data, signingCertKey, signingKeyKey); err != nil {
		return content{}, err
	}
	if c.next, err = parsePair(data, nextCertKey, nextKeyKey); err != nil {
		return content{}, err
	}
	if len(data[trustedKey]) > 0 {
		if c.trusted, err = certutil.ParseCertsPEM(data[trustedKey]); err != nil {
			return content{}, damaged(trustedKey, err)
		}
	}
	return c, nil
}

func parsePair(data map[string][]byte, certKey, keyKey string) (*pki.Authority, error) {
	if len(data[certKey]) == 0 && len(data[keyKey]) == 0 {
		return nil, nil
	}
	a, err := pki.ParseAuthority(data[certKey], data[keyKey])
	if err != nil {
		return nil, damaged(certKey+" and "+keyKey, err)
	}
	return a, nil
}

func damaged(keys string, err error) error {
	return fmt.Errorf("%s can't be used: %w: delete the Secret, then the server makes a new one", keys, err)
}

func (c content) encode() (map[string][]byte, error) {
	data := map[string][]byte{}
	var err error
	if data[trustedKey], err = certutil.EncodeCertificates(c.trusted...); err != nil {
		return nil, err
	}
	if c.signing != nil {
		if data[signingCertKey], data[signingKeyKey], err = c.signing.Encode(); err != nil {
			return nil, err
		}
	}
	if c.next != nil {
		if data[nextCertKey], data[nextKeyKey], err = c.next.Encode(); err != nil {
			return nil, err
		}
	}
	return data, nil
}
