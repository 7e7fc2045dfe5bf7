// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package etcdtest starts the etcd of standalone mode for a test.
package etcdtest

import (
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"ironcore.dev/networking/internal/server/standalone"
)

// Start returns the endpoints of an etcd that is the test's own and ends with it.
func Start(t *testing.T) []string {
	t.Helper()
	dir, err := standalone.Open(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	etcd, err := dir.StartEtcd(t.Context(), standalone.DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(etcd.Close)
	return etcd.Endpoints()
}

// Client returns a client of such an etcd.
func Client(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: Start(t), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
