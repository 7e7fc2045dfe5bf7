// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests network-apiserver as platform teams run it: in replicas on an etcd cluster, behind a real
// kube-apiserver, with a network provider outside. README.md tells how to run it and what stands where.
package e2e

import (
	"context"
	"flag"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"ironcore.dev/networking/test/e2e/cluster"
)

// shared is the cluster that all tests use, each in namespaces of its own. A network provider runs on it as
// providerUser.
var (
	shared       *cluster.Cluster
	providerUser *cluster.User
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests that go on at the same time wait more than they work: let none wait for a processor to be free.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err) // The flag is part of the testing package.
	}
	cluster.Main(startCluster, func(ctx context.Context) (int, error) { return run(ctx, m) })
}

func startCluster(ctx context.Context, dir string) (_ *cluster.Cluster, err error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	shared, err = cluster.Start(ctx, cluster.Config{Root: root, Dir: dir, Replicas: 2})
	return shared, err
}

// run has a provider work beside the tests.
func run(ctx context.Context, m *testing.M) (code int, err error) {
	if providerUser, err = newProviderUser(ctx); err != nil {
		return 0, err
	}
	providing, ctx := errgroup.WithContext(ctx)
	providerCtx, stopProvider := context.WithCancel(ctx)
	defer stopProvider()
	ready, seen := context.WithCancel(ctx)
	defer seen()
	providing.Go(func() error { return runProvider(providerCtx, providerUser.Config, seen) })
	<-ready.Done()
	code = m.Run()
	stopProvider()
	return code, providing.Wait()
}

// newProviderUser makes a user with the role that the manifests offer to network providers.
func newProviderUser(ctx context.Context) (*cluster.User, error) {
	user, err := shared.NewUser("provider")
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(shared.Admin.Config)
	if err != nil {
		return nil, err
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "e2e-provider"},
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "networking.ironcore.dev:provider",
		},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "provider"}},
	}, metav1.CreateOptions{})
	return user, err
}
