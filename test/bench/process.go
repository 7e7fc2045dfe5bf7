// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a program under measurement.
type process struct {
	name    string
	cmd     *exec.Cmd
	logFile string
	exited  chan struct{}
	stopped atomic.Bool
	killed  atomic.Bool
}

// start runs a program, whose output goes to a file in dir. It dies with this process; if it ends in any other way than
// by stop, failed is told why.
func start(failed func(error), dir, path string, args ...string) (*process, error) {
	p := &process{name: filepath.Base(path), cmd: exec.Command(path, args...), exited: make(chan struct{})}
	dir, err := filepath.EvalSymlinks(dir) // The link to it does not outlive the run; the log does.
	if err != nil {
		return nil, err
	}
	p.logFile = filepath.Join(dir, p.name+".log")
	log, err := os.OpenFile(p.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func() {
		_ = p.cmd.Wait() // How it ended is in ProcessState.
		if !p.stopped.Load() || p.crashed() {
			failed(p.failure())
		}
		close(p.exited)
	}()
	return p, nil
}

// crashed tells whether the program ended otherwise than one that is asked to. What it does to the bench may be seen
// before its end is, so a program may have ended by itself that is then stopped.
func (p *process) crashed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	asked := ok && status.Signaled() && status.Signal() == syscall.SIGTERM
	return !p.cmd.ProcessState.Success() && !asked && !p.killed.Load()
}

// stopLimit bounds how long a program takes to end by itself.
const stopLimit = time.Minute

// stop ends the program and returns once it has ended.
func (p *process) stop() {
	p.stopped.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // It fails if the program has ended, which is the aim.
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
		p.killed.Store(true)
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// failure describes why the program ended.
func (p *process) failure() error {
	log, _ := os.ReadFile(p.logFile)
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return fmt.Errorf("%s ended (%s): %s; see %s", p.name, p.cmd.ProcessState, lines[len(lines)-1], p.logFile)
}

// clockTicks is the unit of times in /proc, which is the same on every Linux that Go runs on.
const clockTicks = 100

// cpu returns the CPU time that the program has used.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold spaces: count from behind it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading /proc/%d/stat: %w", p.cmd.Process.Pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / clockTicks, nil
}

// ownCPU returns the CPU time that this process has used.
func ownCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// memory is what a program has resident, in bytes.
type memory struct {
	resident, peak int64
	// anonymous pages are the program's own; pages of files are those that it maps, its code among them.
	anonymous, file int64
}

func (m memory) plus(other memory) memory {
	return memory{m.resident + other.resident, m.peak + other.peak, m.anonymous + other.anonymous, m.file + other.file}
}

// memory returns the resident memory of the program.
func (p *process) memory() (m memory, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return m, err
	}
	fields := map[string]*int64{"VmRSS": &m.resident, "VmHWM": &m.peak, "RssAnon": &m.anonymous, "RssFile": &m.file}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		field, ok := fields[name]
		if !ok {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("reading /proc/%d/status: %w", p.cmd.Process.Pid, err)
		}
		*field = kilobytes << 10
	}
	return m, nil
}
