// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

const (
	sampleFile  = "testdata/network-sample.yaml"
	sample2File = "testdata/network-sample2.yaml"
)

// Not parallel: it holds the server to its promise of two seconds.
func TestKubectlTakesTwoNetworksFromManifestsToBoundAndBack(t *testing.T) {
	n := newNamespace(t, measuredServer(t))
	n.kubectl(t, "apply", "-f", sampleFile)
	n.kubectl(t, "wait", "--for=jsonpath={.status.peerings[0].reason}=PeerNotFound", "network/network-sample")

	applied := time.Now()
	n.kubectl(t, "apply", "-f", sample2File)
	n.kubectl(t, "wait", "--for=jsonpath={.status.peerings[0].phase}=Bound", "network", "--all", "--timeout=10s")
	if took := time.Since(applied); took > 2*time.Second {
		t.Errorf("the Networks were Bound %s after the second one was applied, want 2 s at most", took)
	}
	n.kubectl(t, "wait", "--for=condition=Available", "network", "--all", "--timeout=10s")
	n.kubectl(t, "wait", "--for=condition=Peered", "network", "--all", "--timeout=10s")

	sample, sample2 := n.get(t, "network-sample"), n.get(t, "network-sample2")
	checkTable(t, n.kubectl(t, "get", "networks"),
		"NAME STATE PEERINGS AGE",
		"network-sample Available 1/1 AGE",
		"network-sample2 Available 1/1 AGE")
	checkTable(t, n.kubectl(t, "get", "net", "-o", "wide"),
		"NAME STATE PEERINGS AGE PROVIDER ID INTERFACES PENDING REASON REQUESTS",
		"network-sample Available 1/1 AGE "+sample.Spec.ProviderID+" 0 <none> 0",
		"network-sample2 Available 1/1 AGE "+sample2.Spec.ProviderID+" 0 <none> 0")
	if got := n.kubectl(t, "get", "ironcore", "-o", "name"); got !=
		"network.networking.ironcore.dev/network-sample\nnetwork.networking.ironcore.dev/network-sample2\n" {
		t.Errorf("kubectl get ironcore printed\n%s", got)
	}
	checkContains(t, n.kubectl(t, "describe", "network", "network-sample"),
		"Phase:        Bound", "UID:        "+string(sample2.UID), "1 of 1 peerings bound.")

	n.kubectl(t, "delete", "network", "network-sample2")
	n.kubectl(t, "wait", "--for=jsonpath={.status.peerings[0].phase}=Pending", "network/network-sample", "--timeout=10s")
	checkTable(t, n.kubectl(t, "get", "network", "-o", "wide"),
		"NAME STATE PEERINGS AGE PROVIDER ID INTERFACES PENDING REASON REQUESTS",
		"network-sample Available 0/1 AGE "+sample.Spec.ProviderID+" 0 PeerNotFound 0")
	if claims := n.get(t, "network-sample").Spec.IncomingPeerings; len(claims) > 0 {
		t.Errorf("spec.incomingPeerings still has %v", claims)
	}
	checkContains(t, n.kubectl(t, "describe", "network", "network-sample"),
		"There is no Network network-sample2: create it, with a peering that names network-sample.")
}

func TestTheWideColumnsTellHowManyAsk(t *testing.T) {
	t.Parallel()
	a, b := askingAndAsked(t)
	showsRequests := func(want string) {
		t.Helper()
		poll(t, patience, func() error {
			if cells := strings.Fields(b.kubectl(t, "get", "network", "blue", "-o", "wide", "--no-headers")); cells[len(cells)-1] != want {
				return fmt.Errorf("the last column of %q is not %s", cells, want)
			}
			return nil
		})
	}
	showsRequests("0")
	a.create(t, newNetwork("pink"))
	a.must(t, "peer", "red", b.name+"/blue")
	a.must(t, "peer", "pink", b.name+"/blue")
	showsRequests("2")
	b.must(t, "decline", "blue", a.name+"/pink")
	showsRequests("1")
	b.must(t, "accept", "blue", a.name+"/red")
	showsRequests("0")
}

func TestKubectlExplainsTheFields(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	checkContains(t, n.kubectl(t, "explain", "network"), "KIND:       Network", "VERSION:    v1alpha1")
	checkContains(t, n.kubectl(t, "explain", "network.spec.peerings.networkRef"),
		"name\t<string> -required-", "uid\t<string>", "namespace\t<string>")
	checkContains(t, n.kubectl(t, "explain", "net.status.peerings.phase"), "ENUM:", "Bound", "Pending")
}

func TestKubectlSelectsByEachField(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	for _, name := range []string{"a", "b"} {
		n.create(t, newNetwork(name))
		n.await(t, name, available)
	}
	for selector, want := range map[string][]string{
		"metadata.name=a": {"a"},
		"spec.providerID=" + n.get(t, "b").Spec.ProviderID: {"b"},
		"spec.providerID=local://none":                     nil,
		"status.state=Available":                           {"a", "b"},
		"status.state=Error":                               nil,
		"status.state=Available,metadata.name!=a":          {"b"},
	} {
		got := strings.Fields(n.kubectl(t, "get", "networks", "--field-selector="+selector,
			"-o", "jsonpath={.items[*].metadata.name}"))
		if !slices.Equal(got, want) {
			t.Errorf("--field-selector=%s selected %q, want %q", selector, got, want)
		}
	}
	got := n.kubectl(t, "get", "networks", "--all-namespaces", "--field-selector=metadata.namespace="+n.name,
		"-o", "jsonpath={.items[*].metadata.name}")
	if got != "a b" {
		t.Errorf("--field-selector=metadata.namespace=%s selected %q, want %q", n.name, got, "a b")
	}
	checkContains(t, n.kubectlFails(t, "get", "networks", "--field-selector=spec.other=x"),
		"field label not supported: spec.other; "+
			"a Network can be selected by metadata.name, metadata.namespace, metadata.uid, spec.providerID and status.state")
}

func TestAWatchByStateSeesNetworksComeAndGo(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=external"))
	watch, err := n.networks.Watch(t.Context(), metav1.ListOptions{FieldSelector: "status.state=Available"})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	n.create(t, newNetwork("a"))
	for _, state := range []v1alpha1.NetworkState{v1alpha1.NetworkStateAvailable, v1alpha1.NetworkStateError} {
		n.mergePatch(t, "a", object{"status": object{"state": state}}, "status")
	}
	var got []string
	for range 2 {
		event := <-watch.ResultChan()
		got = append(got, string(event.Type))
	}
	if want := []string{"ADDED", "DELETED"}; !slices.Equal(got, want) {
		t.Errorf("the watch of available Networks saw %q, want %q", got, want)
	}
}

func TestKubectlChangesNetworksInEveryWayItKnows(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)

	// A dry run tells what would be, and stores nothing.
	checkContains(t, n.kubectl(t, "apply", "--dry-run=server", "-f", sampleFile), "created (server dry run)")
	checkContains(t, n.kubectlFails(t, "get", "network", "network-sample"), "NotFound")

	checkContains(t, n.kubectl(t, "apply", "--server-side", "-f", sampleFile), "serverside-applied")
	checkContains(t, n.kubectl(t, "apply", "--server-side", "-f", sample2File), "serverside-applied")
	n.kubectl(t, "wait", "--for=jsonpath={.status.peerings[0].phase}=Bound", "network", "--all")

	if diff := n.kubectl(t, "diff", "--server-side", "-f", sampleFile); diff != "" {
		t.Errorf("kubectl diff of what was applied printed\n%s", diff)
	}
	changed := strings.Replace(readFile(t, sampleFile), "network-sample2", "network-sample3", 1)
	diff, err := n.runKubectl(t, changed, "--namespace="+n.name, "diff", "--server-side", "-f", "-")
	if err == nil {
		t.Error("kubectl diff of a changed manifest found no difference")
	}
	// It shows what the write would do beyond the change itself: the peering starts again, and its claim goes.
	checkContains(t, diff, "-      name: network-sample2", "+      name: network-sample3", "-  incomingPeerings:",
		"-    phase: Bound", "+    phase: Pending")

	n.kubectl(t, "label", "network", "network-sample", "tier=front")
	n.kubectl(t, "annotate", "network", "network-sample", "note=hello")
	labelled := n.kubectl(t, "get", "network", "-l", "tier=front", "-o", "name")
	if labelled != "network.networking.ironcore.dev/network-sample\n" {
		t.Errorf("kubectl get -l tier=front printed %q", labelled)
	}

	n.kubectl(t, "patch", "network", "network-sample", "--type=json",
		`--patch=[{"op": "add", "path": "/spec/peerings/0/prefixes", "value": [{"name": "front", "prefix": "10.0.0.0/24"}]}]`)
	network := n.get(t, "network-sample")
	front := []v1alpha1.PeeringPrefix{{Name: "front", Prefix: "10.0.0.0/24"}}
	if got := network.Spec.Peerings[0].Prefixes; !cmp.Equal(got, front) {
		t.Errorf("after the patch, the prefixes are %v, want %v", got, front)
	}
	if phase := network.Status.Peerings[0].Phase; phase != v1alpha1.NetworkPeeringPhaseBound {
		t.Errorf("a change of prefixes alone made the peering %s", phase)
	}

	t.Log("kubectl edit, with an editor that changes the prefix")
	command := n.kubectlCommand(t.Context(), "--namespace="+n.name, "edit", "network", "network-sample")
	command.Env = append(command.Env, "KUBE_EDITOR=sed -i s,10.0.0.0/24,10.0.1.0/24,")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("kubectl edit: %v\n%s", err, output)
	}
	if got := n.get(t, "network-sample").Spec.Peerings[0].Prefixes[0].Prefix; got != "10.0.1.0/24" {
		t.Errorf("after kubectl edit, the prefix is %s, want 10.0.1.0/24", got)
	}

	exported := n.kubectl(t, "get", "network", "network-sample", "-o", "yaml")
	replaced := strings.Replace(exported, "10.0.1.0/24", "10.0.2.0/24", 1)
	checkContains(t, n.kubectlWithInput(t, replaced, "replace", "-f", "-"), "replaced")
	if got := n.get(t, "network-sample").Spec.Peerings[0].Prefixes[0].Prefix; got != "10.0.2.0/24" {
		t.Errorf("after kubectl replace, the prefix is %s, want 10.0.2.0/24", got)
	}
}

func TestAnExportedNetworkCanBeAppliedAgain(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, shared)
	n.kubectl(t, "apply", "-f", sampleFile)
	n.kubectl(t, "apply", "-f", sample2File)
	n.kubectl(t, "wait", "--for=jsonpath={.status.peerings[0].phase}=Bound", "network", "--all")

	exported := n.kubectl(t, "get", "network", "network-sample", "-o", "yaml")
	if output := n.kubectlWithInput(t, exported, "apply", "-f", "-"); strings.Contains(output, "Warning") {
		t.Errorf("applying what was exported warns:\n%s", output)
	}

	// Also where its claims have changed since: these are not the user's, and the rest is applied.
	n.kubectl(t, "delete", "network", "network-sample2")
	n.await(t, "network-sample", pendingFor(v1alpha1.PeeringReasonPeerNotFound))
	before, after, _ := strings.Cut(exported, "  resourceVersion:")
	_, after, _ = strings.Cut(after, "\n")
	stale := before + after
	checkContains(t, n.kubectlWithInput(t, stale, "apply", "-f", "-"),
		"Warning: spec.incomingPeerings: the server alone writes it: kept as stored", "configured")
	n.await(t, "network-sample", pendingFor(v1alpha1.PeeringReasonPeerNotFound))
}

// checkTable compares the words of each line of a table, with "AGE" for the age.
func checkTable(t *testing.T, output string, want ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(output), "\n")
	var got []string
	for i, line := range lines {
		words := strings.Fields(line)
		if i > 0 && len(words) > 3 {
			words[3] = "AGE"
		}
		got = append(got, strings.Join(words, " "))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table differs (-want +got):\n%s", diff)
	}
}

func checkContains(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
