// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// run runs the command with arguments and returns what it prints. None of them starts a server.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := NewCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	err := cmd.Execute()
	return out.String(), err
}

func TestHelpAllPrintsTheDefaultsOfTheMode(t *testing.T) {
	for args, want := range map[string][]string{
		"--etcd-servers=https://etcd:2379": {"default 0.0.0.0", "default 5m0s", `default "external"`},
		"--data-dir=data":                  {"default 0.0.0.0", "default 30s", `default "external"`},
		"--standalone --data-dir=data":     {"default 127.0.0.1", "default 30s", `default "local"`},
	} {
		t.Run(args, func(t *testing.T) {
			all, err := run(t, append(strings.Fields(args), "--help-all")...)
			if err != nil {
				t.Fatal(err)
			}
			for i, flag := range []string{"bind-address", "etcd-compaction-interval", "network-provider"} {
				_, after, _ := strings.Cut(all, "\n      --"+flag+" ")
				about, _, _ := strings.Cut(after, "\n      --")
				if !strings.HasSuffix(strings.TrimSpace(about), "("+want[i]+")") {
					t.Errorf("of --%s it prints %q, want %s", flag, about, want[i])
				}
			}
		})
	}
}

func TestHelpIsShortAndHelpAllIsWhole(t *testing.T) {
	usual, err := run(t, "--help")
	if err != nil {
		t.Fatal(err)
	}
	all, err := run(t, "--help-all")
	if err != nil {
		t.Fatal(err)
	}
	const twoScreens, width = 2 * 24, 80
	if lines := strings.Count(usual, "\n"); lines > twoScreens {
		t.Errorf("--help prints %d lines, want at most %d", lines, twoScreens)
	}
	for line := range strings.Lines(usual) {
		if len(line)-1 > width {
			t.Errorf("--help prints a line of %d characters, want at most %d: %s", len(line)-1, width, line)
		}
	}
	sections := NewOptions().Flags()
	for _, word := range regexp.MustCompile(`--[a-z-]+`).FindAllString(usual, -1) {
		if word == "--concurrent-" {
			continue // and the name of a controller
		}
		if !strings.Contains(all, word) {
			t.Errorf("--help offers %s, which there is not", word)
		}
	}
	for _, own := range []string{"network-apiserver", "controllers"} {
		sections.FlagSets[own].VisitAll(func(flag *pflag.Flag) {
			if !strings.Contains(usual, "--"+flag.Name) && !strings.HasPrefix(flag.Name, "concurrent-") {
				t.Errorf("--help lacks --%s, a flag of this server's own", flag.Name)
			}
			if !strings.HasPrefix(flag.DefValue, "[") && !slices.Contains([]string{"", "true", "false"}, flag.DefValue) &&
				!strings.HasPrefix(flag.Name, "concurrent-") && !strings.Contains(usual, "default "+flag.DefValue) {
				t.Errorf("--help lacks the default %s of --%s", flag.DefValue, flag.Name)
			}
		})
	}
	if rare := "--watch-cache-sizes"; strings.Contains(usual, rare) || !strings.Contains(all, rare) {
		t.Errorf("%s is in --help, or not in --help-all", rare)
	}
	for _, idle := range withoutEffect {
		if strings.Contains(all, "--"+idle) {
			t.Errorf("--%s has no effect, but is offered", idle)
		}
	}
}

// What is said of a flag in place of the library's words is of a flag that there is, as long as the library has it.
func TestTheServerSpeaksOfFlagsThatThereAre(t *testing.T) {
	offered := map[string]bool{}
	sections := NewOptions().Flags()
	for _, set := range sections.FlagSets {
		set.VisitAll(func(flag *pflag.Flag) { offered[flag.Name] = flag.Usage == usages[flag.Name] })
	}
	for name := range usages {
		if !offered[name] {
			t.Errorf("--%s is not offered with these words", name)
		}
	}
}

func TestVersionNamesTheServerAndTheLibraries(t *testing.T) {
	out, err := run(t, "--version")
	if err != nil || !strings.HasPrefix(out, "network-apiserver ") || !strings.Contains(out, "Kubernetes libraries ") ||
		strings.Count(out, "\n") != 1 {
		t.Errorf("--version prints %q, error %v", out, err)
	}
}

func TestFlagsOfAHostClusterAreRefusedStandalone(t *testing.T) {
	flags := []string{"kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig", "client-ca-file",
		"requestheader-client-ca-file", "admission-control-config-file"}
	args := []string{"--standalone", "--data-dir=" + filepath.Join(t.TempDir(), "data")}
	for _, flag := range flags {
		args = append(args, "--"+flag+"=file")
	}
	_, err := run(t, args...)
	if err == nil {
		t.Fatal("the flags are taken")
	}
	for _, flag := range flags {
		if !strings.Contains(err.Error(), "--"+flag+" has no effect with --standalone") {
			t.Errorf("the error does not name --%s: %v", flag, err)
		}
	}
}
