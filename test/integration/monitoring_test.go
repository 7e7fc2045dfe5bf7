// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"ironcore.dev/networking/test/monitoring"
)

// TestEveryPanelAndAlertReadsWhatIsServed holds the queries against a server that has seen a little of everything, and
// another one whose provider fails: what they serve together is there for Prometheus.
func TestEveryPanelAndAlertReadsWhatIsServed(t *testing.T) {
	t.Parallel()
	queries, err := monitoring.Queries("../..")
	if err != nil {
		t.Fatal(err)
	}
	well := newNamespace(t, ownServer(t))
	well.peered(t, "a", "b")
	well.create(t, newNetwork("waits", to("nobody")))
	well.createNIC(t, newNIC("waits", "nobody", "10.0.0.1"))
	// A request whose time is over when it comes gets no answer from etcd.
	late := well.client(t).RESTClient().Get().Namespace(well.name).Resource("networks").Name("a").MaxRetries(0)
	if err := late.Param("timeout", "1us").Do(t.Context()).Error(); !apierrors.IsTimeout(err) {
		t.Errorf("a request with a time limit of 1 µs ended with %v", err)
	}
	failing := newNamespace(t, ownServer(t, "--network-provider=ovn", "--ovn-nb=unix:"+filepath.Join(t.TempDir(), "none.sock")))
	failing.create(t, newNetwork("fails"))

	poll(t, 2*patience, func() error {
		served := monitoring.Served{}
		for _, of := range []namespace{well, failing} {
			served.Add(of.kubectl(t, "get", "--raw", "/metrics"))
		}
		if missing := monitoring.Missing(queries, map[string]monitoring.Served{"network-apiserver": served}); len(missing) > 0 {
			return fmt.Errorf("%s", strings.Join(missing, "\n"))
		}
		return nil
	})
}
