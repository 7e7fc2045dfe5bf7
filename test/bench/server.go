// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/e2e/cluster"
	"ironcore.dev/networking/test/process"
)

// The servers under measurement. Those behind a kube-apiserver count with all that they take; standalone,
// network-apiserver has everything inside.
const (
	etcdName        = "etcd"
	aggregatedName  = "aggregated"
	aggregated3Name = "aggregated, three replicas"
	standaloneName  = "standalone"
	crdName         = "crd"
)

// The programs that a server consists of.
const (
	networkAPIServer = "network-apiserver"
	kubeAPIServer    = "kube-apiserver"
	controller       = "controller"
	etcdProgram      = "etcd"
	// kubernetesEtcd is what the kube-apiserver keeps its own objects in, where Networks are not among them.
	kubernetesEtcd = "etcd of Kubernetes"
)

// programNames are in the order in which a request meets them.
var programNames = []string{networkAPIServer, kubeAPIServer, controller, etcdProgram, kubernetesEtcd}

// startTimeout bounds how long a server takes to be ready.
const startTimeout = 2 * time.Minute

// server is one of the systems that are compared: something that serves Networks, with its controllers.
type server struct {
	name     string
	root     string // of the repository, where the programs are
	dir      string
	provider string
	programs map[string][]*cluster.Process
	// host is the kube-apiserver with what belongs to it; nil of an etcd alone and of a server that stands alone.
	host *cluster.Cluster
	// replicas of an aggregated server: those that run count.
	replicas []*cluster.Replica
	// controllerPeak is the most memory that a controller had that runs no more.
	controllerPeak int64
	config         *rest.Config
	kubeconfig     string
	connect        func() (*clientv3.Client, error) // to where the server stores its objects
	etcd           *clientv3.Client
}

// stop ends what runs of the server.
func (s *server) stop() {
	if s.etcd != nil {
		_ = s.etcd.Close() // It reports that its context was cancelled, which is what Close does.
	}
	// In stopping, whoever uses another program goes first.
	for _, name := range []string{controller, networkAPIServer} {
		for _, p := range s.programs[name] {
			_ = p.Stop() // It tells of a program that had to be killed, whose figures are taken by now.
		}
	}
	if s.host != nil {
		_ = s.host.Stop()
	} else {
		for _, p := range s.programs[etcdProgram] {
			p.Kill()
		}
	}
	s.programs, s.etcd, s.host = nil, nil, nil
}

func (s *server) awaitPath(ctx context.Context, path string) error {
	client, err := newClient(s.config)
	if err != nil {
		return err
	}
	return s.await(ctx, func(ctx context.Context) error { return client.do(ctx, http.MethodGet, path, "", nil) })
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

// measured is what the programs are started with.
func (s *server) measured() cluster.Config {
	return cluster.Config{Root: s.root, Dir: s.dir, Measured: true}
}

// startEtcd starts an etcd alone, which syncs every write to the disk, and speaks TLS as those of the servers do.
func (s *server) startEtcd(ctx context.Context) error {
	etcd, err := cluster.StartEtcd(ctx, s.measured(), "etcd")
	if err != nil {
		return err
	}
	s.programs = map[string][]*cluster.Process{etcdProgram: etcd.Members}
	return s.connectEtcd(etcd.Client)
}

func (s *server) connectEtcd(connect func() (*clientv3.Client, error)) (err error) {
	s.connect = connect
	s.etcd, err = connect()
	return err
}

// startStandalone starts network-apiserver with everything inside. A second start carries on where the first was stopped.
func (s *server) startStandalone(ctx context.Context) error {
	port := process.FreePort()
	data := filepath.Join(s.dir, "data")
	s.kubeconfig = filepath.Join(data, "admin.kubeconfig")
	_ = os.Remove(s.kubeconfig) // The port tells the kubeconfig of this start from that of an earlier one.
	probe := func(ctx context.Context) (err error) {
		if s.config, err = clientcmd.BuildConfigFromFlags("", s.kubeconfig); err != nil {
			return err
		}
		client, err := newClient(s.config)
		if err != nil {
			return err
		}
		return client.do(ctx, http.MethodGet, "/readyz", "", nil)
	}
	p := process.New("network-apiserver", s.dir, filepath.Join(s.root, "bin", "network-apiserver"), probe,
		"--standalone", "--data-dir="+data, "--secure-port="+strconv.Itoa(port), "--network-provider="+s.provider)
	if err := p.Start(ctx); err != nil {
		return err
	}
	s.programs = map[string][]*cluster.Process{networkAPIServer: {p}}
	return s.connectEtcd(func() (*clientv3.Client, error) {
		return clientv3.New(clientv3.Config{Endpoints: []string{"unix://" + filepath.Join(data, "etcd.sock")},
			Logger: zap.NewNop()})
	})
}

// startAggregated starts network-apiserver behind a kube-apiserver, with an etcd of its own beside it. The replicas are
// prepared; runReplicas starts those that are to run.
func (s *server) startAggregated(ctx context.Context) (err error) {
	config := s.measured()
	config.Replicas, config.Flags = 1+replicas, []string{"--network-provider=" + s.provider}
	s.host, err = cluster.Start(ctx, config)
	if err != nil {
		return err
	}
	s.config, s.kubeconfig = s.host.Admin.Config, s.host.Admin.Kubeconfig
	s.programs = map[string][]*cluster.Process{
		etcdProgram:    s.host.Etcd.Members,
		kubeAPIServer:  {s.host.Kubernetes.APIServer},
		kubernetesEtcd: s.host.Kubernetes.Etcd().Members,
	}
	if err := s.connectEtcd(s.host.Etcd.Client); err != nil {
		return err
	}
	if err := s.makeNamespaces(ctx); err != nil {
		return err
	}
	s.replicas = s.host.Replicas
	return nil
}

// replicas is how many run where there are several. Another one runs where there is one: so either begin anew, and the
// API is there all the time.
const replicas = 3

// runReplicas starts one replica or several, and stops all others. All of their connections and caches are new.
func (s *server) runReplicas(ctx context.Context, n int) error {
	s.replicas = s.host.Replicas[:1]
	others := s.host.Replicas[1:]
	if n > 1 {
		s.replicas, others = others, s.replicas
	}
	var all errgroup.Group
	for _, replica := range s.replicas {
		all.Go(func() error {
			if replica.Running() {
				return nil
			}
			return replica.Start(ctx)
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	for _, replica := range others {
		all.Go(replica.Stop)
	}
	if err := all.Wait(); err != nil {
		return err
	}
	s.name = aggregatedName
	if n > 1 {
		s.name = aggregated3Name
	}
	s.countReplicas()
	return s.awaitPath(ctx, allNetworks)
}

func (s *server) countReplicas() {
	s.programs[networkAPIServer] = nil
	for _, replica := range s.replicas {
		s.programs[networkAPIServer] = append(s.programs[networkAPIServer], &replica.Process)
	}
}

// restart stops network-apiserver and starts it again, and returns what the start took until it was ready.
func (s *server) restart(ctx context.Context, n int) (took, error) {
	start := s.startStandalone
	if s.host == nil {
		s.stop()
	} else {
		if err := s.replicas[0].Stop(); err != nil {
			return took{}, err
		}
		s.programs[networkAPIServer] = nil
		start = func(ctx context.Context) error {
			defer s.countReplicas()
			return s.replicas[0].Start(ctx)
		}
	}
	took, err := s.timed(ctx, "to start again", n, start)
	if err != nil {
		return took, err
	}
	// Its processor time is that of the new process, from its beginning.
	used, err := s.cpu()
	took.cpu = usage{networkAPIServer: used[networkAPIServer]}
	if err != nil || s.host == nil {
		return took, err
	}
	return took, s.awaitPath(ctx, allNetworks) // The kube-apiserver has to notice.
}

// startCRD starts a kube-apiserver with Networks as custom resources; startController adds what binds them.
func (s *server) startCRD(ctx context.Context) (err error) {
	s.host, err = cluster.StartControlPlane(ctx, s.measured())
	if err != nil {
		return err
	}
	s.config, s.kubeconfig = s.host.Admin.Config, s.host.Admin.Kubeconfig
	s.programs = map[string][]*cluster.Process{
		etcdProgram:   s.host.Kubernetes.Etcd().Members,
		kubeAPIServer: {s.host.Kubernetes.APIServer},
	}
	if err := s.connectEtcd(s.host.Kubernetes.Etcd().Client); err != nil {
		return err
	}
	definition := filepath.Join(s.root, "test", "bench", "crd.yaml")
	resource := schema.GroupVersionResource{Group: v1alpha1.GroupName, Version: "v1alpha1", Resource: "networks"}
	if err := s.host.Install(ctx, definition, resource); err != nil {
		return err
	}
	return s.makeNamespaces(ctx)
}

func (s *server) makeNamespaces(ctx context.Context) error {
	client, err := newClient(s.config)
	if err != nil {
		return err
	}
	for _, namespace := range namespaces {
		body := fmt.Appendf(nil, `{"metadata":{"name":%q}}`, namespace)
		if err := client.do(ctx, http.MethodPost, "/api/v1/namespaces", jsonType, body); err != nil {
			return err
		}
	}
	return s.awaitPath(ctx, allNetworks)
}

// startController starts the custom resource's controller, with or without a provider in it; of network-apiserver, which
// has the controllers inside, nothing. Stop it with stopController.
func (s *server) startController(ctx context.Context, provide bool) error {
	if s.name != crdName {
		return nil
	}
	runs := func(context.Context) error { return nil } // What it does is waited for, not that it is ready.
	p := process.New("crd-controller", s.dir, filepath.Join(s.root, "bin", "bench", "crd-controller"), runs,
		"--kubeconfig="+s.kubeconfig, fmt.Sprintf("--provide=%t", provide))
	s.programs[controller] = []*cluster.Process{p}
	return p.Start(ctx)
}

func (s *server) stopController() error {
	running := s.programs[controller]
	if len(running) == 0 {
		return nil
	}
	had, err := memoryOf(running[0].PID())
	if err != nil {
		return err
	}
	s.controllerPeak = max(s.controllerPeak, had.peak)
	delete(s.programs, controller)
	return running[0].Stop()
}

// usage is processor time, by program.
type usage map[string]time.Duration

func (u usage) sum() (sum time.Duration) {
	for _, used := range u {
		sum += used
	}
	return sum
}

func (u usage) since(before usage) usage {
	since := maps.Clone(u)
	for program := range since {
		since[program] -= before[program]
	}
	return since
}

// cpu returns the processor time that the programs of the server have used.
func (s *server) cpu() (usage, error) {
	all := usage{}
	for name, processes := range s.programs {
		for _, p := range processes {
			used, err := cpuOf(p.PID())
			if err != nil {
				return nil, err
			}
			all[name] += used
		}
	}
	return all, nil
}

// memory returns the memory of all programs of the server together. Of the controllers that ran one after the other, the
// largest counts for the peak.
func (s *server) memory() (sum memory, err error) {
	peak := s.controllerPeak
	for name, processes := range s.programs {
		for _, p := range processes {
			m, err := memoryOf(p.PID())
			if err != nil {
				return memory{}, err
			}
			if name == controller {
				peak = max(peak, m.peak)
				m.peak = 0
			}
			sum = sum.plus(m)
		}
	}
	sum.peak += peak
	return sum, nil
}

// direct returns what to ask for the metrics of each server that handles Networks.
func (s *server) direct() []*rest.Config {
	var configs []*rest.Config
	for _, replica := range s.replicas {
		configs = append(configs, s.host.Direct(replica))
	}
	if len(configs) == 0 {
		configs = append(configs, s.config)
	}
	return configs
}

// hasController tells whether the controllers are a program of their own.
func (s *server) hasController() bool { return len(s.programs[controller]) > 0 }
