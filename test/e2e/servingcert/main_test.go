// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package servingcert tests how the server keeps its own serving certificate, with a real kube-apiserver that verifies
// it on a new connection for every request. The clock of the replicas is the test's, so that years pass in seconds.
package servingcert

import (
	"context"
	"path/filepath"
	"testing"

	"ironcore.dev/networking/test/e2e/cluster"
)

var shared *cluster.Cluster

func TestMain(m *testing.M) {
	cluster.Main(startCluster, func(context.Context) (int, error) { return m.Run(), nil })
}

func startCluster(ctx context.Context, dir string) (*cluster.Cluster, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return nil, err
	}
	shared, err = cluster.StartControlPlane(ctx, cluster.Config{Root: root, Dir: dir})
	return shared, err
}
