// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// The guides, as a reader follows them: every command of their console blocks is run, and what it prints is compared.
package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// step is a command of a guide with what the guide says that it prints. A line "..." stands for any lines.
type step struct {
	line    int
	command string
	prints  []string
}

// consoleSteps returns the commands in the console blocks of a page in Markdown.
func consoleSteps(page string) (steps []step) {
	inBlock, untilEOF := false, false
	for i, line := range strings.Split(page, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inBlock, untilEOF = line == "```console", false
		case !inBlock:
		case untilEOF:
			steps[len(steps)-1].command += "\n" + line
			untilEOF = line != "EOF"
		case strings.HasPrefix(line, "$ "):
			steps = append(steps, step{line: i + 1, command: line[2:]})
			untilEOF = strings.HasSuffix(line, "<<EOF")
		default:
			last := &steps[len(steps)-1]
			last.prints = append(last.prints, line)
		}
	}
	return steps
}

// changing is what differs from run to run, with what stands for it in a comparison.
var changing = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "TIME"},
	{regexp.MustCompile(`\b(\d+[dhms]){1,2}\b`), "AGE"},
}

// alike returns lines without what changes from run to run, and without the widths of columns.
func alike(lines []string) (same []string) {
	for _, line := range lines {
		for _, c := range changing {
			line = c.pattern.ReplaceAllString(line, c.name)
		}
		same = append(same, strings.Join(strings.Fields(line), " "))
	}
	for len(same) > 0 && same[len(same)-1] == "" {
		same = same[:len(same)-1]
	}
	return same
}

// compareWithGuide tells in what an output is not as the guide has it; "" if it is.
func compareWithGuide(guide []string, output string) string {
	want, got := alike(guide), alike(strings.Split(output, "\n"))
	pattern := ""
	for _, line := range want {
		if line == "..." {
			pattern += `(.*\n)*`
		} else {
			pattern += regexp.QuoteMeta(line) + `\n`
		}
	}
	text := ""
	for _, line := range got {
		text += line + "\n"
	}
	if regexp.MustCompile(`\A` + pattern + `\z`).MatchString(text) {
		return ""
	}
	return cmp.Diff(want, got)
}

// reading matches the commands that change nothing. What they print may come a moment later.
var reading = regexp.MustCompile(`^kubectl (get|describe|explain|network (requests|peerings|topology|who-has|doctor))\b`)

// followGuide runs the commands of a page against a server of its own, in a folder where its state is in .run, as make run has it.
func followGuide(t *testing.T, page string) {
	text, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	steps := consoleSteps(string(text))
	if len(steps) == 0 {
		t.Fatalf("%s has no commands", page)
	}
	folder := t.TempDir()
	s := newServer(filepath.Join(folder, ".run"))
	s.mustStart(t)
	s.showLogOnFailure(t)
	t.Cleanup(s.Kill)
	plugin, err := pluginDir()
	if err != nil {
		t.Fatal(err)
	}
	exports := ""
	for _, step := range steps {
		if strings.HasPrefix(step.command, "export ") {
			exports += step.command + "\n"
			continue
		}
		check := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			shell := exec.CommandContext(ctx, "/bin/sh", "-c", exports+step.command)
			shell.Dir = folder
			shell.Env = append(s.kubectlCommand(ctx).Env, "PATH="+plugin+":"+filepath.Dir(kubectl)+":"+os.Getenv("PATH"))
			output, _ := shell.CombinedOutput() // A command that fails says so in its output.
			if diff := compareWithGuide(step.prints, string(output)); diff != "" {
				return fmt.Errorf("%s:%d: %s\nprints (-guide +real)\n%s\n%s", page, step.line, step.command, diff, output)
			}
			return nil
		}
		if reading.MatchString(step.command) {
			poll(t, 2*patience, check)
		} else if err := check(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheGuideForTenantsIsTrue(t *testing.T) {
	t.Parallel()
	followGuide(t, "docs/tenants.md")
}

func TestTheCommandsForClientsAreTrue(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	followGuide(t, "docs/clients.md")
}

func TestThePageOfThePluginIsTrue(t *testing.T) {
	t.Parallel()
	followGuide(t, "docs/kubectl-network.md")
}

func TestTheTourOfTheREADMEIsTrue(t *testing.T) {
	t.Parallel()
	followGuide(t, "README.md")
}

// A guide that says too much, too little or something else is found out.
func TestAGuideIsComparedLineByLine(t *testing.T) {
	const output = "NAME AGE\nred 5s\nblue 7s\n"
	for sentence, tc := range map[string]struct {
		guide string
		same  bool
	}{
		"the same, but for ages and widths":   {"NAME   AGE\nred    2m3s\nblue   7s", true},
		"another line":                        {"NAME AGE\nred 5s\ngreen 7s", false},
		"a line is missing":                   {"NAME AGE\nred 5s", false},
		"a line too many":                     {"NAME AGE\nred 5s\nblue 7s\ngreen 7s", false},
		"some lines left out at the end":      {"NAME AGE\n...", true},
		"some lines left out in between":      {"NAME AGE\n...\nblue 7s", true},
		"some lines left out at first":        {"...\nblue 7s", true},
		"nothing of a line that there is not": {"...\ngreen 7s\n...", false},
		"a last line that is not the last":    {"...\nred 5s", false},
		"nothing":                             {"", false},
	} {
		if got := compareWithGuide(strings.Split(tc.guide, "\n"), output) == ""; got != tc.same {
			t.Errorf("%s: alike %t, want %t", sentence, got, tc.same)
		}
	}
}

func TestExamplesWorkAsTheyAre(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	n := namespace{server: s, name: "default"}
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^kind: (\w+)$`).FindAllStringSubmatch(string(text), -1) {
			kinds = append(kinds, match[1])
		}
	}
	slices.Sort(kinds)
	if diff := cmp.Diff([]string{"LoadBalancer", "LoadBalancerRouting", "NATGateway", "Network", "NetworkInterface", "NetworkPolicy",
		"VirtualIP"}, slices.Compact(kinds)); diff != "" {
		t.Errorf("kinds of the examples (-want +got):\n%s", diff)
	}

	apply := func(args ...string) string {
		t.Helper()
		output, err := s.runKubectl(t, "", append(args, "-f", "../../examples")...)
		if err != nil || strings.Contains(output, "Warning") {
			t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
		}
		return output
	}
	apply("apply", "--dry-run=server")
	apply("apply")
	if got := apply("apply"); strings.Contains(got, "configured") {
		t.Errorf("the examples again change something:\n%s", got)
	}
	settles := func(args ...string) {
		t.Helper()
		poll(t, 2*patience, func() error {
			output, err := s.runKubectl(t, "", append([]string{"wait", "--timeout=20s"}, args...)...)
			if err != nil {
				return fmt.Errorf("%w: %s", err, output)
			}
			return nil
		})
	}
	settles("networks", "--all", "--all-namespaces", "--for=condition=Ready")
	settles("networkinterfaces", "nic", "machine-nic", "web-1", "web-2", "--for=condition=Ready")
	for _, network := range []string{"default/front", "default/back", "team-a/shop", "team-b/payments", "default/hub", "default/client"} {
		namespace, name, _ := strings.Cut(network, "/")
		settles("-n", namespace, "network", name, "--for=jsonpath={.status.peerings[0].phase}=Bound")
	}
	settles("loadbalancerrouting/web", "--for=jsonpath={.destinations[1].ip}=10.0.0.2")
	settles("virtualip/www", "--for=jsonpath={.spec.targetRef.name}=www")
	apply("delete", "--wait=false")
	poll(t, 2*patience, func() error {
		if left := n.kubectl(t, "get", "ironcore", "--all-namespaces", "-o", "name"); left != "" {
			return fmt.Errorf("after the deletion of all examples there are\n%s", left)
		}
		return nil
	})
}
