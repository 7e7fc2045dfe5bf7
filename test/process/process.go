// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package process runs programs beside tests.
package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a program that runs beside the tests. It ends with the test process, however that ends.
type Process struct {
	Name string
	// Path and Args are the program and its arguments from its next start on.
	Path string
	Args []string
	// Env has variables beside those of the test process.
	Env []string
	// LogFile takes what the program logs and prints, over all its lives.
	LogFile string
	// Out takes what it prints in place of LogFile, if given.
	Out io.Writer
	// Probe returns nil when the program serves.
	Probe func(context.Context) error

	cmd    *exec.Cmd
	exited chan struct{}
	pid    int64 // of the latest life, read by others at any time
}

// New prepares a program, which logs to a file in dir.
func New(name, dir, path string, probe func(context.Context) error, args ...string) *Process {
	return &Process{Name: name, LogFile: filepath.Join(dir, name+".log"), Path: path, Args: args, Probe: probe}
}

// PID is the number that the kernel knows the latest life of the program by.
func (p *Process) PID() int { return int(atomic.LoadInt64(&p.pid)) }

// Start runs the program and returns once its probe succeeds.
func (p *Process) Start(ctx context.Context) error {
	if err := p.launch(); err != nil {
		return err
	}
	for {
		err := p.Probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s exited (%s); end of %s:\n%s", p.Name, p.cmd.ProcessState, p.LogFile, p.LogTail())
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w; end of %s:\n%s", p.Name, err, p.LogFile, p.LogTail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *Process) launch() error {
	if _, err := os.Stat(p.Path); err != nil {
		return fmt.Errorf("%w: build it as test/e2e/README.md says", err)
	}
	log, err := os.OpenFile(p.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p.cmd = exec.Command(p.Path, p.Args...)
	p.cmd.Env = append(os.Environ(), p.Env...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = log, log, DieWithParent()
	if p.Out != nil {
		p.cmd.Stdout = p.Out
	}
	p.exited = make(chan struct{})
	started := make(chan error)
	go func() {
		// To the kernel, the parent of a process is a thread: this one must live as long as the child. It lives on after that, since it
		// may have started other programs before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		err := p.cmd.Start()
		if err == nil {
			atomic.StoreInt64(&p.pid, int64(p.cmd.Process.Pid))
		}
		started <- err
		if err != nil {
			return
		}
		_ = p.cmd.Wait() // The outcome is in ProcessState.
		close(p.exited)
	}()
	return <-started
}

// Exchange has the next Start run another program, and returns the present one.
func (p *Process) Exchange(path string) string {
	p.Path, path = path, p.Path
	return path
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

// stopTimeout is how long a program may take to end after it was asked to.
const stopTimeout = time.Minute

// Stop asks the program to end, and returns once it has. One that takes longer than a minute is made to log what all
// its goroutines are doing and to end at once, which is an error.
func (p *Process) Stop() error {
	_, err := p.End(syscall.SIGTERM)
	return err
}

// End is Stop with another signal. It also returns how the program ended: nil if it never ran.
func (p *Process) End(signal os.Signal) (*os.ProcessState, error) {
	if p.exited == nil {
		return nil, nil
	}
	_ = p.cmd.Process.Signal(signal) // It may have ended before.
	select {
	case <-p.exited:
		return p.cmd.ProcessState, nil
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.exited
		return p.cmd.ProcessState, fmt.Errorf("%s did not end within %s; what held it is at the end of %s", p.Name, stopTimeout, p.LogFile)
	}
}

// Kill ends the program as a power cut would, and returns once it has ended.
func (p *Process) Kill() {
	if p.Running() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// Freeze stops the program where it is, with all its connections open, as a machine does that hangs.
func (p *Process) Freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw ends what Freeze began.
func (p *Process) Thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// LogTail is the end of the log.
func (p *Process) LogTail() string {
	const length = 6000
	log, err := os.ReadFile(p.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-length):])
}
