// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package skew tests an upgrade: the server of the release before, and the one of this tree beside it on the same etcd, while
// clients write through both.
package skew

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/e2e/cluster"
)

const (
	patience  = 60 * time.Second
	namespace = "team-a"
	// pairs is how many pairs of peered Networks there are, each with a writer of its own, and rounds how often that writes.
	pairs, rounds = 6, 40
	// firstRelease stands for the release before, as long as no release has a tag.
	firstRelease = "c5a37da3642bab08149e707e70bb930d8980541a"
)

var shared *cluster.Cluster

func TestMain(m *testing.M) {
	cluster.Main(func(ctx context.Context, dir string) (*cluster.Cluster, error) {
		root, err := filepath.Abs("../../..")
		if err != nil {
			return nil, err
		}
		if shared, err = cluster.StartControlPlane(ctx, cluster.Config{Root: root, Dir: dir}); err != nil {
			return shared, err
		}
		client, err := kubernetes.NewForConfig(shared.Admin.Config)
		if err != nil {
			return shared, err
		}
		_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
		return shared, err
	}, func(context.Context) (int, error) { return m.Run(), nil })
}

// former builds the server of the release before.
func former(t *testing.T) string {
	t.Helper()
	root := "../../.."
	git := func(args ...string) (string, error) {
		output, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", root}, args...)...).Output()
		return strings.TrimSpace(string(output)), err
	}
	revision, err := git("describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "HEAD^")
	if err != nil {
		revision = firstRelease
	}
	if _, err := git("rev-parse", "--verify", "--quiet", revision+"^{commit}"); err != nil {
		t.Skipf("this clone has no history that reaches back to %s, the release before: git fetch --unshallow", revision)
	}
	source := t.TempDir()
	archive := filepath.Join(source, "source.tar")
	if _, err := git("archive", "--output="+archive, revision); err != nil {
		t.Fatalf("taking %s out of the history: %v", revision, err)
	}
	program := filepath.Join(source, "network-apiserver")
	for _, command := range [][]string{{"tar", "xf", archive}, {"go", "build", "-o", program, "./cmd/network-apiserver"}} {
		run := exec.CommandContext(t.Context(), command[0], command[1:]...)
		run.Dir = source
		if output, err := run.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", revision, err, output)
		}
	}
	return program
}

// replica is one of the two servers, and a client of it.
type replica struct {
	*cluster.Replica
	api clientset.NetworkingV1alpha1Interface
}

func start(t *testing.T, etcd *cluster.Etcd, name, program string) *replica {
	t.Helper()
	server, err := shared.NewServer(name, slices.Concat(etcd.Flags(), []string{"--network-provider=local",
		"--authentication-kubeconfig=" + shared.Admin.Kubeconfig, "--authorization-kubeconfig=" + shared.Admin.Kubeconfig})...)
	if err != nil {
		t.Fatal(err)
	}
	if program != "" {
		server.Runs(program)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(server.LogFile)
			t.Logf("the end of the log of %s:\n%s", name, log[max(0, len(log)-3000):])
		}
	})
	client, err := versioned.NewForConfig(shared.Direct(server))
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{Replica: server, api: client.NetworkingV1alpha1()}
	// It knows whose certificates to trust a moment after it is ready.
	eventually(t, func(ctx context.Context) error {
		_, err := r.api.Networks(namespace).List(ctx, metav1.ListOptions{})
		return err
	})
	return r
}

func eventually(t *testing.T, check func(context.Context) error) {
	t.Helper()
	await.Success(t, patience, check)
}

func name(kind string, pair int) string { return fmt.Sprintf("%s-%d", kind, pair) }

// network is one of a pair.
func network(pair int, one, other string) *v1alpha1.Network {
	return &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: name(one, pair)}, Spec: v1alpha1.NetworkSpec{
		Peerings: []v1alpha1.NetworkPeering{{Name: "peer", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: name(other, pair)}}},
	}}
}

func nic(pair int) *v1alpha1.NetworkInterface {
	return &v1alpha1.NetworkInterface{ObjectMeta: metav1.ObjectMeta{Name: name("nic", pair)}, Spec: v1alpha1.NetworkInterfaceSpec{
		NetworkRef: v1alpha1.LocalObjectReference{Name: name("a", pair)},
		IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol}, IPs: []v1alpha1.IPSource{{Value: "10.0.0.1"}},
	}}
}

// round writes to all of a pair: what exists in both releases through the one, what is new through the newer.
func round(ctx context.Context, through, newer *replica, pair, number int) error {
	text := fmt.Sprint(number)
	// The whole object, as a GitOps client or a controller writes it.
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		network, err := through.api.Networks(namespace).Get(ctx, name("a", pair), metav1.GetOptions{})
		if err != nil {
			return err
		}
		metav1.SetMetaDataAnnotation(&network.ObjectMeta, "round", text)
		network.Spec.Peerings[0].Prefixes = []v1alpha1.PeeringPrefix{{Name: "p", Prefix: fmt.Sprintf("10.1.%d.0/24", number)}}
		_, err = through.api.Networks(namespace).Update(ctx, network, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	labels := fmt.Appendf(nil, `{"metadata":{"labels":{"round":%q}}}`, text)
	if _, err := through.api.Networks(namespace).Patch(ctx, name("b", pair), types.MergePatchType, labels, metav1.PatchOptions{}); err != nil {
		return err
	}
	addresses := fmt.Appendf(nil, `{"metadata":{"labels":{"round":%q}},"spec":{"ips":[{"value":"10.0.1.%d"}]}}`, text, number)
	if _, err := through.api.NetworkInterfaces(namespace).Patch(ctx, name("nic", pair), types.MergePatchType, addresses, metav1.PatchOptions{}); err != nil {
		return err
	}
	if _, err := newer.api.VirtualIPs(namespace).Patch(ctx, name("vip", pair), types.MergePatchType, labels, metav1.PatchOptions{}); err != nil {
		return err
	}
	ports := fmt.Appendf(nil, `{"spec":{"ports":[{"port":%d}]}}`, number+1)
	_, err = newer.api.LoadBalancers(namespace).Patch(ctx, name("lb", pair), types.MergePatchType, ports, metav1.PatchOptions{})
	return err
}

// incomplete tells what is missing of a pair whose last round of writes had a number.
func incomplete(ctx context.Context, r *replica, pair, number int) error {
	text := fmt.Sprint(number)
	a, err := r.api.Networks(namespace).Get(ctx, name("a", pair), metav1.GetOptions{})
	if err != nil {
		return err
	}
	if got := a.Annotations["round"]; got != text || a.Spec.Peerings[0].Prefixes[0].Prefix != fmt.Sprintf("10.1.%d.0/24", number) {
		return fmt.Errorf("%s is of round %s, want %s: %+v", a.Name, got, text, a.Spec)
	}
	b, err := r.api.Networks(namespace).Get(ctx, name("b", pair), metav1.GetOptions{})
	if err != nil {
		return err
	}
	if got := b.Labels["round"]; got != text {
		return fmt.Errorf("%s is of round %s, want %s", b.Name, got, text)
	}
	for network, peer := range map[*v1alpha1.Network]*v1alpha1.Network{a: b, b: a} {
		want := v1alpha1.NetworkPeeringNetworkRef{Namespace: namespace, Name: peer.Name, UID: peer.UID}
		item := network.Status.Peerings[0]
		if item.Phase != v1alpha1.NetworkPeeringPhaseBound || item.NetworkRef == nil || *item.NetworkRef != want {
			return fmt.Errorf("the peering of %s is %+v, want Bound with %+v", network.Name, item, want)
		}
		if err := unready(network.Name, network.Generation, network.Status.ObservedGeneration, network.Status.Conditions); err != nil {
			return err
		}
	}
	nic, err := r.api.NetworkInterfaces(namespace).Get(ctx, name("nic", pair), metav1.GetOptions{})
	if err != nil {
		return err
	}
	address := fmt.Sprintf("10.0.1.%d", number)
	if nic.Labels["round"] != text || nic.Spec.IPs[0].Value != address || !slices.Equal(nic.Status.IPs, []string{address}) {
		return fmt.Errorf("%s is %+v, want the label %s and the address %s", nic.Name, nic, text, address)
	}
	if err := unready(nic.Name, nic.Generation, nic.Status.ObservedGeneration, nic.Status.Conditions); err != nil {
		return err
	}
	vip, err := r.api.VirtualIPs(namespace).Get(ctx, name("vip", pair), metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := unready(vip.Name, vip.Generation, vip.Status.ObservedGeneration, vip.Status.Conditions); err != nil || vip.Labels["round"] != text {
		return cmp.Or(err, fmt.Errorf("%s is of round %s, want %s", vip.Name, vip.Labels["round"], text))
	}
	balancer, err := r.api.LoadBalancers(namespace).Get(ctx, name("lb", pair), metav1.GetOptions{})
	if err != nil {
		return err
	}
	if len(balancer.Spec.Ports) != 1 || balancer.Spec.Ports[0].Port != int32(number+1) {
		return fmt.Errorf("%s has the ports %+v, want %d", balancer.Name, balancer.Spec.Ports, number+1)
	}
	return unready(balancer.Name, balancer.Generation, balancer.Status.ObservedGeneration, balancer.Status.Conditions)
}

// unready tells why an object is not Ready for its newest spec.
func unready(name string, generation, observed int64, conditions []metav1.Condition) error {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != generation || observed != generation {
		return fmt.Errorf("%s of generation %d, observed %d, is not Ready: %+v", name, generation, observed, ready)
	}
	return nil
}

func TestAReplicaOfTheReleaseBeforeWritesBesideOneOfThis(t *testing.T) {
	program := former(t)
	etcd, err := shared.StartEtcd(t.Context(), "skew")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(etcd.Members[0].Kill)

	older := start(t, etcd, "older", program) // It leads.
	for pair := range pairs {
		for _, network := range []*v1alpha1.Network{network(pair, "a", "b"), network(pair, "b", "a")} {
			if _, err := older.api.Networks(namespace).Create(t.Context(), network, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := older.api.NetworkInterfaces(namespace).Create(t.Context(), nic(pair), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	newer := start(t, etcd, "newer", "")
	for pair := range pairs {
		if _, err := newer.api.VirtualIPs(namespace).Create(t.Context(), &v1alpha1.VirtualIP{
			ObjectMeta: metav1.ObjectMeta{Name: name("vip", pair)},
			Spec:       v1alpha1.VirtualIPSpec{Type: v1alpha1.VirtualIPTypePublic, IPFamily: v1alpha1.IPv4Protocol},
		}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := newer.api.LoadBalancers(namespace).Create(t.Context(), &v1alpha1.LoadBalancer{
			ObjectMeta: metav1.ObjectMeta{Name: name("lb", pair)},
			Spec: v1alpha1.LoadBalancerSpec{
				Type: v1alpha1.LoadBalancerTypePublic, IPFamilies: []v1alpha1.IPFamily{v1alpha1.IPv4Protocol},
				NetworkRef: v1alpha1.LocalObjectReference{Name: name("a", pair)},
			},
		}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	write := func(last func(number int) *replica) {
		t.Helper()
		var writers errgroup.Group
		for pair := range pairs {
			writers.Go(func() error {
				for number := range rounds {
					if err := round(t.Context(), last(pair+number), newer, pair, number); err != nil {
						return fmt.Errorf("pair %d, round %d: %w", pair, number, err)
					}
				}
				return nil
			})
		}
		if err := writers.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	// Both serve, and the older one leads: every second round goes through it, and for half of the pairs the last one.
	write(func(number int) *replica { return []*replica{older, newer}[number%2] })

	// The rollout ends. Nobody writes any more, and all that the older one did not know is there.
	if err := older.Stop(); err != nil {
		t.Error(err)
	}
	for pair := range pairs {
		eventually(t, func(ctx context.Context) error { return incomplete(ctx, newer, pair, rounds-1) })
	}
}
