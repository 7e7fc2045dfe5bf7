// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package upstream tests moving over: the server on the etcd of another server of the group, ironcore-apiserver. testdata has a
// snapshot of its etcd, and the objects in it as its clients see them.
package upstream

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/e2e/cluster"
)

const (
	patience = 30 * time.Second
	// prefix is where the other server keeps everything, and group what of it is of this group.
	prefix = "/registry/ironcore.dev"
	group  = prefix + "/" + v1alpha1.GroupName + "/"
)

var (
	shared *cluster.Cluster
	dir    string
)

func TestMain(m *testing.M) {
	cluster.Main(startCluster, func(context.Context) (int, error) { return m.Run(), nil })
}

func startCluster(ctx context.Context, scratch string) (*cluster.Cluster, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return nil, err
	}
	dir = scratch
	if shared, err = cluster.StartControlPlane(ctx, cluster.Config{Root: root, Dir: dir}); err != nil {
		return shared, err
	}
	client, err := kubernetes.NewForConfig(shared.Admin.Config)
	if err != nil {
		return shared, err
	}
	for _, name := range []string{"t1", "t2"} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return shared, err
		}
	}
	return shared, nil
}

// installation is an etcd that was restored from the snapshot, and what serves it.
type installation struct {
	name string
	etcd *cluster.Etcd
	raw  *clientv3.Client
	// restored is what etcd had before anybody wrote to it.
	restored map[string]string
}

// restore starts an etcd with the contents of the snapshot.
func restore(t *testing.T) *installation {
	t.Helper()
	name := strings.NewReplacer("/", "-", "_", "-").Replace(strings.ToLower(t.Name()))
	i := restoreFrom(t, "testdata/etcd-snapshot.db", name)
	i.restored = i.stored(t, prefix)
	if len(i.restored) != 56 {
		t.Fatalf("the snapshot has %d objects, want 56", len(i.restored))
	}
	return i
}

// restoreFrom starts an etcd with the contents of a snapshot.
func restoreFrom(t *testing.T, file, name string) *installation {
	t.Helper()
	// It has the one member that its own log names; where others would reach it is of no account.
	const url = "http://127.0.0.1:2380"
	if err := snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath:        file,
		Name:                "restored",
		OutputDataDir:       shared.EtcdData(name),
		PeerURLs:            []string{url},
		InitialCluster:      "restored=" + url,
		InitialClusterToken: name,
	}); err != nil {
		t.Fatal(err)
	}
	i := &installation{name: name}
	var err error
	if i.etcd, err = shared.StartEtcd(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.etcd.Members[0].Kill)
	if i.raw, err = i.etcd.Client(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.raw.Close() })
	return i
}

// stored is what etcd has below a prefix, by key.
func (i *installation) stored(t *testing.T, below string) map[string]string {
	t.Helper()
	answer, err := i.raw.Get(t.Context(), below+"/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string, len(answer.Kvs))
	for _, entry := range answer.Kvs {
		values[string(entry.Key)] = string(entry.Value)
	}
	return values
}

// serve starts a server on the etcd.
func (i *installation) serve(t *testing.T, flags ...string) *served {
	t.Helper()
	name := fmt.Sprintf("%s-%d", i.name, len(flags))
	server, err := shared.NewServer(name, slices.Concat(i.etcd.Flags(),
		[]string{"--etcd-prefix=" + prefix, "--network-provider=external",
			"--authentication-kubeconfig=" + shared.Admin.Kubeconfig, "--authorization-kubeconfig=" + shared.Admin.Kubeconfig}, flags)...)
	if err != nil {
		t.Fatal(err)
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
			t.Logf("the end of the server's log:\n%s", log[max(0, len(log)-4000):])
		}
	})
	s := &served{Replica: server, config: shared.Direct(server)}
	if s.client, err = dynamic.NewForConfig(s.config); err != nil {
		t.Fatal(err)
	}
	// It knows whose certificates to trust a moment after it is ready.
	poll(t, func() bool {
		_, err = s.client.Resource(v1alpha1.SchemeGroupVersion.WithResource("networks")).List(t.Context(), metav1.ListOptions{})
		return err == nil
	}, func() any { return err })
	return s
}

// served is a running server.
type served struct {
	*cluster.Replica
	config *rest.Config
	client dynamic.Interface
}

// plurals are what the kinds are called in paths.
var plurals = map[string]string{
	"LoadBalancer": "loadbalancers", "LoadBalancerRouting": "loadbalancerroutings", "NATGateway": "natgateways",
	"Network": "networks", "NetworkInterface": "networkinterfaces", "NetworkPolicy": "networkpolicies", "VirtualIP": "virtualips",
}

// of returns the client of what an object is one of.
func (s *served) of(object *unstructured.Unstructured) dynamic.ResourceInterface {
	return s.client.Resource(v1alpha1.SchemeGroupVersion.WithResource(plurals[object.GetKind()])).Namespace(object.GetNamespace())
}

// get returns an object as it is now.
func (s *served) get(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	got, err := s.of(object).Get(t.Context(), object.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// isWell tells whether no controller has met what it can't take.
func (s *served) isWell(t *testing.T) {
	t.Helper()
	client, err := kubernetes.NewForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := client.RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(metrics)) {
		if strings.HasPrefix(line, "networking_controller_panics_total") && !strings.HasSuffix(line, " 0\n") {
			t.Error(line)
		}
	}
}

// all returns all objects of the group.
func (s *served) all(t *testing.T) []unstructured.Unstructured {
	t.Helper()
	var objects []unstructured.Unstructured
	for _, resource := range []string{"loadbalancerrouting", "loadbalancer", "natgateway", "networkinterface", "networkpolicie",
		"network", "virtualip"} {
		list, err := s.client.Resource(v1alpha1.SchemeGroupVersion.WithResource(resource+"s")).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, list.Items...)
	}
	return objects
}

// known are the objects of this group in the snapshot, as the other server shows them.
func known(t *testing.T) []unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile("testdata/objects.json")
	if err != nil {
		t.Fatal(err)
	}
	var list unstructured.UnstructuredList
	if err := list.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(object unstructured.Unstructured) bool {
		return object.GroupVersionKind().Group != v1alpha1.GroupName
	})
}

// poll waits until a check says true; instead says what is there in place of that.
func poll(t *testing.T, check func() bool, instead func() any) {
	t.Helper()
	await.Success(t, patience, func(context.Context) error {
		if check() {
			return nil
		}
		return fmt.Errorf("%v", instead())
	})
}
