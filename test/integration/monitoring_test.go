// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

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
	// etcd refuses to tell of the future.
	well.kubectlFails(t, "get", "--raw",
		"/apis/networking.ironcore.dev/v1alpha1/networks?limit=1&resourceVersion=1000000000000&resourceVersionMatch=Exact")
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
