// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
)

// Etcd is an etcd cluster with TLS between all that speak to it.
type Etcd struct {
	Members []*Process

	urls   []string
	ca     *authority
	client keyPair
}

// startEtcd starts an etcd cluster of the given size, and returns once every member serves.
func startEtcd(ctx context.Context, program, dir, name string, size int, flags ...string) (*Etcd, error) {
	ca, err := newAuthority(filepath.Join(dir, name), name)
	if err != nil {
		return nil, err
	}
	client, err := ca.issue("client", pkix.Name{CommonName: "client"})
	if err != nil {
		return nil, err
	}
	etcd := &Etcd{ca: ca, client: client}
	var peers, peerURLs []string
	for i := range size {
		etcd.urls = append(etcd.urls, fmt.Sprintf("https://127.0.0.1:%d", freePort()))
		peerURLs = append(peerURLs, fmt.Sprintf("https://127.0.0.1:%d", freePort()))
		peers = append(peers, fmt.Sprintf("%s-%d=%s", name, i, peerURLs[i]))
	}
	var group errgroup.Group
	for i := range size {
		member := fmt.Sprintf("%s-%d", name, i)
		pair, err := ca.issue(member, pkix.Name{CommonName: member})
		if err != nil {
			return nil, err
		}
		probe, err := get(etcd.urls[i]+"/readyz", ca, client)
		if err != nil {
			return nil, err
		}
		process := &Process{
			Name:    member,
			LogFile: filepath.Join(dir, member+".log"),
			path:    program,
			args: append([]string{
				"--name=" + member,
				"--data-dir=" + filepath.Join(dir, name, fmt.Sprintf("data-%d", i)),
				"--listen-client-urls=" + etcd.urls[i],
				"--advertise-client-urls=" + etcd.urls[i],
				"--listen-peer-urls=" + peerURLs[i],
				"--initial-advertise-peer-urls=" + peerURLs[i],
				"--initial-cluster=" + strings.Join(peers, ","),
				"--client-cert-auth", "--trusted-ca-file=" + ca.CertFile(),
				"--cert-file=" + pair.CertFile, "--key-file=" + pair.KeyFile,
				"--peer-client-cert-auth", "--peer-trusted-ca-file=" + ca.CertFile(),
				"--peer-cert-file=" + pair.CertFile, "--peer-key-file=" + pair.KeyFile,
			}, flags...),
			probe: probe,
		}
		etcd.Members = append(etcd.Members, process)
		group.Go(func() error { return process.Start(ctx) })
	}
	return etcd, group.Wait()
}

// flags are those by which an API server finds this etcd.
func (e *Etcd) flags() []string {
	return []string{
		"--etcd-servers=" + strings.Join(e.urls, ","),
		"--etcd-cafile=" + e.ca.CertFile(),
		"--etcd-certfile=" + e.client.CertFile,
		"--etcd-keyfile=" + e.client.KeyFile,
	}
}

// Client returns a client that may read and write everything in this etcd.
func (e *Etcd) Client() (*clientv3.Client, error) {
	certificate, err := tls.LoadX509KeyPair(e.client.CertFile, e.client.KeyFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(e.ca.CertFile())
	if err != nil {
		return nil, err
	}
	roots.AppendCertsFromPEM(pem)
	return clientv3.New(clientv3.Config{
		Endpoints:   e.urls,
		DialTimeout: 5 * time.Second,
		TLS:         &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}},
	})
}

// kill ends all members at once.
func (e *Etcd) kill() {
	for _, member := range e.Members {
		member.Kill()
	}
}
