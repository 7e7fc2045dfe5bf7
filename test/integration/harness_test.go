// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package integration tests network-apiserver from outside: it runs the real program in standalone mode, drives it with
// the generated client and with kubectl, and stops, kills and restarts it. Most tests share one server and have a
// namespace of their own on it; a test that needs other flags, or a stop, starts a server for itself.
//
// The program is built from this tree, unless NETWORK_APISERVER_BIN names one. kubectl is taken from PATH, or built by
// hack/kubernetes/build.sh. The package needs Linux.
package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/race"
	"ironcore.dev/networking/test/standalone"
)

// patience is how long a test waits for what has to happen soon, on a machine that is busy with other tests.
const patience = 30 * time.Second

var (
	// networkAPIServer and kubectl are the paths of the programs.
	networkAPIServer, kubectl string
	// shared is the server of all tests that don't need their own.
	shared *server
)

func TestMain(m *testing.M) {
	os.Exit(race.Watch(func() int {
		code, err := run(m)
		if err != nil {
			fmt.Fprintln(os.Stderr, "integration:", err)
			code = 1
		}
		return code
	}))
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "network-apiserver-integration-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if networkAPIServer, err = standalone.Program("../..", dir); err != nil {
		return 0, err
	}
	if kubectl, err = findKubectl(); err != nil {
		return 0, err
	}
	shared = newServer(filepath.Join(dir, "shared"))
	if err := shared.Start(); err != nil {
		return 0, err
	}
	defer shared.Kill()
	return m.Run(), nil
}

func findKubectl() (string, error) {
	if path, err := exec.LookPath("kubectl"); err == nil {
		return path, nil
	}
	fmt.Fprintln(os.Stderr, "integration: PATH has no kubectl: building one, which takes some minutes the first time")
	if err := runQuietly("../../hack/kubernetes/build.sh", "kubectl"); err != nil {
		return "", err
	}
	return filepath.Abs("../../bin/kubernetes/kubectl")
}

func runQuietly(name string, args ...string) error {
	if output, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, output)
	}
	return nil
}

// server is one with what the tests do to it.
type server struct{ *standalone.Server }

func newServer(dir string, args ...string) *server {
	return &server{standalone.New(networkAPIServer, dir, args...)}
}

// ownServer starts a server for one test alone.
func ownServer(t *testing.T, args ...string) *server {
	t.Helper()
	return started(t, networkAPIServer, args...)
}

// measuredServer starts a server for one test that measures it, without the race detector.
func measuredServer(t *testing.T, args ...string) *server {
	t.Helper()
	return started(t, race.Plain(networkAPIServer), args...)
}

func started(t *testing.T, program string, args ...string) *server {
	t.Helper()
	s := &server{standalone.ForTest(t, program, args...)}
	s.showLogOnFailure(t)
	return s
}

func (s *server) mustStart(t *testing.T) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
}

// stop ends the server in an orderly way.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if state, err := s.End(syscall.SIGTERM); err != nil || state.ExitCode() != 0 {
		t.Errorf("after SIGTERM: %s, %v, want exit status 0\n%s", state, err, s.LogTail())
	}
}

// showLogOnFailure adds the end of the server's log to the output of a failed test.
func (s *server) showLogOnFailure(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The end of the server's log:\n%s", s.LogTail())
		}
	})
}

// config is what a client of the server needs; it acts as the administrator.
func (s *server) config(t *testing.T) *rest.Config {
	t.Helper()
	config, err := s.Config()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func (s *server) client(t *testing.T) *clientset.NetworkingV1alpha1Client {
	t.Helper()
	return newClient(t, s.config(t))
}

func newClient(t *testing.T, config *rest.Config) *clientset.NetworkingV1alpha1Client {
	t.Helper()
	client, err := clientset.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// kubectlCommand runs kubectl as the administrator, with a home directory of its own.
func (s *server) kubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, kubectl, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+s.Kubeconfig, "HOME="+s.Dir, "KUBECACHEDIR="+s.Dir+"/kubectl-cache")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return command
}

// runKubectl returns the combined output of kubectl; stdin may be empty.
func (s *server) runKubectl(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := s.kubectlCommand(ctx, args...)
	command.Stdin = strings.NewReader(stdin)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	return output.String(), err
}

// namespace is where a test keeps its Networks.
type namespace struct {
	*server
	name     string
	networks clientset.NetworkInterface
}

var namespaces atomic.Int64

// newNamespace returns a namespace that no other test uses.
func newNamespace(t *testing.T, s *server) namespace {
	t.Helper()
	if s == shared {
		s.showLogOnFailure(t)
	}
	name := fmt.Sprintf("test-%d", namespaces.Add(1))
	return namespace{server: s, name: name, networks: s.client(t).Networks(name)}
}

// kubectl runs kubectl in the namespace and returns its combined output.
func (n namespace) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return n.kubectlWithInput(t, "", args...)
}

func (n namespace) kubectlWithInput(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	output, err := n.runKubectl(t, stdin, append([]string{"--namespace=" + n.name}, args...)...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

// kubectlFails runs kubectl in the namespace, where it must fail, and returns its combined output.
func (n namespace) kubectlFails(t *testing.T, args ...string) string {
	t.Helper()
	output, err := n.runKubectl(t, "", append([]string{"--namespace=" + n.name}, args...)...)
	if err == nil {
		t.Fatalf("kubectl %s succeeded, want a failure\n%s", strings.Join(args, " "), output)
	}
	return output
}

// poll repeats a check until it finds nothing wrong.
func poll(t *testing.T, timeout time.Duration, check func() error) {
	t.Helper()
	await.Success(t, timeout, func(context.Context) error { return check() })
}
