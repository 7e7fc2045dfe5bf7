// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/yaml"
)

// startTimeout bounds how long a server takes to be ready.
const startTimeout = 2 * time.Minute

// programs says where the programs under measurement are, and whom to tell if one of them dies.
type programs struct {
	networkAPIServer, crdController, etcd, kubeAPIServer string

	failed func(error)
}

// server is one of the systems that are compared: something that serves Networks, with its controllers.
type server struct {
	name       string
	failed     func(error) // is told if one of the processes dies
	processes  []*process
	controller *process // one of the processes; nil if another process has the controllers inside
	config     *rest.Config
	kubeconfig string
	etcd       *clientv3.Client // where the server stores its objects; of an etcd without a server: itself
}

func (s *server) stop() {
	if s.etcd != nil {
		_ = s.etcd.Close() // It reports that its context was cancelled, which is what Close does.
	}
	for _, p := range s.processes {
		p.stop()
	}
}

// run adds a program to the server.
func (s *server) run(dir, path string, args ...string) error {
	p, err := start(s.failed, dir, path, args...)
	if err == nil {
		// In stopping, whoever uses another program goes first.
		s.processes = append([]*process{p}, s.processes...)
	}
	return err
}

// await polls until ready says so.
func (s *server) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	last := errors.New("no answer")
	err := wait.PollUntilContextCancel(ctx, 5*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		last = ready(ctx)
		return last == nil, nil
	})
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return fmt.Errorf("%s did not become ready: %w", s.name, last)
	}
	return err
}

func (s *server) awaitPath(ctx context.Context, path string) error {
	client, err := newClient(s.config)
	if err != nil {
		return err
	}
	return s.await(ctx, func(ctx context.Context) error {
		_, err := client.do(ctx, http.MethodGet, path, "", nil)
		return err
	})
}

// startEtcd starts an etcd alone, which syncs every write to the disk, on a unix socket.
func startEtcd(ctx context.Context, dir string, programs programs) (*server, error) {
	s := &server{name: "etcd", failed: programs.failed}
	return s, s.runEtcd(ctx, dir, programs)
}

func (s *server) runEtcd(ctx context.Context, dir string, programs programs) error {
	socket, peers := "unix://"+filepath.Join(dir, "etcd.sock"), "unix://"+filepath.Join(dir, "peers.sock")
	err := s.run(dir, programs.etcd, "--data-dir="+filepath.Join(dir, "etcd"),
		"--quota-backend-bytes="+strconv.Itoa(8<<30), "--listen-client-urls="+socket,
		"--advertise-client-urls="+socket, "--listen-peer-urls="+peers,
		"--initial-advertise-peer-urls="+peers, "--initial-cluster=default="+peers)
	if err != nil {
		return err
	}
	return s.connectEtcd(ctx, socket)
}

func (s *server) connectEtcd(ctx context.Context, endpoint string) (err error) {
	if s.etcd, err = clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()}); err != nil {
		return err
	}
	return s.await(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := s.etcd.Get(ctx, "ready")
		return err
	})
}

// startNetworkAPIServer starts the server of this project, standalone. A second start on a directory carries on.
func startNetworkAPIServer(ctx context.Context, dir string, programs programs, provider string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{name: "network-apiserver", failed: programs.failed}
	s.kubeconfig = filepath.Join(dir, "data", "admin.kubeconfig")
	// The port tells the kubeconfig of this start from that of an earlier one.
	_ = os.Remove(s.kubeconfig)
	err = s.run(dir, programs.networkAPIServer, "--standalone", "--data-dir="+filepath.Join(dir, "data"),
		"--secure-port="+strconv.Itoa(port), "--network-provider="+provider, "--profiling")
	if err != nil {
		return s, err
	}
	err = s.await(ctx, func(context.Context) (err error) {
		s.config, err = clientcmd.BuildConfigFromFlags("", s.kubeconfig)
		return err
	})
	if err != nil {
		return s, err
	}
	if err := s.awaitPath(ctx, "/readyz"); err != nil {
		return s, err
	}
	return s, s.connectEtcd(ctx, "unix://"+filepath.Join(dir, "data", "etcd.sock"))
}

//go:embed crd.yaml
var crd []byte

// startCRD starts a kube-apiserver with an etcd of its own and Networks as custom resources; startController adds what
// binds them.
func startCRD(ctx context.Context, dir string, programs programs) (*server, error) {
	s := &server{name: "crd", failed: programs.failed, kubeconfig: filepath.Join(dir, "kubeconfig")}
	if err := s.runEtcd(ctx, dir, programs); err != nil {
		return s, err
	}
	port, err := freePort()
	if err != nil {
		return s, err
	}
	key, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return s, err
	}
	const token = "bench"
	keyFile, tokenFile := filepath.Join(dir, "accounts.key"), filepath.Join(dir, "tokens.csv")
	if err := keyutil.WriteKey(keyFile, key); err != nil {
		return s, err
	}
	if err := os.WriteFile(tokenFile, []byte(token+",admin,admin,system:masters\n"), 0o600); err != nil {
		return s, err
	}
	err = s.run(dir, programs.kubeAPIServer, "--etcd-servers=unix://"+filepath.Join(dir, "etcd.sock"),
		"--bind-address=127.0.0.1", "--secure-port="+strconv.Itoa(port), "--cert-dir="+dir,
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+keyFile,
		"--service-account-signing-key-file="+keyFile, "--token-auth-file="+tokenFile, "--authorization-mode=RBAC")
	if err != nil {
		return s, err
	}
	certificate := filepath.Join(dir, "apiserver.crt")
	err = s.await(ctx, func(context.Context) error { _, err := os.Stat(certificate); return err })
	if err != nil {
		return s, err
	}
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["crd"] = &clientcmdapi.Cluster{
		Server: fmt.Sprintf("https://127.0.0.1:%d", port), CertificateAuthority: certificate}
	kubeconfig.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: token}
	kubeconfig.Contexts["crd"] = &clientcmdapi.Context{Cluster: "crd", AuthInfo: "admin"}
	kubeconfig.CurrentContext = "crd"
	if err := clientcmd.WriteToFile(*kubeconfig, s.kubeconfig); err != nil {
		return s, err
	}
	if s.config, err = clientcmd.BuildConfigFromFlags("", s.kubeconfig); err != nil {
		return s, err
	}
	if err := s.awaitPath(ctx, "/readyz"); err != nil {
		return s, err
	}
	return s, s.installCRD(ctx)
}

func (s *server) installCRD(ctx context.Context) error {
	client, err := newClient(s.config)
	if err != nil {
		return err
	}
	definition, err := yaml.YAMLToJSON(crd)
	if err != nil {
		return err
	}
	const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	if _, err := client.do(ctx, http.MethodPost, definitions, jsonType, definition); err != nil {
		return err
	}
	for _, namespace := range namespaces {
		body := fmt.Appendf(nil, `{"metadata":{"name":%q}}`, namespace)
		if _, err := client.do(ctx, http.MethodPost, "/api/v1/namespaces", jsonType, body); err != nil {
			return err
		}
	}
	return s.awaitPath(ctx, allNetworks)
}

// startController starts the custom resource's controller, with or without a provider in it. Stop it with
// stopController.
func (s *server) startController(dir string, programs programs, provide bool) error {
	err := s.run(dir, programs.crdController, "--kubeconfig="+s.kubeconfig, fmt.Sprintf("--provide=%t", provide))
	if err != nil {
		return err
	}
	s.controller = s.processes[0]
	return nil
}

func (s *server) stopController() {
	s.controller.stop()
	s.processes, s.controller = s.processes[1:], nil
}

// cpu returns the CPU time of all programs of the server.
func (s *server) cpu() (sum time.Duration, err error) {
	for _, p := range s.processes {
		used, err := p.cpu()
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// memory returns the memory of all programs of the server.
func (s *server) memory() (now, peak int64, err error) {
	for _, p := range s.processes {
		n, h, err := p.memory()
		if err != nil {
			return 0, 0, err
		}
		now, peak = now+n, peak+h
	}
	return now, peak, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
