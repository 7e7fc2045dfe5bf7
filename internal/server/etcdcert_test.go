// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/x509"
	"testing"
	"time"
)

func TestFirstExpiration(t *testing.T) {
	until := func(seconds ...int64) (certs []*x509.Certificate) {
		for _, s := range seconds {
			certs = append(certs, &x509.Certificate{NotAfter: time.Unix(s, 0)})
		}
		return certs
	}
	for name, tt := range map[string]struct {
		chain, authorities []*x509.Certificate
		want               float64
	}{
		"without certificates there is none":                     {want: 0},
		"the certificate expires before its authority":           {until(10), until(20), 10},
		"the authority expires first":                            {until(30), until(20), 20},
		"the rest of a chain does not count":                     {until(10, 5), until(20), 10},
		"of two authorities, the last counts":                    {until(50), until(20, 40), 40},
		"an authority alone, for a server without a certificate": {nil, until(20), 20},
		"a certificate alone":                                    {until(10), nil, 10},
	} {
		t.Run(name, func(t *testing.T) {
			if got := firstExpiration(tt.chain, tt.authorities); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
