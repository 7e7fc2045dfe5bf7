// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ironcorenet tests the provider ironcore-net end to end: network-apiserver as a process on one side, and on
// the other a real API server that serves core.apinet.ironcore.dev, with a proxy in between that brings the faults
// about.
//
//	test → network-apiserver → proxy → kube-apiserver with the CRD in testdata → allocator of IDs (a webhook)
package ironcorenet

import (
	"context"
	"path/filepath"
	"testing"

	"ironcore.dev/networking/test/e2e/cluster"
)

// shared is the control plane that all tests use: the host cluster of the servers and the API server of ironcore-net in
// one, in namespaces of each test's own.
var (
	shared *cluster.Cluster
	ids    *allocator
)

func TestMain(m *testing.M) {
	cluster.Main(startCluster, func(context.Context) (int, error) {
		defer ids.stop()
		return m.Run(), nil
	})
}

func startCluster(ctx context.Context, dir string) (*cluster.Cluster, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return nil, err
	}
	if shared, err = cluster.StartControlPlane(ctx, cluster.Config{Root: root, Dir: dir}); err != nil {
		return shared, err
	}
	ids, err = startAllocator(ctx)
	return shared, err
}
