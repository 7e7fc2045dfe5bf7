// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"os"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// errorLines matches what the server logs as an error.
var errorLines = regexp.MustCompile(`(?m)^[EF]\d{4} .*$`)

func TestTheServerStopsWithinSecondsWhileClientsWatch(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"on Ctrl-C": os.Interrupt, "on SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNamespace(t, measuredServer(t))
			n.create(t, newNetwork("a"))
			n.await(t, "a", available)
			get := n.kubectlCommand(t.Context(), "--namespace="+n.name, "get", "networks", "--watch", "--no-headers")
			output, err := get.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := get.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(output).ReadString('\n'); err != nil {
				t.Fatalf("kubectl get --watch printed %q: %v", line, err)
			}

			told := time.Now()
			state, err := n.End(signal)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(told); took > 5*time.Second {
				t.Errorf("the server took %s to stop, want 5 s at most", took)
			}
			if state.ExitCode() != 0 {
				t.Errorf("the server ended with %s, want exit status 0", state)
			}
			if want := "network-apiserver has stopped"; n.LastLine() != want {
				t.Errorf("the server said %q at last, want %q", n.LastLine(), want)
			}
			if found := errorLines.FindString(readFile(t, n.LogFile)); found != "" {
				t.Errorf("the server logged an error: %s", found)
			}
			_ = get.Wait() // Its watch has ended; whether it takes that for an error is its own business.
		})
	}
}
