// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"

	certutil "k8s.io/client-go/util/cert"
)

// probe fails unless a GET of the URL returns 200.
func probe(ctx context.Context, url, caFile string, out io.Writer) error {
	roots, err := certutil.NewPool(caFile)
	if err != nil {
		return fmt.Errorf("--cacert: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	client := http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", url, response.Status, body)
	}
	fmt.Fprintf(out, "%s answers %s\n", url, body)
	return nil
}
