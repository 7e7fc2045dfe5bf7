// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs beside the tests. Its output is appended to LogFile over all its lives, and it dies
// with the test process.
type Process struct {
	Name    string
	LogFile string

	path   string
	args   []string
	probe  func(context.Context) error
	cmd    *exec.Cmd
	exited chan struct{}
}

// Start runs the program and returns once its probe succeeds.
func (p *Process) Start(ctx context.Context) error {
	if err := p.launch(); err != nil {
		return err
	}
	for {
		err := p.probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s exited (%s); end of %s:\n%s", p.Name, p.cmd.ProcessState, p.LogFile, p.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w; end of %s:\n%s", p.Name, err, p.LogFile, p.logTail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *Process) launch() error {
	if _, err := os.Stat(p.path); err != nil {
		return fmt.Errorf("%w: build it as test/e2e/README.md says", err)
	}
	log, err := os.OpenFile(p.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = log, log, dieWithParent()
	p.exited = make(chan struct{})
	started := make(chan error)
	go func() {
		// To the kernel, the parent of a process is a thread: this one must live as long as the child.
		runtime.LockOSThread()
		defer log.Close()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = p.cmd.Wait() // The outcome is in ProcessState.
		close(p.exited)
	}()
	return <-started
}

// Running tells whether the program was started and has not ended.
func (p *Process) Running() bool {
	if p.exited == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Stop asks the program to end, and returns once it has. One that takes longer than a minute is made to log what all
// its goroutines are doing and to end at once, which is an error.
func (p *Process) Stop() error {
	if !p.Running() {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return nil
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.exited
		return fmt.Errorf("%s did not stop within a minute; what held it is at the end of %s", p.Name, p.LogFile)
	}
}

// Kill ends the program as a power cut would, and returns once it has ended.
func (p *Process) Kill() {
	if p.Running() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

func (p *Process) logTail() string {
	content, err := os.ReadFile(p.LogFile)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// get is a probe that succeeds when url answers 200 OK. pair is the client's certificate, empty for an anonymous one.
func get(url string, ca *authority, pair keyPair) (func(context.Context) error, error) {
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	config := &tls.Config{RootCAs: roots}
	if pair.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	client := &http.Client{
		// A new connection each time: it must be the process of now that answers.
		Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
		Timeout:   2 * time.Second,
	}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("%s: %s: %s", url, response.Status, bytes.TrimSpace(body))
	}, nil
}

var (
	handedOut     = map[int]bool{}
	handedOutLock sync.Mutex
)

// freePort returns a port of 127.0.0.1 that nobody listens on and that this function has not returned before. It
// stays below the range from which kernels take the ports of outgoing connections, so that a server that restarts
// finds its port free.
func freePort() int {
	handedOutLock.Lock()
	defer handedOutLock.Unlock()
	for {
		port := 16000 + rand.IntN(16000)
		if handedOut[port] {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		listener.Close()
		handedOut[port] = true
		return port
	}
}
