// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// kubectl network, as users run it: by kubectl, against the real server.
package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/memory"
	"ironcore.dev/networking/test/race"
)

// pluginDir is the folder with kubectl-network and the link that kubectl completes by. The program is taken from beside the
// server's, or built.
var pluginDir = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp(filepath.Dir(shared.Dir), "plugin-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "kubectl-network")
	if beside := filepath.Join(filepath.Dir(race.Plain(networkAPIServer)), "kubectl-network"); os.Getenv("NETWORK_APISERVER_BIN") != "" {
		err = os.Symlink(beside, program)
	} else {
		err = runQuietly("go", "build", "-o", program, "../../cmd/kubectl-network")
	}
	return dir, errors.Join(err, os.Symlink(program, filepath.Join(dir, "kubectl_complete-network")))
})

// outcome is what a command printed.
type outcome struct {
	stdout, stderr string
	err            error
}

// shell runs a command line as a user does, with the plugin in the path.
func (n namespace) shell(t *testing.T, line string) outcome {
	t.Helper()
	return n.program(t, "/bin/sh", "-c", line)
}

// network runs kubectl network in the namespace, without the way through kubectl, which takes longer than the rest.
func (n namespace) network(t *testing.T, args ...string) outcome {
	t.Helper()
	dir, err := pluginDir()
	if err != nil {
		t.Fatal(err)
	}
	return n.program(t, filepath.Join(dir, "kubectl-network"), append(args, "--namespace="+n.name)...)
}

func (n namespace) program(t *testing.T, path string, args ...string) outcome {
	t.Helper()
	dir, err := pluginDir()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, path, args...)
	command.Env = append(n.kubectlCommand(ctx).Env, "PATH="+dir+":"+filepath.Dir(kubectl)+":"+os.Getenv("PATH"))
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	return outcome{stdout.String(), stderr.String(), err}
}

// must returns what kubectl network printed, which must succeed.
func (n namespace) must(t *testing.T, args ...string) string {
	t.Helper()
	got := n.network(t, args...)
	if got.err != nil {
		t.Fatalf("kubectl network %s: %v\n%s%s", strings.Join(args, " "), got.err, got.stdout, got.stderr)
	}
	return got.stdout
}

// fails returns the one line that kubectl network says when it fails.
func (n namespace) fails(t *testing.T, args ...string) string {
	t.Helper()
	got := n.network(t, args...)
	if got.err == nil || !strings.HasPrefix(got.stderr, "error: ") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("kubectl network %s: %v, want one line that begins with \"error: \"\n%s%s",
			strings.Join(args, " "), got.err, got.stdout, got.stderr)
	}
	return strings.TrimSpace(strings.TrimPrefix(got.stderr, "error: "))
}

func checkEqual(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// line returns the line of a text that begins so.
func line(t *testing.T, text, begin string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, begin) {
			return strings.TrimSpace(line)
		}
	}
	t.Fatalf("no line begins with %q in\n%s", begin, text)
	return ""
}

// askingAndAsked returns two namespaces, with the Networks red and blue.
func askingAndAsked(t *testing.T) (a, b namespace) {
	t.Helper()
	a, b = newNamespace(t, shared), newNamespace(t, shared)
	a.create(t, newNetwork("red"))
	b.create(t, newNetwork("blue"))
	a.await(t, "red", available)
	b.await(t, "blue", available)
	return a, b
}

func TestThePluginLeadsTwoOwnersToABoundPeeringAndBack(t *testing.T) {
	t.Parallel()
	a, b := askingAndAsked(t)

	asked := a.must(t, "peer", "red", b.name+"/blue", "--prefix=10.0.0.0/24")
	checkContains(t, asked, "network.networking.ironcore.dev/red patched\n  + peering blue: "+b.name+"/blue may reach 10.0.0.0/24\n")
	checkContains(t, b.must(t, "requests"), "blue      "+a.name+"/red")
	checkContains(t, b.must(t, "requests", "blue"), "10.0.0.0/24")
	checkContains(t, a.must(t, "topology", "-A"), "→ "+b.name+"/blue")
	checkContains(t, b.must(t, "topology"), "← "+a.name+"/red  Request  PeeringNotAccepted")

	accept := line(t, asked, "  kubectl network accept")
	if got := a.shell(t, accept+" --wait"); got.err != nil || !strings.Contains(got.stdout, "The peering red is Bound.") {
		t.Fatalf("%s: %v\n%s%s", accept, got.err, got.stdout, got.stderr)
	}
	a.await(t, "red", boundTo(b.get(t, "blue")))
	fields := strings.Fields(line(t, a.must(t, "peerings"), "red"))
	if len(fields) != 7 || fields[2] != b.name+"/blue" || fields[3] != "Bound" || fields[6] != "Bound" {
		t.Errorf("peerings printed %q", fields)
	}
	checkContains(t, a.must(t, "topology"), "↔ "+b.name+"/blue  Bound")
	checkContains(t, a.must(t, "peer", "red", b.name+"/blue"), "red unchanged", "name each other and are available")

	checkContains(t, a.must(t, "peer", "red", b.name+"/blue", "--prefix=10.1.0.0/24", "--prefix=ten=10.2.0.0/24"),
		"- peering blue: "+b.name+"/blue may reach 10.0.0.0/24", "+ peering blue: "+b.name+"/blue may reach 10.1.0.0/24, 10.2.0.0/24")
	if got := a.get(t, "red").Spec.Peerings[0].Prefixes; len(got) != 2 || got[1].Name != "ten" {
		t.Errorf("the peering exposes %v", got)
	}

	checkContains(t, b.must(t, "unpeer", "blue", a.name+"/red"), "- peering red: "+a.name+"/red may reach everything")
	a.await(t, "red", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted))
	if peerings := b.get(t, "blue").Spec.Peerings; len(peerings) > 0 {
		t.Errorf("blue still has %v", peerings)
	}
}

func TestThePluginPrintsACommandForThoseWithoutIt(t *testing.T) {
	t.Parallel()
	a, b := askingAndAsked(t)
	patch := line(t, a.must(t, "peer", "red", b.name+"/blue"), "  kubectl patch")
	if got := a.shell(t, patch); got.err != nil {
		t.Fatalf("%s: %v\n%s", patch, got.err, got.stderr)
	}
	a.await(t, "red", boundTo(b.get(t, "blue")))
}

func TestThePluginLeavesThePeeringsOfOthersAlone(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	manifest := `{"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "Network", "metadata": {"name": "red"},
		"spec": {"peerings": [{"name": "one", "networkRef": {"name": "one"}}, {"name": "two", "networkRef": {"name": "two"}}]}}`
	apply := func() {
		n.kubectlWithInput(t, manifest, "apply", "--server-side", "--field-manager=argocd", "-f", "-")
	}
	check := func(want ...string) {
		t.Helper()
		names := map[string]bool{}
		for _, peering := range n.get(t, "red").Spec.Peerings {
			names[peering.Name] = true
		}
		if len(names) != len(want) {
			t.Errorf("red has the peerings %v, want %v", names, want)
		}
		for _, name := range want {
			if !names[name] {
				t.Errorf("red has the peerings %v, want %v", names, want)
			}
		}
	}
	apply()
	n.must(t, "peer", "red", "three")
	n.must(t, "peer", "red", "four")
	check("one", "two", "three", "four")
	apply()
	check("one", "two", "three", "four")
	n.must(t, "unpeer", "red", "three")
	check("one", "two", "four")
	got := n.network(t, "unpeer", "red", "one")
	checkEqual(t, got.stderr, "Warning: argocd applies the peering one and may bring it back: remove it from its manifest too\n")
	check("two", "four")
}

func TestManyUsersOfThePluginPeerOneNetworkAtOnce(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("red"))
	var users sync.WaitGroup
	for i := range 6 {
		users.Go(func() {
			if got := n.network(t, "peer", "red", fmt.Sprintf("other-%d", i)); got.err != nil {
				t.Errorf("user %d: %v: %s", i, got.err, got.stderr)
			}
		})
	}
	users.Wait()
	if got := len(n.get(t, "red").Spec.Peerings); got != 6 {
		t.Errorf("red has %d peerings, want 6", got)
	}
}

func TestThePluginDeclinesForGoodUntilItAccepts(t *testing.T) {
	t.Parallel()
	a, b := askingAndAsked(t)
	a.must(t, "peer", "red", b.name+"/blue")
	checkContains(t, b.must(t, "decline", "blue", a.name+"/red"), "+ declines "+a.name+"/red")
	checkContains(t, b.must(t, "decline", "blue", a.name+"/red"), "blue unchanged")
	if got := b.network(t, "requests"); got.stdout != "" || got.stderr != "Nobody asks for a peering.\n" || got.err != nil {
		t.Errorf("requests after the refusal: %+v", got)
	}
	a.await(t, "red", pendingFor(v1alpha1.PeeringReasonPeeringDeclined))
	checkContains(t, a.fails(t, "peer", "red", b.name+"/blue", "--wait"), "declined this peering")

	checkContains(t, b.must(t, "accept", "blue", a.name+"/red", "--wait"),
		"- declines "+a.name+"/red", "+ peering red: "+a.name+"/red may reach everything")
	if _, found := b.get(t, "blue").Annotations[v1alpha1.DeclinedPeeringsAnnotation]; found {
		t.Error("the annotation stays")
	}
}

func TestADryRunOfThePluginStoresNothing(t *testing.T) {
	t.Parallel()
	a, b := askingAndAsked(t)
	a.must(t, "peer", "red", b.name+"/blue")
	red, blue := a.await(t, "red", pendingFor(v1alpha1.PeeringReasonPeeringNotAccepted)), b.get(t, "blue")
	for mode, note := range map[string]string{
		"--dry-run": " (dry run)", "--dry-run=client": " (dry run)", "--dry-run=server": " (server dry run)",
	} {
		checkContains(t, a.must(t, "peer", "red", "green", mode), "red patched"+note+"\n  + peering green")
		checkContains(t, a.must(t, "unpeer", "red", b.name+"/blue", mode), "red patched"+note+"\n  - peering blue")
		checkContains(t, b.must(t, "accept", "blue", a.name+"/red", mode), "blue patched"+note+"\n  + peering red")
		checkContains(t, b.must(t, "decline", "blue", a.name+"/red", mode), "blue patched"+note+"\n  + declines")
	}
	if a.get(t, "red").ResourceVersion != red.ResourceVersion || b.get(t, "blue").ResourceVersion != blue.ResourceVersion {
		t.Error("a dry run wrote")
	}
}

func TestThePluginFindsWhoHasAnAddress(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("red"))
	n.kubectlWithInput(t, `{"apiVersion": "networking.ironcore.dev/v1alpha1", "kind": "NetworkInterface", "metadata": {"name": "nic"},
		"spec": {"networkRef": {"name": "red"}, "ips": [{"value": "10.0.0.1"}]}}`, "apply", "-f", "-")
	n.kubectl(t, "wait", "--for=jsonpath={.status.state}=Available", "nic/nic")
	checkContains(t, n.must(t, "who-has", "10.0.0.1"), "red       NetworkInterface   nic    10.0.0.1   in force")
	checkContains(t, n.must(t, "topology"), "nic nic  10.0.0.1  Available")
	checkEqual(t, n.fails(t, "who-has", "10.0.0.2"), "nothing uses 10.0.0.2 in namespace "+n.name+": -A looks in all")
}

func TestThePluginDrawsInEveryFormat(t *testing.T) {
	t.Parallel()
	a, b := askingAndAsked(t)
	a.must(t, "peer", "red", b.name+"/blue")
	checkContains(t, a.must(t, "topology", "-o", "dot"), "digraph", a.name+"/red", b.name+"/blue")
	checkContains(t, a.must(t, "topology", "-o", "svg"), "<svg", ">red</text>")
	if image, err := png.Decode(strings.NewReader(a.must(t, "topology", "-o", "png"))); err != nil || image.Bounds().Dx() < 100 {
		t.Errorf("the PNG is %v, %v", image, err)
	}
	var drawn struct {
		Networks []struct{ ID string }
		Peerings []struct{ From, To, Kind string }
	}
	if err := json.Unmarshal([]byte(a.must(t, "topology", "-o", "json")), &drawn); err != nil {
		t.Fatal(err)
	}
	if len(drawn.Networks) != 2 || len(drawn.Peerings) != 1 || drawn.Peerings[0].Kind != "Request" {
		t.Errorf("the JSON is %+v", drawn)
	}
}

func TestTheDoctorNamesWhatIsWrongAndTheCommand(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t))
	n.create(t, newNetwork("red"))
	n.await(t, "red", available)
	checkContains(t, n.must(t, "doctor"),
		"OK       APIService    the server stands alone and answers",
		"OK       certificates  the server's certificate is good for",
		"OK       certificates  your own certificate is good for",
		"OK       leader        the server runs the controllers",
		"OK       provider      Networks realized: 1 by local")

	n.must(t, "peer", "red", "blue")
	n.must(t, "peer", "red", "far/green")
	poll(t, patience, func() error {
		got := n.network(t, "doctor", "-A")
		for _, want := range []string{"peering green is Pending: PeeringNotAccepted",
			"kubectl network accept green " + n.name + "/red -n far", "peering blue is Pending: PeerNotFound",
			"kubectl network unpeer red " + n.name + "/blue -n " + n.name} {
			if !strings.Contains(got.stdout, want) {
				return fmt.Errorf("%q is missing in\n%s", want, got.stdout)
			}
		}
		if got.stderr != "error: problems: 1\n" {
			return fmt.Errorf("the doctor ended with %q", got.stderr)
		}
		return nil
	})
}

// The page may be open for days. Each drawing of 300 Networks took half a megabyte for good.
func TestThePageOfThePluginTakesNoMoreMemoryWithEachDrawing(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t))
	for i := range 300 {
		n.create(t, newNetwork(fmt.Sprintf("net-%d", i)))
	}
	dir, err := pluginDir()
	if err != nil {
		t.Fatal(err)
	}
	ui := exec.CommandContext(t.Context(), filepath.Join(dir, "kubectl-network"), "ui", "--namespace="+n.name)
	ui.Env = append(n.kubectlCommand(t.Context()).Env, "GOGC=10") // garbage is not what is measured
	out, err := ui.StdoutPipe()
	if err := errors.Join(err, ui.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ui.Wait() }) // The context has ended it.
	var url string
	if _, err := fmt.Fscanf(out, "Open %s", &url); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"frames", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	frames := bufio.NewReader(answer.Body)
	var before int
	const first, last, most = 5, 30, 5 << 20
	for frame := range last {
		if _, err := frames.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if _, err := frames.ReadString('\n'); err != nil { // An empty line ends a frame.
			t.Fatal(err)
		}
		if frame == first {
			before = memory.Of(t, ui.Process.Pid, "RssAnon")
		}
		n.setPeerings(t, "net-0", to(fmt.Sprintf("net-%d", frame+1)))
	}
	if grown := memory.Of(t, ui.Process.Pid, "RssAnon") - before; grown > most {
		t.Errorf("%d drawings take %d KiB more, want at most %d KiB", last-first, grown>>10, most>>10)
	} else {
		t.Logf("%d drawings take %d KiB more", last-first, grown>>10)
	}
}

func TestKubectlCompletesThePlugin(t *testing.T) {
	t.Parallel()
	a, b := askingAndAsked(t)
	a.must(t, "peer", "red", b.name+"/blue")
	for typed, want := range map[string]string{
		"network pee":                            "peer\t",
		"network peerings -n " + a.name + " ":    "red\n",
		"network accept -n " + b.name + " blue ": a.name + "/red\n",
		"network unpeer -n " + a.name + " red ":  b.name + "/blue\n",
		"network peer -n " + a.name + " red ":    b.name + "/blue\n",
		"network topology -o ":                   "svg\n",
		"network peer --dry-run=":                "server\n",
	} {
		got := a.program(t, kubectl, append([]string{"__complete"}, strings.Split(typed, " ")...)...)
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is completed by\n%s\nwithout %q", typed, got.stdout, want)
		}
	}
}

// everyCommand is one of each, which would work.
func everyCommand() [][]string {
	return [][]string{
		{"peer", "red", "far/blue"}, {"unpeer", "red", "far/blue"}, {"requests"}, {"requests", "red"}, {"accept", "red", "far/blue"},
		{"decline", "red", "far/blue"}, {"peerings"}, {"peerings", "red"}, {"topology"}, {"topology", "-A", "-o", "svg"},
		{"who-has", "10.0.0.1"}, {"doctor"}, {"ui"}, {"ui", "-A"},
	}
}

func TestEveryCommandSaysInOneLineThatTheUserMayNot(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("red"))
	for _, args := range everyCommand() {
		way := "kubectl auth can-i --list"
		if slices.Contains(args, "-A") {
			way = "without -A"
		}
		checkContains(t, n.fails(t, append(args, "--as=nobody")...), `User "nobody" cannot `, way)
		checkContains(t, n.fails(t, append(args, "--kubeconfig="+withoutCredentials(t, n))...), "these credentials", "kubectl auth whoami")
	}
}

// withoutCredentials returns a kubeconfig of the server for nobody it knows.
func withoutCredentials(t *testing.T, n namespace) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	config := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": [{"name": "c", "cluster": {"server": %q, "insecure-skip-tls-verify": true}}],
		"users": [{"name": "c", "user": {"token": "unknown"}}],
		"contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]}`, n.config(t).Host)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEveryCommandSaysInOneLineThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t))
	n.stop(t)
	for _, args := range everyCommand() {
		checkContains(t, n.fails(t, args...), n.config(t).Host, "does not answer", "connection refused", "does the server run")
	}
}

func TestEveryCommandRefusesBadInputInOneLine(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.create(t, newNetwork("red"))
	noNetwork := fmt.Sprintf("there is no Network \"none\" in namespace %s: kubectl get networks -n %[1]s lists those that there are", n.name)
	for args, want := range map[string]string{
		"bogus":                                `there is no command "bogus": see kubectl network --help`,
		"peer red":                             "kubectl network peer takes NETWORK and [NAMESPACE/]NETWORK, and was given \"red\"; see kubectl network peer --help",
		"peer red a/b/c":                       `"a/b/c" is not the name of a Network: write NAME or NAMESPACE/NAME`,
		"peer red red":                         "red can't peer with itself: name another one",
		"peer none blue":                       noNetwork,
		"peer red blue --prefix=10.0.0.1/24":   `--prefix "10.0.0.1/24" is not in canonical form: write 10.0.0.0/24`,
		"peer red blue --dry-run=maybe":        `invalid argument "maybe" for "--dry-run" flag: must be none, client or server; see kubectl network peer --help`,
		"peer red blue --wait --dry-run":       "--wait and --dry-run exclude each other: a dry run changes nothing",
		"peer red blue --wait --timeout=300ms": "the peering with " + n.name + "/blue is not Bound after 300ms",
		"peer red blue --timeout=3s":           "--timeout has no effect without --wait: give both or none",
		"peer red blue --wait --timeout=-3s":   "--timeout -3s leaves no time to wait: give more than 0, for instance 30s",
		"accept red blue --name=Bad_Name":      `--name "Bad_Name" can't be the name of a peering: names have lower-case letters, digits, '-' and '.'`,
		"peer red blue --prefix=A=10.0.0.0/24": `--prefix "A=10.0.0.0/24": "A" can't be the name of a range: names have`,
		"peer red blue --prefix=a=10.0.0.0/24 --prefix=a=10.1.0.0/24": "--prefix gives two ranges the name a: write --prefix NAME=10.1.0.0/24",
		"peer far/red blue":           `"far/red" is not a name: write red -n far`,
		"unpeer Red blue":             `no Network can be called "Red"`,
		"requests far/red":            `"far/red" is not a name: write red -n far`,
		"peerings red/":               `no Network can be called "red/"`,
		"peer red Blue":               `no Network can be called "Blue"`,
		"decline red team-b/Blue":     `no Network can be called "team-b/Blue"`,
		"unpeer red green":            "red has no peering with " + n.name + "/green: kubectl network peerings red -n " + n.name,
		"accept red green":            n.name + "/green does not ask for a peering with red: kubectl network peer red " + n.name + "/green",
		"accept none green":           noNetwork,
		"decline none green":          noNetwork,
		"decline red red":             "a Network can't decline itself: name another one",
		"requests none":               noNetwork,
		"requests red -A":             "names of Networks and --all-namespaces exclude each other",
		"peerings none":               noNetwork,
		"peerings red -A":             "names of Networks and --all-namespaces exclude each other",
		"topology -o gif":             `--output "gif" is not a format: choose one of tree, dot, svg, png, json`,
		"who-has me":                  `"me" is not an address: write one like 10.0.0.1 or 2001:db8::1`,
		"ui --port=70000":             "--port 70000 is not a port: choose one from 1 to 65535, or 0 for any that is free",
		"ui --port=1 -n x y":          `kubectl network ui takes no arguments, and was given "y"; see kubectl network ui --help`,
		"doctor now":                  `kubectl network doctor takes no arguments, and was given "now"; see kubectl network doctor --help`,
		"peerings --context=none":     `context "none" does not exist: kubectl config get-contexts`,
		"peerings --kubeconfig=/none": "stat /none: no such file or directory: kubectl config get-contexts",
		"peerings --nonsense":         "unknown flag: --nonsense; see kubectl network peerings --help",
	} {
		checkContains(t, n.fails(t, strings.Fields(args)...), want)
	}
}
