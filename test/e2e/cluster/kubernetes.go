// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"

	"ironcore.dev/networking/test/process"
)

// Kubernetes is a Kubernetes control plane without nodes: one etcd, one kube-apiserver, one kube-controller-manager.
type Kubernetes struct {
	APIServer         *Process
	ControllerManager *Process
	// AuditLog is the file of what network-apiserver's service account has asked.
	AuditLog string
	// Links leads from network-apiserver to the kube-apiserver, if the cluster was started with links.
	Links *Links

	port int
	url  string
	etcd *Etcd
	ca   *authority // of the server's certificate and of all users
}

// startKubernetes starts a control plane, and returns once it serves and its default roles are in place.
func startKubernetes(ctx context.Context, config Config) (*Kubernetes, error) {
	programs, dir := filepath.Join(config.Root, "bin", "kubernetes"), config.Dir
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
	etcd, err := StartEtcd(ctx, config, "kubernetes-etcd")
	if err != nil {
		return nil, err
	}

	port := process.FreePort()
	k := &Kubernetes{
		etcd: etcd, ca: ca, port: port, url: fmt.Sprintf("https://127.0.0.1:%d", port),
		AuditLog: filepath.Join(dir, "kube-apiserver.audit.log"),
	}
	policy := filepath.Join(dir, "kube-apiserver.audit-policy.yaml")
	if err := os.WriteFile(policy, fmt.Appendf(nil, `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, users: ["system:serviceaccount:%s:%s"]}
`, Namespace, ServiceAccount), 0o600); err != nil {
		return nil, err
	}
	probe, err := get(k.url+"/readyz", ca, keyPair{})
	if err != nil {
		return nil, err
	}
	k.APIServer = &Process{
		Name:    "kube-apiserver",
		LogFile: filepath.Join(dir, "kube-apiserver.log"),
		Path:    filepath.Join(programs, "kube-apiserver"),
		Args: append(etcd.Flags(),
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
			// The address of the Service "kubernetes", which can't be a loopback one: nothing here uses it.
			"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
			"--service-cluster-ip-range=10.96.0.0/24",
			"--tls-cert-file="+serving.CertFile, "--tls-private-key-file="+serving.KeyFile,
			"--client-ca-file="+ca.CertFile(),
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file="+accounts.CertFile,
			"--service-account-signing-key-file="+accounts.KeyFile,
			"--authorization-mode=RBAC",
			"--audit-policy-file="+policy, "--audit-log-path="+k.AuditLog,
			"--proxy-client-cert-file="+proxy.CertFile, "--proxy-client-key-file="+proxy.KeyFile,
			"--requestheader-client-ca-file="+frontProxy.CertFile(),
			"--requestheader-allowed-names=front-proxy-client",
			"--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		),
		Probe: probe,
	}
	if err := k.APIServer.Start(ctx); err != nil || config.Measured {
		return k, err
	}

	kubeconfig, err := k.kubeconfig(filepath.Join(dir, "kube-controller-manager.kubeconfig"),
		pkix.Name{CommonName: "system:kube-controller-manager"})
	if err != nil {
		return k, err
	}
	port = process.FreePort()
	probe, err = get(fmt.Sprintf("https://127.0.0.1:%d/healthz", port), ca, keyPair{})
	if err != nil {
		return k, err
	}
	k.ControllerManager = &Process{
		Name:    "kube-controller-manager",
		LogFile: filepath.Join(dir, "kube-controller-manager.log"),
		Path:    filepath.Join(programs, "kube-controller-manager"),
		Args: []string{
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
		Probe: probe,
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
