// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package standalone runs the real program in standalone mode, for tests and demonstrations. It needs Linux.
package standalone

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"ironcore.dev/networking/test/process"
)

// patience is how long a server may take to be ready, on a machine that is busy with other tests.
const patience = 2 * time.Minute

// Program returns the path of the program that NETWORK_APISERVER_BIN names, or builds it from the tree at root into dir.
func Program(root, dir string) (string, error) {
	if path := os.Getenv("NETWORK_APISERVER_BIN"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "network-apiserver")
	build := exec.Command("hack/build.sh", "-o", path, "./cmd/network-apiserver")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the server: %w\n%s", err, output)
	}
	return path, nil
}

// Server can be ended and started again on the same directory and port.
type Server struct {
	process.Process
	// Dir holds its state, Kubeconfig is the administrator's.
	Dir, Kubeconfig string
	Port            int

	printed *lines
}

// New prepares a server that keeps its state in dir; nothing runs before Start.
func New(program, dir string, args ...string) *Server {
	s := &Server{
		Dir:        dir,
		Kubeconfig: filepath.Join(dir, "admin.kubeconfig"),
		Port:       process.FreePort(),
		printed:    &lines{},
	}
	s.Process = process.Process{
		Name:    "network-apiserver",
		Path:    program,
		Args:    append([]string{"--standalone", "--data-dir=" + dir, "--secure-port=" + strconv.Itoa(s.Port)}, args...),
		LogFile: dir + ".log",
		Out:     s.printed,
		Probe:   s.saysThatItIsReady,
	}
	return s
}

// ForTest starts a server with a directory of its own, which ends with the test.
func ForTest(t testing.TB, program string, args ...string) *Server {
	t.Helper()
	server := New(program, filepath.Join(t.TempDir(), "data"), args...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

// Start returns once the server has said that it is ready.
func (s *Server) Start() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.printed.clear()
	err := s.Process.Start(ctx)
	if err != nil {
		s.Kill()
	}
	return err
}

func (s *Server) saysThatItIsReady(context.Context) error {
	want := fmt.Sprintf("network-apiserver is ready at https://127.0.0.1:%d: export KUBECONFIG=%s\n", s.Port, s.Kubeconfig)
	if text := s.printed.text(); text != want {
		return fmt.Errorf("the server printed %q, want %q", text, want)
	}
	return nil
}

// LastLine is the last one that the server printed.
func (s *Server) LastLine() string {
	printed := strings.Split(strings.TrimSpace(s.printed.text()), "\n")
	return printed[len(printed)-1]
}

// lines takes what a server prints.
type lines struct {
	mu      sync.Mutex
	printed []byte
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.printed = append(l.printed, data...)
	return len(data), nil
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.printed)
}

func (l *lines) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.printed = nil
}

// Config is what a client of the server needs; it acts as the administrator, as fast as it can.
func (s *Server) Config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return config, nil
}
