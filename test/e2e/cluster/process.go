// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"time"

	"ironcore.dev/networking/test/process"
)

// Process is a program that runs beside the tests.
type Process = process.Process

// get is a probe that succeeds when url answers 200 OK. pair is the client's certificate, empty for an anonymous one.
func get(url string, ca *authority, pair keyPair) (func(context.Context) error, error) {
	roots := x509.NewCertPool()
	roots.AddCert(ca.signer.Cert)
	config := &tls.Config{RootCAs: roots}
	if pair.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	client := &http.Client{
		// A new connection each time: it must be the process of now that answers.
		Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
		Timeout:   2 * time.Second,
	}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("%s: %s: %s", url, response.Status, bytes.TrimSpace(body))
	}, nil
}
