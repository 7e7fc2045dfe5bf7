// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var logLine = regexp.MustCompile(`^[IWEF]\d{4} `)

func TestAServerThatCannotStartSaysWhyInOneLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	if err := errors.Join(os.Mkdir(foreign, 0o755), os.Chmod(foreign, 0o755),
		os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // The parallel tests below end later than this function.
	takenPort := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	running := ownServer(t)

	data := func(path string) string { return "--data-dir=" + path }
	fresh := data(filepath.Join(dir, "fresh"))
	missing := filepath.Join(dir, "missing")
	for name, test := range map[string]struct {
		args []string
		want []string // parts of the line
	}{
		"the port is taken": {
			[]string{fresh + "-1", "--secure-port=" + takenPort},
			[]string{"127.0.0.1:" + takenPort + " is taken by another program: choose another --secure-port"},
		},
		"the address is not one of this machine": {
			[]string{fresh + "-2", "--bind-address=192.0.2.1"},
			[]string{"192.0.2.1", "--bind-address"},
		},
		"the data directory is a file": {
			[]string{data(file)},
			[]string{file + " is not a directory: choose another --data-dir"},
		},
		"the data directory is below a file": {
			[]string{data(filepath.Join(file, "data"))},
			[]string{filepath.Join(file, "data") + " is not a directory: choose another --data-dir"},
		},
		"the data directory can't be made": {
			[]string{data("/proc/network-apiserver")},
			[]string{"/proc/network-apiserver cannot be used: choose another --data-dir"},
		},
		"the data directory holds files of something else": {
			[]string{data(foreign)},
			[]string{foreign + " is open to other users", "choose another --data-dir, or run: chmod 700 " + foreign},
		},
		"another server runs on the data directory": {
			[]string{data(running.dir)},
			[]string{running.dir + " is in use by another network-apiserver (pid " + strconv.Itoa(running.process.Pid) + ")",
				"stop that one, or choose another --data-dir"},
		},
		"there is no data directory": {
			nil,
			[]string{"network-apiserver: --standalone needs --data-dir, a directory to keep its state in\n"},
		},
		"a flag that there is not": {
			[]string{fresh, "--no-such-flag"},
			[]string{"unknown flag: --no-such-flag; see --help"},
		},
		"an argument": {
			[]string{fresh, "surplus"},
			[]string{`"surplus"`},
		},
		"a port that is not a number": {
			[]string{fresh, "--secure-port=https"},
			[]string{`invalid argument "https" for "--secure-port"`},
		},
		"a port out of range": {
			[]string{fresh, "--secure-port=65536"},
			[]string{"--secure-port 65536 must be between 1 and 65535"},
		},
		"several values that are wrong, all told of": {
			[]string{fresh, "--network-provider=aether", "--controllers=*,-gardener", "--concurrent-peering-syncs=0"},
			[]string{`--network-provider: "aether" is not a provider; there are local, external`,
				`"-gardener" is not a controller; there are machine, membership, network, network-interface, peering, release`,
				"--concurrent-peering-syncs: must be at least 1, not 0"},
		},
		"a range that ends before it begins": {
			[]string{fresh, "--local-vni-range=9-1"},
			[]string{`invalid argument "9-1" for "--local-vni-range"`, "first <= last"},
		},
		"options of a host cluster": {
			[]string{fresh, "--kubeconfig=" + missing, "--client-ca-file=" + missing},
			[]string{"--kubeconfig has no meaning with --standalone", "--client-ca-file has no meaning with --standalone"},
		},
		"a certificate that there is not": {
			[]string{fresh + "-3", "--tls-cert-file=" + missing, "--tls-private-key-file=" + missing},
			[]string{missing, "--tls-cert-file"},
		},
		"an audit policy that there is not": {
			[]string{fresh + "-4", "--audit-log-path=-", "--audit-policy-file=" + missing},
			[]string{missing, "--audit-policy-file"},
		},
		"an encryption configuration that there is not": {
			[]string{fresh + "-5", "--encryption-provider-config=" + missing},
			[]string{missing, "--encryption-provider-config"},
		},
		"a log format that there is not": {
			[]string{fresh, "--logging-format=prose"},
			[]string{`"prose"`, "--logging-format"},
		},
		"an etcd that does not answer": {
			[]string{fresh + "-6", "--etcd-servers=http://127.0.0.1:1"},
			[]string{"http://127.0.0.1:1", "--etcd-servers"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, err := freePort()
			if err != nil {
				t.Fatal(err)
			}
			args := append([]string{"--standalone", "--secure-port=" + strconv.Itoa(port)}, test.args...)
			checkRefusal(t, args, test.want...)
		})
	}
}

func TestAServerWithoutAnyFlagsSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	checkRefusal(t, nil, "no storage: give --etcd-servers, or --data-dir for an embedded etcd, "+
		"or --standalone with --data-dir to try the server without a cluster\n")
}

// checkRefusal runs the server with arguments that it can't run with.
func checkRefusal(t *testing.T, args []string, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	command := exec.CommandContext(ctx, networkAPIServer, args...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if code := command.ProcessState.ExitCode(); code != 1 {
		t.Errorf("the server ended with %v, want exit status 1", err)
	}
	if stdout.Len() > 0 {
		t.Errorf("the server printed on stdout:\n%s", &stdout)
	}
	var lines []string
	for line := range strings.Lines(stderr.String()) {
		if !logLine.MatchString(line) {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 {
		t.Fatalf("the server printed %d lines beside its log, want one:\n%s", len(lines), &stderr)
	}
	for _, part := range append([]string{"network-apiserver: "}, want...) {
		if !strings.Contains(lines[0], part) {
			t.Errorf("%q is missing in: %s", part, lines[0])
		}
	}
}
