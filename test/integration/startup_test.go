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

	"ironcore.dev/networking/test/process"
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
			[]string{data(running.Dir)},
			[]string{running.Dir + " is in use by another network-apiserver (pid " + strconv.Itoa(running.PID()) + ")",
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
				`"-gardener" is not a controller; there are address, load-balancer, machine, membership, network, network-interface, peering, prefix, release, virtual-ip`,
				"--concurrent-peering-syncs: must be at least 1, not 0"},
		},
		"a range that ends before it begins": {
			[]string{fresh, "--local-vni-range=9-1"},
			[]string{`invalid argument "9-1" for "--local-vni-range"`, "first <= last"},
		},
		"options of a host cluster": {
			[]string{fresh, "--kubeconfig=" + missing, "--client-ca-file=" + missing},
			[]string{"--kubeconfig has no effect with --standalone", "--client-ca-file has no effect with --standalone"},
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
		"an encryption configuration that is none": {
			[]string{fresh + "-7", "--encryption-provider-config=" + file},
			[]string{file, "--encryption-provider-config"},
		},
		"an etcd that does not answer": {
			[]string{fresh + "-6", "--etcd-servers=http://127.0.0.1:1"},
			[]string{"http://127.0.0.1:1", "--etcd-servers"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"--standalone", "--secure-port=" + strconv.Itoa(process.FreePort())}, test.args...)
			checkRefusal(t, args, test.want...)
		})
	}
}

// The libraries would check some of these late, or without a word of the flag.
func TestABadValueNamesItsFlagBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage, policy := filepath.Join(dir, "garbage"), filepath.Join(dir, "policy")
	if err := errors.Join(os.WriteFile(garbage, []byte("a: ["), 0o600),
		os.WriteFile(policy, []byte("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	audited := "--audit-policy-file=" + policy
	for _, args := range [][]string{
		{"--audit-log-batch-buffer-size=0", "--audit-log-mode=batch"}, {"--audit-log-format=prose"}, {"--audit-log-maxage=-1"},
		{"--audit-log-mode=often"}, {"--audit-log-path=-"}, {"--audit-log-truncate-max-event-size=0"}, {"--audit-log-version=v0"},
		{"--audit-webhook-mode=often"}, {"--audit-webhook-version=v0"}, {"--cert-dir=elsewhere"}, {"--emulated-version=old"},
		{"--feature-gates=None=true"}, {"--min-compatibility-version=old"}, {"--serving-cert-apiservice=other"},
		{"--serving-cert-dns-names=name"}, {"--tls-cipher-suites=none"}, {"--tls-min-version=old"},
		{"--tracing-config-file=" + filepath.Join(dir, "missing")}, {"--watch-cache-sizes=networks"},
		{"--audit-policy-file=" + garbage}, {"--audit-webhook-config-file=" + garbage, audited}, {"--tracing-config-file=" + garbage},
		{"--tls-cert-file=" + garbage, "--tls-private-key-file=" + garbage},
		{"--tls-private-key-file=" + garbage, "--tls-cert-file=" + garbage},
		{"--etcd-cafile=" + garbage, "--etcd-servers=https://127.0.0.1:1"},
		{"--etcd-certfile=" + garbage, "--etcd-keyfile=" + garbage, "--etcd-servers=https://127.0.0.1:1"},
	} {
		t.Run(strings.ReplaceAll(args[0], dir, ""), func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "data")
			flag, _, _ := strings.Cut(args[0], "=")
			checkRefusal(t, append([]string{"--standalone", "--data-dir=" + data}, args...), flag)
			if _, err := os.Stat(data); err == nil {
				t.Error("the server had begun to start")
			}
		})
	}
	for _, flag := range []string{"--admission-control-config-file", "--authentication-kubeconfig", "--authorization-kubeconfig",
		"--client-ca-file", "--egress-selector-config-file", "--kubeconfig", "--requestheader-client-ca-file"} {
		t.Run("of a host cluster, "+flag, func(t *testing.T) {
			t.Parallel()
			checkRefusal(t, []string{"--etcd-servers=http://127.0.0.1:1", flag + "=" + garbage}, flag)
		})
	}
	for _, flag := range []string{"--disable-admission-plugins", "--enable-admission-plugins"} {
		t.Run("of a host cluster, "+flag, func(t *testing.T) {
			t.Parallel()
			checkRefusal(t, []string{"--etcd-servers=http://127.0.0.1:1", flag + "=None"}, flag)
		})
	}
}

// A flag that would change nothing beside the other flags is a misunderstanding. It comes first here.
func TestAFlagWithoutEffectIsRefused(t *testing.T) {
	t.Parallel()
	const outside = "--etcd-servers=http://127.0.0.1:1"
	alone := "--standalone --data-dir=" + filepath.Join(t.TempDir(), "data")
	for _, args := range []string{
		"--concurrent-machine-syncs=3 " + alone,
		"--concurrent-prefix-syncs=3 " + alone,
		"--enable-garbage-collector " + alone,
		"--enable-priority-and-fairness " + alone,
		"--local-vni-range=1-9 " + outside,
		"--local-virtual-ip-range=198.51.100.0/24 --network-provider=external " + alone,
		"--concurrent-network-syncs=3 " + outside,
		"--concurrent-address-syncs=3 " + outside,
		"--concurrent-release-syncs=3 --controllers=*,-release " + outside,
		"--data-dir=data " + outside,
		"--etcd-quota=1Gi " + outside,
		"--etcd-cafile=ca.crt " + alone,
		"--etcd-certfile=tls.crt " + alone,
		"--etcd-keyfile=tls.key " + alone,
		"--cert-dir=certs --serving-cert-secret=a/b --serving-cert-dns-names=b.a.svc " + outside,
		"--audit-policy-file=policy.yaml " + alone,
		"--audit-log-maxage=3 " + alone,
		"--audit-log-format=json " + outside,
		"--audit-webhook-mode=batch " + alone,
		"--requestheader-allowed-names=front-proxy " + outside,
		"--requestheader-username-headers=X-User " + outside,
	} {
		t.Run(args[:strings.IndexByte(args, ' ')], func(t *testing.T) {
			t.Parallel()
			flag, _, _ := strings.Cut(strings.Fields(args)[0], "=")
			checkRefusal(t, strings.Fields(args), flag+" has no ")
		})
	}
}

// A controller that is chosen by name and can't run is a misunderstanding too.
func TestAControllerThatCanNotRunIsRefused(t *testing.T) {
	t.Parallel()
	const outside = "--etcd-servers=http://127.0.0.1:1"
	alone := "--standalone --data-dir=" + filepath.Join(t.TempDir(), "data")
	ovn := " --network-provider=ovn --ovn-nb=tcp:127.0.0.1:1"
	for flags, want := range map[string]string{
		"--controllers=network " + outside:               "network has no effect with --network-provider=external",
		"--controllers=*,address " + outside:             "address has no effect without --network-provider=local",
		"--controllers=machine " + alone:                 "machine has no effect with --standalone",
		"--controllers=prefix " + alone:                  "prefix has no effect with --standalone",
		"--controllers=*,-network " + outside + ovn:      "network-interface needs network with --network-provider=ovn",
		"--controllers=network-interface " + alone + ovn: "network-interface needs network with --network-provider=ovn",
	} {
		t.Run(strings.Fields(flags)[0], func(t *testing.T) {
			t.Parallel()
			checkRefusal(t, strings.Fields(flags), "--controllers: "+want)
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
