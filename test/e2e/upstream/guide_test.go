// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/e2e/cluster"
)

// guide is docs/migrate.md: its commands, by the heading or the step that they follow.
type guide struct {
	text   string
	blocks map[string]string
}

var (
	heading = regexp.MustCompile(`(?m)^(?:## (.*)|\*\*(\d+)\. .*)$`)
	fence   = regexp.MustCompile("(?ms)^```bash\n(.*?)^```$")
)

func readGuide(t *testing.T) guide {
	t.Helper()
	data, err := os.ReadFile("../../../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	g := guide{text: string(data), blocks: map[string]string{}}
	places := heading.FindAllStringSubmatchIndex(g.text, -1)
	names, begins := []string{""}, []int{0}
	for _, place := range places {
		name := ""
		for _, group := range []int{2, 4} {
			if place[group] >= 0 {
				name = g.text[place[group]:place[group+1]]
			}
		}
		names, begins = append(names, name), append(begins, place[0])
	}
	begins = append(begins, len(g.text))
	for i, name := range names {
		for n, block := range fence.FindAllStringSubmatch(g.text[begins[i]:begins[i+1]], -1) {
			g.blocks[fmt.Sprintf("%s/%d", name, n+1)] = block[1]
		}
	}
	return g
}

// terminal is where the commands are typed.
type terminal struct {
	dir string
	env []string
	// replaced are words of the guide, and what they are here, in turn.
	replaced *strings.Replacer
}

// run types commands, but for those of helm: there are no Pods here.
func (c *terminal) run(t *testing.T, commands string) string {
	t.Helper()
	output, err := c.try(t, commands)
	if err != nil {
		t.Fatalf("%v\n%s\nprinted\n%s", err, commands, output)
	}
	return output
}

var helm = regexp.MustCompile(`(?m)^helm (?:.*\\\n)*.*\n`)

func (c *terminal) try(t *testing.T, commands string) (string, error) {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "bash", "-euc", c.replaced.Replace(helm.ReplaceAllString(commands, "")))
	shell.Dir, shell.Env = c.dir, c.env
	output, err := shell.CombinedOutput()
	return string(output), err
}

// newTerminal has the programs of the guide on its PATH, and the administrator's kubeconfig at home.
func newTerminal(t *testing.T, etcd *cluster.Etcd, replaced ...string) *terminal {
	t.Helper()
	home := t.TempDir()
	programs := filepath.Join(home, "bin")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", programs+"/", "go.etcd.io/etcd/etcdctl/v3", "go.etcd.io/etcd/etcdutl/v3")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building etcdctl and etcdutl: %v\n%s", err, output)
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := os.ReadFile(shared.Admin.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(home, ".kube"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".kube", "config"), kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	path := strings.Join([]string{programs, filepath.Join(root, "bin"), os.Getenv("PATH"), filepath.Join(root, "bin", "kubernetes")}, ":")
	return &terminal{
		dir: t.TempDir(), replaced: strings.NewReplacer(replaced...),
		env: append(etcd.Environment(), "HOME="+home, "PATH="+path, "PREFIX="+prefix),
	}
}

func TestTheCommandsOfTheGuideWorkOnTheSnapshot(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("there is no jq, which the guide uses")
	}
	g := readGuide(t)
	i := restore(t)
	theirs := i.serve(t, "--controllers=") // It stands for the other server: it reads the same and writes nothing.
	ours := i.serve(t, "--controllers=", "--storage-media-type=application/json")
	port := func(s *served) string {
		address, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		return address.Port()
	}
	terminal := newTerminal(t, i.etcd, "https://127.0.0.1:6443", ours.URL, `"port":443`, `"port":`+port(ours), "--timeout=1m", "--timeout=2m")
	const apiService = "kubectl get apiservice " + cluster.APIService + " -o jsonpath='{.spec.service.port}'"

	// The cluster as it is before: the APIService leads to the other server.
	terminal.run(t, `kubectl create namespace ironcore-system
kubectl -n ironcore-system create service externalname ironcore-apiserver --external-name=localhost
kubectl create -f - <<EOF
{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"`+cluster.APIService+`"},
 "spec":{"group":"networking.ironcore.dev","version":"v1alpha1","groupPriorityMinimum":1000,"versionPriority":15,"insecureSkipTLSVerify":true,
 "service":{"namespace":"ironcore-system","name":"ironcore-apiserver","port":`+port(theirs)+`}}}
EOF
kubectl wait --for=condition=Available apiservice/`+cluster.APIService+` --timeout=2m`)

	terminal.run(t, g.blocks["1/1"])
	// Step 3, and what the installation brings.
	terminal.run(t, "cp $ETCDCTL_CACERT ca.crt; cp $ETCDCTL_CERT tls.crt; cp $ETCDCTL_KEY tls.key")
	terminal.run(t, g.blocks["3/1"])
	terminal.run(t, fmt.Sprintf(`kubectl -n network-system create service externalname network-apiserver --external-name=localhost
kubectl -n network-system create -f - <<EOF
{"apiVersion":"v1","kind":"Secret","metadata":{"name":"network-apiserver-serving-cert"},"data":{"ca.crt":%q}}
EOF`, base64.StdEncoding.EncodeToString(shared.ServingCA())))

	const same = "47 objects there, 47 here: 0 differences, 0 additions\n"
	if !strings.Contains(g.text, "```\n"+same+"```") {
		t.Errorf("the guide does not say %q", same)
	}
	if printed := terminal.run(t, g.blocks["4/1"]); printed != same {
		t.Errorf("compare printed %q, want %q", printed, same)
	}

	// Its controllers start. A server on the backup shows what they did.
	backup := restoreFrom(t, filepath.Join(terminal.dir, "before.db"), "backup").serve(t, "--controllers=")
	if err := ours.Stop(); err != nil {
		t.Fatal(err)
	}
	ours.AddFlags("--controllers=*")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := ours.Start(ctx); err != nil {
		t.Fatal(err)
	}
	ours.awaitDecisions(t)
	terminal.run(t, `jq '.clusters[0].cluster.server="`+backup.URL+`"' new.kubeconfig > backup.kubeconfig`)
	printed, err := terminal.try(t, "network-apiserver compare backup.kubeconfig new.kubeconfig")
	if told := fmt.Sprintf("%d differences", len(decided)); err == nil || !strings.Contains(printed, ": "+told+", ") ||
		!strings.Contains(g.text, told) {
		t.Errorf("the guide and compare do not both tell of %s, but: %s", told, printed)
	}
	if printed := terminal.run(t, g.blocks["6/1"]); !strings.Contains(printed, "net-a") {
		t.Errorf("after the switch there are\n%s", printed)
	}
	if got := terminal.run(t, apiService); got != port(ours) {
		t.Errorf("the APIService leads to %s, want %s", got, port(ours))
	}

	// A Network whose deletion waits is told of, before the way back.
	networks := ours.client.Resource(v1alpha1.SchemeGroupVersion.WithResource("networks"))
	if err := networks.Namespace("t1").Delete(t.Context(), "net-a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if printed := terminal.run(t, g.blocks["Go back/2"]); !strings.Contains("\n"+printed, "\nt1 net-a\n") {
		t.Errorf("of the Networks in deletion the guide's command prints %q", printed)
	}
	terminal.run(t, g.blocks["Go back/1"])
	if got := terminal.run(t, apiService); got != port(theirs) {
		t.Errorf("the APIService leads to %s, want %s again", got, port(theirs))
	}

	// What the other server wrote as protobuf, ours writes as JSON again, through the APIService.
	if _, err := theirs.client.Resource(v1alpha1.SchemeGroupVersion.WithResource("networks")).Namespace("t1").Patch(
		t.Context(), "net-b", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(g.blocks["Go back/3"], "\n")
	count := lines[len(lines)-2]
	if got := strings.TrimSpace(terminal.run(t, count)); got == "0" {
		t.Error("nothing is protobuf, though a server wrote it")
	}
	terminal.run(t, g.blocks["6/1"])
	if got := lastLine(terminal.run(t, g.blocks["Go back/3"])); got != "0" {
		t.Errorf("the guide's command counts %s objects as protobuf, want 0", got)
	}
	terminal.run(t, "kubectl delete apiservice "+cluster.APIService)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// The chart of the guide is the one of this tree, and takes the guide's values.
func TestTheChartTakesTheValuesOfTheGuide(t *testing.T) {
	g := readGuide(t)
	data, err := os.ReadFile("../../../deploy/charts/network-apiserver/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^version: (.*)$`).FindStringSubmatch(string(data))[1]
	exports := g.blocks["/1"]
	if chart := "network-apiserver-chart-v" + version + ".tgz"; !strings.Contains(exports, chart) {
		t.Errorf("the guide does not name %s", chart)
	}
	program, err := filepath.Abs("../../../bin/tools/helm")
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), "../../../hack/helm/build.sh").CombinedOutput(); err != nil {
		t.Fatalf("building helm: %v\n%s", err, output)
	}
	for _, block := range []string{"3/1", "5/1"} {
		for _, command := range helm.FindAllString(g.blocks[block], -1) {
			command = regexp.MustCompile(`^helm (install|upgrade)`).ReplaceAllString(command, program+" template")
			command = strings.NewReplacer("$CHART", "../../../deploy/charts/network-apiserver", "--reuse-values", "").Replace(command)
			output, err := exec.CommandContext(t.Context(), "bash", "-euc", exports+command).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s\n%s", err, command, output)
			}
			for _, wanted := range []string{"--storage-media-type=application/json"} {
				if !strings.Contains(string(output), wanted) {
					t.Errorf("the Deployment lacks %s", wanted)
				}
			}
			if block == "3/1" && (!strings.Contains(string(output), "--etcd-prefix="+prefix) ||
				!strings.Contains(string(output), "--etcd-servers=https://etcd.ironcore-system.svc:2379") ||
				strings.Contains(string(output), "kind: APIService")) {
				t.Errorf("the installation is not as the guide says:\n%s", output)
			}
		}
	}
}
