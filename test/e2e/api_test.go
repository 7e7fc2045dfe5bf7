// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	applyv1alpha1 "ironcore.dev/networking/pkg/client/applyconfiguration/networking/v1alpha1"
	"ironcore.dev/networking/test/e2e/cluster"
	"ironcore.dev/networking/test/monitoring"
)

// sample is the manifest of the introduction to Networks, word for word.
const sample = `
apiVersion: networking.ironcore.dev/v1alpha1
kind: Network
metadata:
  name: network-sample
spec:
  peerings:
  - name: peering1
    networkRef:
      name: network-sample2
`

const sample2 = `
apiVersion: networking.ironcore.dev/v1alpha1
kind: Network
metadata:
  name: network-sample2
spec:
  peerings:
  - name: peering1
    networkRef:
      name: network-sample
`

func TestTheAPIIsRegistered(t *testing.T) {
	condition := admin(t).kubectl(t, "get", "apiservice", cluster.APIService, "-o",
		`jsonpath={range .status.conditions[?(@.type=="Available")]}{.status} {.reason}{end}`)
	if condition != "True Passed" {
		t.Errorf("condition Available is %q, want True Passed", condition)
	}
	resources := admin(t).kubectl(t, "api-resources", "--categories=ironcore", "--no-headers")
	var want []string
	for _, kind := range [][3]string{
		{"loadbalancerroutings", "lbr,lbrt", "LoadBalancerRouting"}, {"loadbalancers", "lb", "LoadBalancer"},
		{"natgateways", "ngw", "NATGateway"}, {"networkinterfaces", "nic", "NetworkInterface"},
		{"networkpolicies", "netpol", "NetworkPolicy"}, {"networks", "net", "Network"}, {"virtualips", "vip", "VirtualIP"},
	} {
		want = append(want, kind[0], kind[1], "networking.ironcore.dev/v1alpha1", "true", kind[2])
	}
	if got := strings.Fields(resources); !slices.Equal(got, want) {
		t.Errorf("discovery tells %q, want %q", got, want)
	}
}

// TestTheManifestsAreAccepted proves that the control plane makes Pods of them, pod security included. There are no
// nodes to run them.
func TestTheManifestsAreAccepted(t *testing.T) {
	for _, workload := range []string{"deployment/network-apiserver", "statefulset/network-etcd"} {
		want := admin(t).kubectl(t, "get", "-n", cluster.Namespace, workload, "-o", "jsonpath={.spec.replicas}")
		admin(t).kubectl(t, "wait", "-n", cluster.Namespace, workload, "--timeout=30s",
			"--for=jsonpath={.status.replicas}="+want)
	}
}

func TestTheSampleIsBoundAndReleased(t *testing.T) {
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")

	user.kubectlWith(t, sample, "apply", "-n", namespace, "-f", "-")
	user.settles(t, 10*time.Second, namespace, "network-sample",
		phase(v1alpha1.NetworkPeeringPhasePending, v1alpha1.PeeringReasonPeerNotFound))
	user.kubectlWith(t, sample2, "apply", "-n", namespace, "-f", "-")
	for _, name := range []string{"network-sample", "network-sample2"} {
		user.kubectl(t, "wait", "-n", namespace, "network/"+name, "--timeout=10s",
			"--for=jsonpath={.status.peerings[0].phase}=Bound")
	}

	table := strings.Fields(user.kubectl(t, "get", "net", "-n", namespace, "network-sample"))
	want := []string{"NAME", "STATE", "PEERINGS", "AGE", "network-sample", "Available", "1/1"}
	if len(table) != 8 || !slices.Equal(table[:7], want) {
		t.Errorf("kubectl get printed %q, want %q and the age", table, want)
	}
	wantWords(t, user.kubectl(t, "get", "networks", "-n", namespace, "-o", "wide"), "PROVIDER ID", "e2e://")

	// Applied again, an exported manifest changes nothing.
	exported := user.kubectl(t, "get", "-n", namespace, "network/network-sample", "-o", "yaml")
	wantWords(t, user.kubectlWith(t, exported, "apply", "--server-side", "--force-conflicts", "-n", namespace, "-f", "-"),
		"network.networking.ironcore.dev/network-sample serverside-applied")
	user.settles(t, 5*time.Second, namespace, "network-sample", bound)

	user.kubectl(t, "delete", "-n", namespace, "network/network-sample2", "--timeout=20s")
	n := user.settles(t, 10*time.Second, namespace, "network-sample",
		phase(v1alpha1.NetworkPeeringPhasePending, v1alpha1.PeeringReasonPeerNotFound))
	if len(n.Spec.IncomingPeerings) != 0 {
		t.Errorf("the claim of the deleted Network is still there: %v", n.Spec.IncomingPeerings)
	}
}

func TestARecreatedNetworkIsAnother(t *testing.T) {
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")
	user.peered(t, 15*time.Second, namespace, "stays", "comes-again")
	before := user.get(t, namespace, "comes-again").UID

	user.delete(t, namespace, "comes-again")
	user.isGone(t, 10*time.Second, namespace, "comes-again")
	user.create(t, namespace, network("comes-again", "stays"))
	after := user.settles(t, 15*time.Second, namespace, "comes-again", bound).UID
	n := user.settles(t, 15*time.Second, namespace, "stays", bound)
	if claims := n.Spec.IncomingPeerings; len(claims) != 1 || claims[0].UID != after || after == before {
		t.Errorf("claims are %v, want one with uid %s", claims, after)
	}
}

func TestPeeringsAcrossNamespacesTakeBothOwners(t *testing.T) {
	here, there := newNamespace(t), newNamespace(t)
	us, them := tenant(t, here, "edit"), tenant(t, there, "edit")
	us.create(t, here, network("ours", there+"/theirs"))
	absent := us.settles(t, 10*time.Second, here, "ours",
		phase(v1alpha1.NetworkPeeringPhasePending, v1alpha1.PeeringReasonPeeringNotAccepted)).Status.Peerings[0].Message

	them.create(t, there, network("theirs"))
	them.settles(t, 10*time.Second, there, "theirs", available)
	us.create(t, here, network("witness", there+"/theirs"))
	us.settles(t, 10*time.Second, here, "witness",
		phase(v1alpha1.NetworkPeeringPhasePending, v1alpha1.PeeringReasonPeeringNotAccepted))
	if unwilling := us.get(t, here, "ours").Status.Peerings[0].Message; unwilling != absent {
		t.Errorf("a tenant can tell whether another's Network exists:\n%s\n%s", absent, unwilling)
	}

	if _, err := them.mergePatch(t, there, "theirs", fmt.Sprintf(
		`{"spec":{"peerings":[{"name":"ours","networkRef":{"namespace":%q,"name":"ours"}}]}}`, here)); err != nil {
		t.Fatal(err)
	}
	us.settles(t, 10*time.Second, here, "ours", bound)
	them.settles(t, 10*time.Second, there, "theirs", bound)
}

func TestExplain(t *testing.T) {
	wantWords(t, admin(t).kubectl(t, "explain", "network.spec.peerings"),
		"GROUP:      networking.ironcore.dev", "KIND:       Network", "FIELD: peerings",
		"peerings name the Networks that this Network wants to exchange traffic with", "networkRef", "-required-")
}

func TestEveryMistakeIsNamedInOneAnswer(t *testing.T) {
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")
	manifest := `
apiVersion: networking.ironcore.dev/v1alpha1
kind: Network
metadata: {name: wrong}
spec:
  peerings:
  - name: self
    networkRef: {name: wrong}
  - name: Upper
    networkRef: {name: other}
    prefixes: [{name: hosts, prefix: 10.0.0.1/24}]
`
	for _, mode := range []string{"none", "server"} {
		out := user.kubectlFails(t, manifest, "create", "-n", namespace, "--dry-run="+mode, "-f", "-")
		wantWords(t, out, "spec.peerings[0].networkRef", "spec.peerings[1].name", "spec.peerings[1].prefixes[0].prefix")
	}
}

func TestFieldSelectors(t *testing.T) {
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")
	user.create(t, namespace, network("realized"))
	user.create(t, namespace, unprovided(network("waiting")))
	n := user.settles(t, 10*time.Second, namespace, "realized", available)

	for selector, want := range map[string]string{
		"status.state=Available":                  "realized",
		"status.state=Pending":                    "waiting",
		"status.state!=Available":                 "waiting",
		"spec.providerID=" + n.Spec.ProviderID:    "realized",
		"metadata.name=waiting":                   "waiting",
		"status.state=Available,spec.providerID=": "",
	} {
		got := user.kubectl(t, "get", "networks", "-n", namespace, "--field-selector", selector, "-o",
			"jsonpath={.items[*].metadata.name}")
		if got != want {
			t.Errorf("%s selects %q, want %q", selector, got, want)
		}
	}
	wantWords(t, user.kubectlFails(t, "", "get", "networks", "-n", namespace, "--field-selector", "spec.colour=red"),
		"spec.colour")
}

func TestTwoFieldManagersShareOneList(t *testing.T) {
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")
	apply := func(manager string, peerings ...*applyv1alpha1.NetworkPeeringApplyConfiguration) (*v1alpha1.Network, error) {
		return user.networks.Networks(namespace).Apply(t.Context(),
			applyv1alpha1.Network("shared", namespace).WithSpec(applyv1alpha1.NetworkSpec().WithPeerings(peerings...)),
			metav1.ApplyOptions{FieldManager: manager})
	}
	peering := func(name, target string) *applyv1alpha1.NetworkPeeringApplyConfiguration {
		return applyv1alpha1.NetworkPeering().WithName(name).
			WithNetworkRef(applyv1alpha1.NetworkPeeringNetworkRef().WithName(target))
	}
	names := func(n *v1alpha1.Network) (names []string) {
		for i, p := range n.Spec.Peerings {
			names = append(names, p.Name)
			if n.Status.Peerings[i].Name != p.Name {
				t.Errorf("status.peerings[%d] is %s, the peering %s", i, n.Status.Peerings[i].Name, p.Name)
			}
		}
		return names
	}
	steps := []struct {
		manager  string
		peerings []*applyv1alpha1.NetworkPeeringApplyConfiguration
		want     []string
	}{
		{"blue", []*applyv1alpha1.NetworkPeeringApplyConfiguration{peering("b", "peer-b")}, []string{"b"}},
		{"red", []*applyv1alpha1.NetworkPeeringApplyConfiguration{peering("r", "peer-r")}, []string{"b", "r"}},
		{"blue", nil, []string{"r"}},
	}
	for _, step := range steps {
		n, err := apply(step.manager, step.peerings...)
		if err != nil {
			t.Fatalf("%s: %v", step.manager, err)
		}
		if !slices.Equal(names(n), step.want) {
			t.Errorf("after %s: peerings %v, want %v", step.manager, names(n), step.want)
		}
	}
	_, err := apply("blue", peering("r", "elsewhere"))
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "red"`) {
		t.Errorf("taking the other's peering: got %v, want a conflict with red", err)
	}
}

func TestEventsAreShownByDescribe(t *testing.T) {
	namespace := newNamespace(t)
	user := tenant(t, namespace, "edit")
	isTold := func(name string, columns ...string) {
		t.Helper()
		eventually(t, 30*time.Second, func(context.Context) error {
			_, events, _ := strings.Cut(user.kubectl(t, "describe", "-n", namespace, "network/"+name), "Events:")
			for line := range strings.Lines(events) {
				if fields := strings.Fields(line); len(fields) > 1 && slices.Equal(fields[:2], columns) {
					return nil
				}
			}
			return fmt.Errorf("no Event %q on Network %s:\n%s", columns, name, events)
		})
	}
	user.peered(t, 15*time.Second, namespace, "one", "other")
	isTold("one", "Normal", "PeeringBound")

	if _, err := user.mergePatch(t, namespace, "other", `{"spec":{"peerings":null}}`); err != nil {
		t.Fatal(err)
	}
	isTold("one", "Warning", "PeeringReleased")
	isTold("other", "Warning", "PeeringReleased")

	user.kubectlWith(t, `
apiVersion: networking.ironcore.dev/v1alpha1
kind: NetworkInterface
metadata: {name: stays}
spec: {networkRef: {name: one}, ipFamilies: [IPv4], ips: [{value: 10.0.0.1}]}
`, "create", "-n", namespace, "-f", "-")
	user.delete(t, namespace, "one")
	isTold("one", "Warning", "DeletionBlocked")
	user.kubectl(t, "delete", "-n", namespace, "networkinterface/stays")
	user.isGone(t, 15*time.Second, namespace, "one")
}

// TestEveryPanelAndAlertReadsWhatIsServed is about the metrics of etcd's members and of kube-apiserver. Those of the server are
// in the tests of a server on its own.
func TestEveryPanelAndAlertReadsWhatIsServed(t *testing.T) {
	queries, err := monitoring.Queries("../..")
	if err != nil {
		t.Fatal(err)
	}
	served := monitoring.Served{}
	metrics, err := shared.Etcd.Metrics(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	served.Add(metrics)
	for _, missing := range monitoring.Missing(queries, map[string]monitoring.Served{"network-etcd": served}) {
		t.Error(missing)
	}
	wantWords(t, admin(t).kubectl(t, "get", "--raw", "/metrics"),
		`aggregator_unavailable_apiservice{name="v1alpha1.networking.ironcore.dev"} 0`)
}

func TestTheServerSaysWhenItsCertificateForEtcdExpires(t *testing.T) {
	client, err := kubernetes.NewForConfig(shared.Direct(shared.Replicas[0]))
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := client.RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^networking_etcd_certificate_expiration_timestamp_seconds (\S+)$`).FindSubmatch(metrics)
	if found == nil {
		t.Fatal("no such metric")
	}
	seconds, err := strconv.ParseFloat(string(found[1]), 64)
	if left := time.Until(time.Unix(int64(seconds), 0)); err != nil || left < time.Minute || left > 100*365*24*time.Hour {
		t.Errorf("it expires in %s (%v)", left, err)
	}
}

func TestTheOwnerOfANetworkIsToldWhoAsks(t *testing.T) {
	namespace, far := newNamespace(t), newNamespace(t)
	owner, asker := tenant(t, namespace, "edit"), tenant(t, far, "edit")
	owner.create(t, namespace, network("asked"))
	before := owner.settles(t, 10*time.Second, namespace, "asked", available).ResourceVersion
	asker.create(t, far, network("asking", namespace+"/asked"))
	eventually(t, 30*time.Second, func(context.Context) error {
		out := owner.kubectl(t, "describe", "-n", namespace, "network/asked")
		if _, events, _ := strings.Cut(out, "Events:"); !strings.Contains(events, "PeeringRequested") ||
			!strings.Contains(events, "Network "+far+"/asking asks for a peering") {
			return fmt.Errorf("no Event tells of the request:\n%s", out)
		}
		return nil
	})
	if after := owner.get(t, namespace, "asked").ResourceVersion; after != before {
		t.Errorf("the request changed the Network that it asks: resourceVersion %s, before %s", after, before)
	}
}
