// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ovn tests with packets what the provider ovn reads in a host cluster: Prefixes. It needs what the tests in test/ovn
// need; where that is not, it is skipped and says why.
//
//	test → network-apiserver → OVN, with guests in network namespaces
//	              └→ kube-apiserver, with a CRD that stands for the API of Prefixes
package ovn

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"ironcore.dev/networking/test/e2e/cluster"
	"ironcore.dev/networking/test/ovn/lab"
)

// shared is the host cluster.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	if obstacle := lab.Obstacle(); obstacle != "" {
		fmt.Println("ovn: skipped:", obstacle)
		return
	}
	cluster.Main(func(ctx context.Context, dir string) (*cluster.Cluster, error) {
		root, err := filepath.Abs("../../..")
		if err != nil {
			return nil, err
		}
		shared, err = cluster.StartControlPlane(ctx, cluster.Config{Root: root, Dir: dir})
		return shared, err
	}, func(context.Context) (int, error) { return m.Run(), nil })
}
