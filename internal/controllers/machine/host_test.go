// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

func TestMachinesAreReadAsFastAsTheHostAnswers(t *testing.T) {
	const count, most = 200, 10 * time.Second // A client that limits itself takes 38 seconds.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"compute.ironcore.dev/v1alpha1","kind":"MachineList","items":[]}`)
	}))
	t.Cleanup(server.Close)
	host, err := NewHost(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	k := &keeping{Controller: New(host, nil, nil, nil)}
	began := time.Now()
	for range count {
		if m, err := k.read(t.Context(), "team-a", "m"); err != nil || m != nil {
			t.Fatalf("got %v and %v, want that there is none", m, err)
		}
	}
	if took := time.Since(began); took > most {
		t.Errorf("%d reads took %s, want %s at most", count, took, most)
	}
}
