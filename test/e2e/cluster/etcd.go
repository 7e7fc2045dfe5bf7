// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/test/process"
)

// Etcd is an etcd cluster with TLS between all that speak to it.
type Etcd struct {
	Members []*Process
	// Links leads to the members, if the cluster was started with links.
	Links *Links

	urls   []string
	ca     *authority
	client keyPair
	disks  []disk
	data   []string // a folder a member
}

// startEtcdBehind starts an etcd cluster of the given size, and returns once every member serves. It is reached through links,
// if given, and has small disks, if wanted.
func startEtcdBehind(ctx context.Context, links *Links, smallDisks bool, program, dir, name string, size int,
	flags ...string) (*Etcd, error) {
	ca, err := newAuthority(filepath.Join(dir, name), name)
	if err != nil {
		return nil, err
	}
	client, err := ca.issue("client", pkix.Name{CommonName: "client"})
	if err != nil {
		return nil, err
	}
	etcd := &Etcd{ca: ca, client: client, Links: links}
	var peers, peerURLs, ownURLs, ownPeerURLs []string
	// address returns where a member listens, and where others reach it.
	address := func(member string) (own, reached string, err error) {
		port := process.FreePort()
		front := port
		if links != nil {
			front, err = links.open(member, port)
		}
		return fmt.Sprintf("https://127.0.0.1:%d", port), fmt.Sprintf("https://127.0.0.1:%d", front), err
	}
	for i := range size {
		member := fmt.Sprintf("%s-%d", name, i)
		own, reached, err := address(member)
		if err != nil {
			return nil, err
		}
		ownPeer, reachedPeer, err := address(member)
		if err != nil {
			return nil, err
		}
		etcd.urls, ownURLs = append(etcd.urls, reached), append(ownURLs, own)
		peerURLs, ownPeerURLs = append(peerURLs, reachedPeer), append(ownPeerURLs, ownPeer)
		peers = append(peers, fmt.Sprintf("%s=%s", member, reachedPeer))
	}
	var group errgroup.Group
	for i := range size {
		member := fmt.Sprintf("%s-%d", name, i)
		pair, err := ca.issue(member, pkix.Name{CommonName: member})
		if err != nil {
			return nil, err
		}
		probe, err := get(ownURLs[i]+"/readyz", ca, client)
		if err != nil {
			return nil, err
		}
		data := filepath.Join(dir, name, fmt.Sprintf("data-%d", i))
		etcd.data = append(etcd.data, filepath.Join(data, "etcd"))
		if smallDisks {
			small, err := mountDisk(ctx, data)
			if err != nil {
				return etcd, fmt.Errorf("mounting a small disk for %s: %w", member, err)
			}
			etcd.disks = append(etcd.disks, small)
		}
		process := &Process{
			Name:    member,
			LogFile: filepath.Join(dir, member+".log"),
			Path:    program,
			Env:     []string{clockVariable(dir, member)},
			Args: append([]string{
				"--name=" + member,
				"--data-dir=" + etcd.data[i],
				"--listen-client-urls=" + ownURLs[i],
				"--advertise-client-urls=" + etcd.urls[i],
				"--listen-peer-urls=" + ownPeerURLs[i],
				"--initial-advertise-peer-urls=" + peerURLs[i],
				"--initial-cluster=" + strings.Join(peers, ","),
				"--client-cert-auth", "--trusted-ca-file=" + ca.CertFile(),
				"--cert-file=" + pair.CertFile, "--key-file=" + pair.KeyFile,
				"--peer-client-cert-auth", "--peer-trusted-ca-file=" + ca.CertFile(),
				"--peer-cert-file=" + pair.CertFile, "--peer-key-file=" + pair.KeyFile,
			}, flags...),
			Probe: probe,
		}
		etcd.Members = append(etcd.Members, process)
		if links != nil {
			links.track(process)
		}
		group.Go(func() error { return process.Start(ctx) })
	}
	return etcd, group.Wait()
}

// Flags are those by which an API server finds this etcd.
func (e *Etcd) Flags() []string {
	return []string{
		"--etcd-servers=" + strings.Join(e.urls, ","),
		"--etcd-cafile=" + e.ca.CertFile(),
		"--etcd-certfile=" + e.client.CertFile,
		"--etcd-keyfile=" + e.client.KeyFile,
	}
}

// Metrics returns what a member serves for Prometheus.
func (e *Etcd) Metrics(ctx context.Context, member int) (string, error) {
	client, err := rest.HTTPClientFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{
		CAFile: e.ca.CertFile(), CertFile: e.client.CertFile, KeyFile: e.client.KeyFile,
	}})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.urls[member]+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// Environment is how etcdctl finds this etcd.
func (e *Etcd) Environment() []string {
	return []string{
		"ETCDCTL_ENDPOINTS=" + strings.Join(e.urls, ","),
		"ETCDCTL_CACERT=" + e.ca.CertFile(),
		"ETCDCTL_CERT=" + e.client.CertFile,
		"ETCDCTL_KEY=" + e.client.KeyFile,
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

// Leader returns the number of the member that leads the others.
func (e *Etcd) Leader(ctx context.Context) (int, error) {
	client, err := e.Client()
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for i, url := range e.urls {
		if status, err := client.Status(ctx, url); err == nil && status.Leader == status.Header.MemberId {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no member of etcd leads")
}

// Lose ends a member as kill -9 does, and takes its data away.
func (e *Etcd) Lose(member int) error {
	e.Members[member].Kill()
	return os.RemoveAll(e.data[member])
}

// Replace lets a new member in for one that was lost, by the steps of docs/operate.md.
func (e *Etcd) Replace(ctx context.Context, member int) error {
	client, err := e.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	lost := e.Members[member]
	answer, err := client.MemberList(ctx)
	if err != nil {
		return err
	}
	for _, m := range answer.Members {
		if m.Name != lost.Name {
			continue
		}
		if _, err := client.MemberRemove(ctx, m.ID); err != nil {
			return fmt.Errorf("removing %s: %w", lost.Name, err)
		}
		// etcd lets nobody in before the members that are left have seen each other for five seconds.
		err := wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			_, err := client.MemberAdd(ctx, m.PeerURLs)
			if errors.Is(err, rpctypes.ErrUnhealthy) {
				return false, nil
			}
			return err == nil, err
		})
		if err != nil {
			return fmt.Errorf("adding %s: %w", lost.Name, err)
		}
		lost.Args = append(lost.Args, "--initial-cluster-state=existing")
		return lost.Start(ctx)
	}
	return fmt.Errorf("no member is called %s", lost.Name)
}

// kill ends all members at once.
func (e *Etcd) kill() {
	for _, member := range e.Members {
		member.Kill()
	}
	for _, disk := range e.disks {
		disk.unmount()
	}
}
