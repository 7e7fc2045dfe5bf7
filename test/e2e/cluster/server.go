// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
)

// StartControlPlane starts a Kubernetes control plane alone, for tests that start servers of their own with NewServer.
// What it returns must be stopped even if it failed.
func StartControlPlane(ctx context.Context, config Config) (*Cluster, error) {
	c := &Cluster{config: config}
	var err error
	if c.Kubernetes, err = startKubernetes(ctx, config); err != nil {
		return c, err
	}
	if c.serving, err = newAuthority(filepath.Join(config.Dir, "serving"), "serving"); err != nil {
		return c, err
	}
	c.Admin, err = c.NewUser("admin", "system:masters")
	return c, err
}

// NewServer prepares one network-apiserver that asks the control plane who may do what, but is not registered there: clients
// speak to it with the configuration that Direct returns. It has its own etcd, unless the flags name one.
func (c *Cluster) NewServer(name string, flags ...string) (*Replica, error) {
	flags = append([]string{"--kubeconfig=" + c.Admin.Kubeconfig}, flags...)
	if !slices.ContainsFunc(flags, func(flag string) bool { return strings.HasPrefix(flag, "--etcd-servers=") }) {
		flags = append(flags, "--data-dir="+filepath.Join(c.config.Dir, name))
	}
	return c.newServer(name, flags...)
}

// StartEtcd starts an etcd of one member for servers of the test's own, on what EtcdData has, if anything.
func (c *Cluster) StartEtcd(ctx context.Context, name string, flags ...string) (*Etcd, error) {
	return StartEtcd(ctx, c.config, name, flags...)
}

// StartEtcd starts an etcd of one member without a cluster.
func StartEtcd(ctx context.Context, config Config, name string, flags ...string) (*Etcd, error) {
	if !config.Measured {
		flags = append(flags, "--unsafe-no-fsync") // Nothing in here outlives the run: it need not wait for the disk.
	}
	program := filepath.Join(config.Root, "bin", "kubernetes", "etcd")
	return startEtcdBehind(ctx, nil, false, program, config.Dir, name, 1, flags...)
}

// EtcdData is where an etcd that StartEtcd starts has its data.
func (c *Cluster) EtcdData(name string) string {
	return filepath.Join(c.config.Dir, name, "data-0", "etcd")
}

// DirectAs is Direct for another user.
func (c *Cluster) DirectAs(user *User, replica *Replica) *User {
	as := &Cluster{Admin: user, serving: c.serving}
	return &User{Config: as.Direct(replica), Kubeconfig: user.Kubeconfig}
}

// ServingCA is the authority of the servers' certificates.
func (c *Cluster) ServingCA() []byte { return c.serving.CertPEM() }

// Runs has the server run another program from its next start on.
func (r *Replica) Runs(program string) { r.Path = program }

// AddFlags adds to the flags with which the server starts next.
func (r *Replica) AddFlags(flags ...string) { r.Args = append(slices.Clip(r.Args), flags...) }

// Etcd is the control plane's own.
func (k *Kubernetes) Etcd() *Etcd { return k.etcd }
