// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/component-base/metrics"
)

var expirationMetric = metrics.NewGauge(&metrics.GaugeOpts{
	Namespace:      "networking",
	Name:           "serving_certificate_expiration_timestamp_seconds",
	Help:           "When the certificate that the server serves with expires, in seconds since 1970.",
	StabilityLevel: metrics.ALPHA,
})

// Metrics are those of the serving certificate.
func Metrics() []metrics.Registerable { return []metrics.Registerable{expirationMetric} }

// ReportExpiration keeps the metric of the serving certificate's expiration current, wherever the certificate is from.
func ReportExpiration(serving dynamiccertificates.CertKeyContentProvider) {
	report := expirationReport{serving}
	serving.AddListener(report)
	report.Enqueue()
}

type expirationReport struct {
	serving dynamiccertificates.CertKeyContentProvider
}

// Enqueue is called when the certificate may have changed.
func (r expirationReport) Enqueue() {
	certPEM, _ := r.serving.CurrentCertKeyContent()
	// A provider holds nothing that it hasn't parsed; the first certificate is the server's own.
	if certs, err := certutil.ParseCertsPEM(certPEM); err == nil {
		expirationMetric.Set(float64(certs[0].NotAfter.Unix()))
	}
}
