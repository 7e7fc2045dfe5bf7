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
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
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
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "network-apiserver-integration-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if networkAPIServer, err = findServer(dir); err != nil {
		return 0, err
	}
	if kubectl, err = findKubectl(); err != nil {
		return 0, err
	}
	if shared, err = newServer(filepath.Join(dir, "shared")); err != nil {
		return 0, err
	}
	if err := shared.start(); err != nil {
		return 0, err
	}
	defer shared.end(syscall.SIGKILL)
	return m.Run(), nil
}

func findServer(dir string) (string, error) {
	if path := os.Getenv("NETWORK_APISERVER_BIN"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "network-apiserver")
	return path, runQuietly("go", "build", "-o", path, "../../cmd/network-apiserver")
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

// server is a network-apiserver that can be ended and started again on the same directory and port.
type server struct {
	dir, kubeconfig, logFile string
	port                     int
	args                     []string

	process *os.Process
	// exited tells how the process ended, once it has.
	exited chan *os.ProcessState
}

// newServer prepares a server that keeps its state in dir; nothing runs before start.
func newServer(dir string, args ...string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return &server{
		dir:        dir,
		kubeconfig: filepath.Join(dir, "admin.kubeconfig"),
		logFile:    dir + ".log",
		port:       port,
		args: append([]string{
			"--standalone", "--data-dir=" + dir, "--secure-port=" + strconv.Itoa(port),
		}, args...),
	}, nil
}

// freePort finds a port below those that the kernel gives to clients: it stays free while a server restarts.
func freePort() (int, error) {
	var errs []error
	for range 100 {
		port := 20000 + rand.IntN(10000)
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return port, listener.Close()
		}
		errs = append(errs, err)
	}
	return 0, fmt.Errorf("found no free port: %w", errors.Join(errs...))
}

// ownServer starts a server for one test alone.
func ownServer(t *testing.T, args ...string) *server {
	t.Helper()
	s, err := newServer(filepath.Join(t.TempDir(), "data"), args...)
	if err != nil {
		t.Fatal(err)
	}
	s.mustStart(t)
	s.showLogOnFailure(t)
	t.Cleanup(func() { s.end(syscall.SIGKILL) })
	return s
}

// start returns once the server has said that it is ready.
func (s *server) start() error {
	command := exec.Command(networkAPIServer, s.args...)
	// The process ends with this one, however this one ends.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command.Stderr = log
	stdout, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	ready := make(chan string, 1)
	exited := make(chan *os.ProcessState, 1)
	s.process, s.exited = command.Process, exited
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			select {
			case ready <- lines.Text():
			default:
			}
		}
		_ = command.Wait() // The state below says the same.
		exited <- command.ProcessState
	}()
	select {
	case line := <-ready:
		if want := fmt.Sprintf("network-apiserver is ready at https://127.0.0.1:%d: export KUBECONFIG=%s",
			s.port, s.kubeconfig); line != want {
			s.end(syscall.SIGKILL)
			return fmt.Errorf("the server said %q when it was ready, want %q", line, want)
		}
		return nil
	case state := <-exited:
		exited <- state
		return fmt.Errorf("the server ended before it was ready: %s\n%s", state, s.logTail())
	case <-time.After(patience):
		s.end(syscall.SIGKILL)
		return fmt.Errorf("the server was not ready after %s\n%s", patience, s.logTail())
	}
}

func (s *server) mustStart(t *testing.T) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// end sends a signal and waits for the process to end, which it may have done before.
func (s *server) end(signal os.Signal) *os.ProcessState {
	_ = s.process.Signal(signal)
	select {
	case state := <-s.exited:
		s.exited <- state
		return state
	case <-time.After(2 * patience):
		_ = s.process.Kill()
		state := <-s.exited
		s.exited <- state
		return state
	}
}

// stop ends the server in an orderly way.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if state := s.end(syscall.SIGTERM); state.ExitCode() != 0 {
		t.Errorf("after SIGTERM: %s, want exit status 0\n%s", state, s.logTail())
	}
}

// showLogOnFailure adds the end of the server's log to the output of a failed test.
func (s *server) showLogOnFailure(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The end of the server's log:\n%s", s.logTail())
		}
	})
}

func (s *server) logTail() string {
	const length = 4000
	log, err := os.ReadFile(s.logFile)
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-length):])
}

// config is what a client of the server needs; it acts as the administrator.
func (s *server) config(t *testing.T) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
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
	command.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig, "HOME="+s.dir, "KUBECACHEDIR="+s.dir+"/kubectl-cache")
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

// poll repeats a check until it finds nothing wrong any more. If that takes too long, it fails the test with the last
// thing that was wrong.
func poll(t *testing.T, timeout time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %v", timeout, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
