// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/x509"
	"time"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/component-base/metrics"
)

// etcdCertificates is a metric of the files by which the server and etcd know each other. It reads them each time, as they are
// replaced while the server runs.
func etcdCertificates(certFile, caFile string) metrics.GaugeFunc {
	return metrics.NewGaugeFunc(&metrics.GaugeOpts{
		Namespace: "networking",
		Name:      "etcd_certificate_expiration_timestamp_seconds",
		Help: "When the first of --etcd-certfile and the authority in --etcd-cafile expires, in seconds since 1970. " +
			"0 if the server has neither.",
		StabilityLevel: metrics.ALPHA,
	}, func() float64 { return firstExpiration(certificates(certFile), certificates(caFile)) })
}

// certificates are those in a file, and none if no file is named or it can't be read: etcd is asked with the same files, and its errors say so.
func certificates(file string) []*x509.Certificate {
	certs, err := certutil.CertsFromFile(file)
	if err != nil {
		return nil
	}
	return certs
}

// firstExpiration is when a certificate, the first of its chain, or the last of the trusted authorities expires, in Unix time.
// While authorities are rotated there are two. 0 if there is neither.
func firstExpiration(chain, authorities []*x509.Certificate) float64 {
	var first time.Time
	for _, authority := range authorities {
		if authority.NotAfter.After(first) {
			first = authority.NotAfter
		}
	}
	if len(chain) > 0 && (first.IsZero() || chain[0].NotAfter.Before(first)) {
		first = chain[0].NotAfter
	}
	if first.IsZero() {
		return 0
	}
	return float64(first.Unix())
}
