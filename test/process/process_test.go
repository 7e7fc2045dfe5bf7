// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"context"
	"os/exec"
	"syscall"
	"testing"

	"ironcore.dev/networking/test/process"
)

// The kernel ends a child with the thread that started it, and one thread of this process starts programs of both kinds.
func TestTheEndOfAProgramEndsNoOther(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("skipped: no program sleep")
	}
	const programs = 50
	var others []*exec.Cmd
	for range programs {
		other := exec.Command(sleep, "60")
		other.SysProcAttr = process.DieWithParent()
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		others = append(others, other)
		p := process.New("sleep", t.TempDir(), sleep, func(context.Context) error { return nil }, "60")
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Kill()
	}
	for _, other := range others {
		_ = other.Process.Signal(syscall.SIGTERM) // It fails on one that has ended, which the state tells.
		state, err := other.Process.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if got := state.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGTERM {
			t.Errorf("a program that was to go on got signal %q", got)
		}
	}
}
