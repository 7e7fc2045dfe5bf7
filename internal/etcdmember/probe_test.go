// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	certutil "k8s.io/client-go/util/cert"
)

func TestProbeFailsUnlessTheServerIsReady(t *testing.T) {
	ready := true
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !ready {
			http.Error(w, "etcd is away", http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte("ok"))
	}))
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.crt")
	pem, err := certutil.EncodeCertificates(server.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ca, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := probe(t.Context(), server.URL, ca, &out); err != nil || !strings.Contains(out.String(), "answers ok") {
		t.Errorf("got %v: %s", err, &out)
	}
	ready = false
	if err := probe(t.Context(), server.URL, ca, &out); err == nil || !strings.Contains(err.Error(), "etcd is away") {
		t.Errorf("got %v for a server that is not ready", err)
	}
}
