// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package clients tests the clients of docs/clients.md against a real server, and that the page shows them as they are.
package clients

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/yaml"

	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/race"
	"ironcore.dev/networking/test/standalone"
)

// patience is how long a client may take, on a machine that is busy with other tests.
const patience = 5 * time.Minute

func TestMain(m *testing.M) { os.Exit(race.Watch(m.Run)) }

func startServer(t *testing.T) *standalone.Server {
	t.Helper()
	program, err := standalone.Program("../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return standalone.ForTest(t, program)
}

// client returns a program that speaks to the server.
func client(t *testing.T, server *standalone.Server, name string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+server.Kubeconfig)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	return command, &output
}

func TestTheTypedClientPeersTwoNetworks(t *testing.T) {
	server := startServer(t)
	program := filepath.Join(t.TempDir(), "typed")
	if output, err := exec.Command("go", "build", "-o", program, "./typed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	command, output := client(t, server, program)
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if want := "front, peering back: Bound: This Network and default/back name each other and are available.\n"; !strings.HasSuffix(output.String(), want) {
		t.Errorf("the client printed\n%s\nand not at last\n%s", output, want)
	}
}

func TestAControllerSeesWhyPeeringsArePending(t *testing.T) {
	server := startServer(t)
	apply, said := client(t, server, "kubectl", "create", "-f-")
	apply.Stdin = strings.NewReader(`{"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "Network", "metadata": {"name": "one", "namespace": "default"},
		"spec": {"peerings": [{"name": "two", "networkRef": {"name": "two"}}]}}`)
	if err := apply.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	program := filepath.Join(t.TempDir(), "controller")
	if output, err := exec.Command("go", "build", "-o", program, "./controller").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	command, _ := client(t, server, program)
	printed, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	command.Stdout, command.Stderr = printed, printed
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Process.Kill(); _ = command.Wait() }()
	const want = "default/one, peering two: PeerNotFound: There is no Network two: create it, with a peering that names one."
	await.Success(t, time.Minute, func(context.Context) error {
		text, err := os.ReadFile(printed.Name())
		if err == nil && !strings.Contains(string(text), want) {
			err = fmt.Errorf("the controller printed\n%s\nwithout\n%s", text, want)
		}
		return err
	})
}

func TestThePythonClientMakesANetwork(t *testing.T) {
	pythons := []string{"python3", "/usr/bin/python3"} // The distribution's package is for the latter.
	has := slices.IndexFunc(pythons, func(python string) bool { return exec.Command(python, "-c", "import kubernetes").Run() == nil })
	if has < 0 {
		t.Skip("Python has no package kubernetes")
	}
	command, output := client(t, startServer(t), pythons[has], "networks.py")
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if want := "snake, peering nobody: Pending: There is no Network nobody: create it, with a peering that names snake.\n"; output.String() != want {
		t.Errorf("the client printed %q, want %q", output, want)
	}
}

// The same objects read the same in Argo CD, by health.lua, and in Flux, by its own rules.
func TestHealthInArgoCDAndFlux(t *testing.T) {
	const ready = `conditions: [{type: Available, status: "True"}, {type: Ready, status: "True", reason: Realized, message: fine, observedGeneration: 2}]`
	for sentence, tc := range map[string]struct {
		object     string
		argo, flux string
	}{
		"one that the server has not looked at": {
			object: "{kind: Network, metadata: {generation: 1}}",
			argo:   "Progressing", flux: "Current",
		},
		"one that is realized": {
			object: "{kind: Network, metadata: {generation: 2}, status: {observedGeneration: 2, state: Available, " + ready + "}}",
			argo:   "Healthy", flux: "Current",
		},
		"one whose newest spec waits for a decision": {
			object: "{kind: Network, metadata: {generation: 3}, status: {observedGeneration: 2, state: Available, " + ready + "}}",
			argo:   "Progressing", flux: "InProgress",
		},
		"one whose provider is at work": {
			object: `{kind: NetworkInterface, metadata: {generation: 1}, status: {observedGeneration: 1, state: Pending,
				conditions: [{type: Ready, status: "False", reason: Pending, message: soon, observedGeneration: 1}]}}`,
			argo: "Progressing", flux: "InProgress",
		},
		"one whose provider needs help": {
			object: `{kind: Network, metadata: {generation: 1}, status: {observedGeneration: 1, state: Error,
				conditions: [{type: Ready, status: "False", reason: Error, message: help, observedGeneration: 1}]}}`,
			argo: "Degraded", flux: "InProgress",
		},
		"a kind without a status": {
			object: "{kind: LoadBalancerRouting, metadata: {generation: 1}}",
			argo:   "Healthy", flux: "Current",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			json, err := yaml.YAMLToJSON([]byte(tc.object))
			if err != nil {
				t.Fatal(err)
			}
			var object unstructured.Unstructured
			if err := object.UnmarshalJSON(json); err != nil {
				t.Fatal(err)
			}
			object.SetAPIVersion("networking.ironcore.dev/v1alpha1")
			if got := argoHealth(t, object.Object); got != tc.argo {
				t.Errorf("Argo CD: %s, want %s", got, tc.argo)
			}
			result, err := status.Compute(&object)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(result.Status); got != tc.flux {
				t.Errorf("Flux: %s (%s), want %s", got, result.Message, tc.flux)
			}
		})
	}
}

// argoHealth runs health.lua as Argo CD does, with the object in obj.
func argoHealth(t *testing.T, object map[string]any) string {
	t.Helper()
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoFile("health.lua"); err != nil {
		t.Fatal(err)
	}
	return state.Get(-1).(*lua.LTable).RawGetString("status").String()
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	}
	return lua.LNil
}

// Each block of code in the page is a part of a file here.
func TestThePageShowsTheFiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"python": "networks.py", "lua": "health.lua", "hcl": "main.tf"}
	shown := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```(go|python|lua|hcl) ?([a-z/.]*)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		file := files[block[1]]
		if block[1] == "go" {
			file = block[2]
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), block[3]) {
			t.Errorf("docs/clients.md shows of %s what it does not hold:\n%s", file, block[3])
		}
		shown[file] = true
	}
	for _, file := range []string{"typed/main.go", "controller/main.go", "networks.py", "health.lua", "main.tf"} {
		if !shown[file] {
			t.Errorf("docs/clients.md does not show %s", file)
		}
	}
}

// A client is built without the server and what that needs: from the modules for clients, not from the server's.
func TestTheTypedClientNeedsNoServer(t *testing.T) {
	output, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./typed", "./controller").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	modules := strings.Fields(string(output))
	for _, heavy := range []string{"ironcore.dev/networking", "k8s.io/apiserver", "go.etcd.io/etcd/client/v3", "google.golang.org/grpc"} {
		if slices.Contains(modules, heavy) {
			t.Errorf("a client needs the module %s", heavy)
		}
	}
}

// A program need not be at the newest Go and Kubernetes to use the API: docs/clients.md says which versions are old enough.
func TestTheModulesForClientsAskForOldVersions(t *testing.T) {
	for _, module := range []string{"apis", "pkg/client"} {
		list := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.GoVersion}} {{.Version}}", "ironcore.dev/networking/"+module, "k8s.io/apimachinery")
		list.Dir = "../../" + module
		output, err := list.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		for _, want := range []string{"ironcore.dev/networking/" + module + " 1.25.0 ", "k8s.io/apimachinery 1.25.0 v0.35."} {
			if !strings.Contains(string(output), want) {
				t.Errorf("%s asks for\n%s, which has no %q", module, output, want)
			}
		}
	}
}
