// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// StartControlPlane starts a Kubernetes control plane alone, for tests that start servers of their own with NewServer.
// What it returns must be stopped even if it failed.
func StartControlPlane(ctx context.Context, root, dir string) (*Cluster, error) {
	c := &Cluster{config: Config{Root: root, Dir: dir}}
	var err error
	if c.Kubernetes, err = startKubernetes(ctx, filepath.Join(root, "bin", "kubernetes"), dir); err != nil {
		return c, err
	}
	if c.serving, err = newAuthority(filepath.Join(dir, "serving"), "serving"); err != nil {
		return c, err
	}
	c.Admin, err = c.NewUser("admin", "system:masters")
	return c, err
}

// NewServer prepares one network-apiserver that has its own etcd and asks the control plane who may do what, but is not
// registered there: clients speak to it with the configuration that Direct returns. NETWORK_APISERVER_BIN may name
// another program than bin/network-apiserver.
func (c *Cluster) NewServer(name string, flags ...string) (*Replica, error) {
	port := freePort()
	r := &Replica{
		URL:     fmt.Sprintf("https://127.0.0.1:%d", port),
		address: fmt.Sprintf("127.0.0.1:%d", port),
		name:    name,
	}
	serving, err := c.serving.issue(name, pkix.Name{CommonName: name})
	if err != nil {
		return nil, err
	}
	probe, err := get(r.URL+"/readyz", c.serving, keyPair{})
	if err != nil {
		return nil, err
	}
	r.Process = Process{
		Name:    name,
		LogFile: filepath.Join(c.config.Dir, name+".log"),
		path:    cmp.Or(os.Getenv("NETWORK_APISERVER_BIN"), filepath.Join(c.config.Root, "bin", "network-apiserver")),
		args: append([]string{
			"--data-dir=" + filepath.Join(c.config.Dir, name),
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
			"--tls-cert-file=" + serving.CertFile, "--tls-private-key-file=" + serving.KeyFile,
			"--kubeconfig=" + c.Admin.Kubeconfig,
		}, flags...),
		probe: probe,
	}
	return r, nil
}

// DirectAs is Direct for another user.
func (c *Cluster) DirectAs(user *User, replica *Replica) *User {
	as := &Cluster{Admin: user, serving: c.serving}
	return &User{Config: as.Direct(replica), Kubeconfig: user.Kubeconfig}
}

// AddFlags adds to the flags with which the server starts next.
func (r *Replica) AddFlags(flags ...string) { r.args = append(slices.Clip(r.args), flags...) }

// Etcd is the control plane's own.
func (k *Kubernetes) Etcd() *Etcd { return k.etcd }
