// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/x509/pkix"
	"fmt"
	"path/filepath"
)

// Kubernetes is a Kubernetes control plane without nodes: one etcd, one kube-apiserver, one kube-controller-manager.
type Kubernetes struct {
	APIServer         *Process
	ControllerManager *Process

	url  string
	etcd *Etcd
	ca   *authority // of the server's certificate and of all users
}

// startKubernetes starts a control plane, and returns once it serves and its default roles are in place.
func startKubernetes(ctx context.Context, programs, dir string) (*Kubernetes, error) {
	ca, err := newAuthority(filepath.Join(dir, "kubernetes"), "kubernetes")
	if err != nil {
		return nil, err
	}
	frontProxy, err := newAuthority(filepath.Join(dir, "kubernetes"), "front-proxy")
	if err != nil {
		return nil, err
	}
	serving, err := ca.issue("kube-apiserver", pkix.Name{CommonName: "kube-apiserver"})
	if err != nil {
		return nil, err
	}
	accounts, err := ca.issue("service-accounts", pkix.Name{CommonName: "service-accounts"})
	if err != nil {
		return nil, err
	}
	proxy, err := frontProxy.issue("front-proxy-client", pkix.Name{CommonName: "front-proxy-client"})
	if err != nil {
		return nil, err
	}
	// Nothing in here outlives the run: this etcd need not wait for the disk.
	etcd, err := startEtcd(ctx, filepath.Join(programs, "etcd"), dir, "kubernetes-etcd", 1, "--unsafe-no-fsync")
	if err != nil {
		return nil, err
	}

	k := &Kubernetes{etcd: etcd, ca: ca, url: fmt.Sprintf("https://127.0.0.1:%d", freePort())}
	probe, err := get(k.url+"/readyz", ca, keyPair{})
	if err != nil {
		return nil, err
	}
	k.APIServer = &Process{
		Name:    "kube-apiserver",
		LogFile: filepath.Join(dir, "kube-apiserver.log"),
		path:    filepath.Join(programs, "kube-apiserver"),
		args: append(etcd.flags(),
			"--bind-address=127.0.0.1", "--secure-port="+k.url[len("https://127.0.0.1:"):],
			// The address of the Service "kubernetes", which can't be a loopback one: nothing here uses it.
			"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
			"--service-cluster-ip-range=10.96.0.0/24",
			"--tls-cert-file="+serving.CertFile, "--tls-private-key-file="+serving.KeyFile,
			"--client-ca-file="+ca.CertFile(),
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file="+accounts.CertFile,
			"--service-account-signing-key-file="+accounts.KeyFile,
			"--authorization-mode=RBAC",
			"--proxy-client-cert-file="+proxy.CertFile, "--proxy-client-key-file="+proxy.KeyFile,
			"--requestheader-client-ca-file="+frontProxy.CertFile(),
			"--requestheader-allowed-names=front-proxy-client",
			"--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		),
		probe: probe,
	}
	if err := k.APIServer.Start(ctx); err != nil {
		return k, err
	}

	kubeconfig, err := k.kubeconfig(filepath.Join(dir, "kube-controller-manager.kubeconfig"),
		pkix.Name{CommonName: "system:kube-controller-manager"})
	if err != nil {
		return k, err
	}
	port := freePort()
	probe, err = get(fmt.Sprintf("https://127.0.0.1:%d/healthz", port), ca, keyPair{})
	if err != nil {
		return k, err
	}
	k.ControllerManager = &Process{
		Name:    "kube-controller-manager",
		LogFile: filepath.Join(dir, "kube-controller-manager.log"),
		path:    filepath.Join(programs, "kube-controller-manager"),
		args: []string{
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
			"--tls-cert-file=" + serving.CertFile, "--tls-private-key-file=" + serving.KeyFile,
			"--kubeconfig=" + kubeconfig,
			"--leader-elect=false",
			// A count that was taken at the wrong moment is mended within seconds, rather than in five minutes.
			"--resource-quota-sync-period=10s",
			"--use-service-account-credentials",
			"--service-account-private-key-file=" + accounts.KeyFile,
			"--root-ca-file=" + ca.CertFile(),
		},
		probe: probe,
	}
	return k, k.ControllerManager.Start(ctx)
}

// kubeconfig writes a kubeconfig with a new certificate for user.
func (k *Kubernetes) kubeconfig(path string, user pkix.Name) (string, error) {
	pair, err := k.ca.issue("user-"+filepath.Base(path), user)
	if err != nil {
		return "", err
	}
	return path, writeKubeconfig(path, k.url, k.ca, pair, "")
}

// kill ends all of it at once: its own orderly end would take a minute, and is not what is tested here.
func (k *Kubernetes) kill() {
	for _, process := range []*Process{k.ControllerManager, k.APIServer} {
		if process != nil {
			process.Kill()
		}
	}
	k.etcd.kill()
}
