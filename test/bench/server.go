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
	"syscall"
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

// longestSocket is how long the path of a unix socket may be.
const longestSocket = len(syscall.RawSockaddrUnix{}.Path) - 1

// programs says where the programs under measurement are, and whom to tell if one of them dies.
type programs struct {
	networkAPIServer, crdController, etcd, kubeAPIServer string

	failed func(error)
}

// server is one of the systems that are compared: something that serves Networks, with its controllers.
type server struct {
	name       string
	dir        string
	programs   programs
	provider   string
	processes  []*process
	controller *process // one of the processes; nil if another process has the controllers inside
	// controllerPeak is the most memory that a controller had that runs no more.
	controllerPeak int64
	config         *rest.Config
	kubeconfig     string
	etcd           *clientv3.Client // where the server stores its objects; of an etcd without a server: itself
}

// stop ends what runs of the server.
func (s *server) stop() {
	if s.etcd != nil {
		_ = s.etcd.Close() // It reports that its context was cancelled, which is what Close does.
	}
	for _, p := range s.processes {
		p.stop()
	}
	s.processes, s.etcd = nil, nil
}

// The servers under measurement. The custom resource counts with all that it takes: kube-apiserver, its etcd and the
// controller; network-apiserver has all of these inside.
const (
	etcdName = "etcd"
	oursName = "network-apiserver"
	crdName  = "crd"
)

// run adds a program to the server.
func (s *server) run(path string, args ...string) error {
	p, err := start(s.programs.failed, s.dir, path, args...)
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
	s := &server{name: etcdName, dir: dir, programs: programs}
	return s, s.runEtcd(ctx)
}

func (s *server) runEtcd(ctx context.Context) error {
	socket, peers := "unix://"+filepath.Join(s.dir, "etcd.sock"), "unix://"+filepath.Join(s.dir, "peers.sock")
	if path := filepath.Join(s.dir, "peers.sock"); len(path) > longestSocket {
		return fmt.Errorf("%s is %d bytes long, which is too much for a unix socket: set TMPDIR to a shorter directory",
			path, len(path))
	}
	err := s.run(s.programs.etcd, "--data-dir="+filepath.Join(s.dir, "etcd"),
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

// startNetworkAPIServer starts the server of this project, standalone.
func (s *server) startNetworkAPIServer(ctx context.Context, dir string, programs programs, provider string) error {
	s.dir, s.programs, s.provider = dir, programs, provider
	s.kubeconfig = filepath.Join(dir, "data", "admin.kubeconfig")
	return s.start(ctx)
}

// start starts network-apiserver. A second start carries on where the first was stopped.
func (s *server) start(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	// The port tells the kubeconfig of this start from that of an earlier one.
	_ = os.Remove(s.kubeconfig)
	err = s.run(s.programs.networkAPIServer, "--standalone", "--data-dir="+filepath.Join(s.dir, "data"),
		"--secure-port="+strconv.Itoa(port), "--network-provider="+s.provider)
	if err != nil {
		return err
	}
	err = s.await(ctx, func(context.Context) (err error) {
		s.config, err = clientcmd.BuildConfigFromFlags("", s.kubeconfig)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.awaitPath(ctx, "/readyz"); err != nil {
		return err
	}
	return s.connectEtcd(ctx, "unix://"+filepath.Join(s.dir, "data", "etcd.sock"))
}

//go:embed crd.yaml
var crd []byte

// startCRD starts a kube-apiserver with an etcd of its own and Networks as custom resources; startController adds what
// binds them.
func (s *server) startCRD(ctx context.Context, dir string, programs programs) error {
	s.dir, s.programs, s.kubeconfig = dir, programs, filepath.Join(dir, "kubeconfig")
	if err := s.runEtcd(ctx); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	key, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return err
	}
	const token = "bench"
	keyFile, tokenFile := filepath.Join(dir, "accounts.key"), filepath.Join(dir, "tokens.csv")
	if err := keyutil.WriteKey(keyFile, key); err != nil {
		return err
	}
	if err := os.WriteFile(tokenFile, []byte(token+",admin,admin,system:masters\n"), 0o600); err != nil {
		return err
	}
	err = s.run(programs.kubeAPIServer, "--etcd-servers=unix://"+filepath.Join(dir, "etcd.sock"),
		"--bind-address=127.0.0.1", "--secure-port="+strconv.Itoa(port), "--cert-dir="+dir,
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+keyFile,
		"--service-account-signing-key-file="+keyFile, "--token-auth-file="+tokenFile, "--authorization-mode=RBAC")
	if err != nil {
		return err
	}
	certificate := filepath.Join(dir, "apiserver.crt")
	err = s.await(ctx, func(context.Context) error { _, err := os.Stat(certificate); return err })
	if err != nil {
		return err
	}
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["crd"] = &clientcmdapi.Cluster{
		Server: fmt.Sprintf("https://127.0.0.1:%d", port), CertificateAuthority: certificate}
	kubeconfig.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: token}
	kubeconfig.Contexts["crd"] = &clientcmdapi.Context{Cluster: "crd", AuthInfo: "admin"}
	kubeconfig.CurrentContext = "crd"
	if err := clientcmd.WriteToFile(*kubeconfig, s.kubeconfig); err != nil {
		return err
	}
	if s.config, err = clientcmd.BuildConfigFromFlags("", s.kubeconfig); err != nil {
		return err
	}
	if err := s.awaitPath(ctx, "/readyz"); err != nil {
		return err
	}
	return s.installCRD(ctx)
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

// startController starts the custom resource's controller, with or without a provider in it; of network-apiserver, which
// has the controllers inside, nothing. Stop it with stopController.
func (s *server) startController(provide bool) error {
	if s.name != crdName {
		return nil
	}
	err := s.run(s.programs.crdController, "--kubeconfig="+s.kubeconfig, fmt.Sprintf("--provide=%t", provide))
	if err != nil {
		return err
	}
	s.controller = s.processes[0]
	return nil
}

func (s *server) stopController() error {
	if s.controller == nil {
		return nil
	}
	had, err := s.controller.memory()
	if err != nil {
		return err
	}
	s.controllerPeak = max(s.controllerPeak, had.peak)
	s.controller.stop()
	s.processes, s.controller = s.processes[1:], nil
	return nil
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

// memory returns the memory of all programs of the server together. Of the controllers that ran one after the other, the
// largest counts for the peak.
func (s *server) memory() (sum memory, err error) {
	peak := s.controllerPeak
	for _, p := range s.processes {
		m, err := p.memory()
		if err != nil {
			return memory{}, err
		}
		if p == s.controller {
			peak = max(peak, m.peak)
			m.peak = 0
		}
		sum = sum.plus(m)
	}
	sum.peak += peak
	return sum, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
