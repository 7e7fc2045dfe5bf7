// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ironcore.dev/networking/test/process"
)

// shutdownDelay is how long a replica that was asked to stop keeps serving: longer than the balancer takes to notice.
const shutdownDelay = 5 * time.Second

// Replica is one network-apiserver.
type Replica struct {
	Process
	// URL is the replica's own, past the balancer and the kube-apiserver.
	URL string
	// AuditLog is the file of the replica's audit events.
	AuditLog string

	address string
	name    string
}

// newServer prepares a network-apiserver with a port, a serving certificate and a probe of its own. NETWORK_APISERVER_BIN may
// name another program than bin/network-apiserver.
func (c *Cluster) newServer(name string, flags ...string) (*Replica, error) {
	port := process.FreePort()
	r := &Replica{
		URL:     fmt.Sprintf("https://127.0.0.1:%d", port),
		address: fmt.Sprintf("127.0.0.1:%d", port),
		name:    name,
	}
	serving, err := c.issueServing(r)
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
		Path:    cmp.Or(os.Getenv("NETWORK_APISERVER_BIN"), filepath.Join(cmp.Or(c.config.Clocks, c.config.Root+"/bin"), "network-apiserver")),
		Env:     []string{clockVariable(c.config.Dir, name)},
		Args: append([]string{
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
			"--tls-cert-file=" + serving.CertFile, "--tls-private-key-file=" + serving.KeyFile,
		}, flags...),
		Probe: probe,
	}
	return r, nil
}

// newReplica prepares a replica that reaches the Kubernetes control plane by kubeconfig.
func (c *Cluster) newReplica(number int, kubeconfig string) (*Replica, error) {
	name := fmt.Sprintf("network-apiserver-%d", number)
	auditLog := filepath.Join(c.config.Dir, name+".audit.log")
	r, err := c.newServer(name,
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--network-provider=external",
		"--shutdown-delay-duration="+shutdownDelay.String(),
		"--disable-http2-serving",
		"--audit-policy-file="+filepath.Join(c.config.Root, auditPolicy),
		"--audit-log-path="+auditLog,
	)
	if err != nil {
		return nil, err
	}
	r.AuditLog = auditLog
	r.AddFlags(c.Etcd.Flags()...)
	if !c.config.Measured {
		encryption, err := c.encryptionConfig()
		if err != nil {
			return nil, err
		}
		r.AddFlags("--encryption-provider-config=" + encryption)
	}
	return r, nil
}

// issueServing writes a new serving certificate for the replica over its present one.
func (c *Cluster) issueServing(r *Replica) (keyPair, error) {
	host := fmt.Sprintf("%s.%s.svc", Service, Namespace)
	return c.serving.issue(r.name, pkix.Name{CommonName: host}, host)
}

// RotateServingCertificates gives every replica a new serving certificate, and none of them a sign.
func (c *Cluster) RotateServingCertificates() error {
	for _, replica := range c.Replicas {
		if _, err := c.issueServing(replica); err != nil {
			return err
		}
	}
	return nil
}

// encryptionConfig writes the configuration by which all replicas encrypt all kinds in etcd with one key.
func (c *Cluster) encryptionConfig() (string, error) {
	path := filepath.Join(c.config.Dir, "encryption.yaml")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, fmt.Appendf(nil, `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: ["*.networking.ironcore.dev"]
  providers:
  - secretbox: {keys: [{name: e2e, secret: %s}]}
`, base64.StdEncoding.EncodeToString(key)), 0o600)
}
