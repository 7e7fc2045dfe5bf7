// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package docs does what docs/operate.md says, in the words of the page, as far as no Pods are needed: against a real
// kube-apiserver, with kubectl, helm and etcdutl. pods.sh does the rest on a cluster that has them.
package docs

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/e2e/cluster"
)

const page = "docs/operate.md"

var (
	root   string
	shared *cluster.Cluster
	logs   string
)

func TestMain(m *testing.M) {
	cluster.Main(func(ctx context.Context, dir string) (_ *cluster.Cluster, err error) {
		if root, err = filepath.Abs("../.."); err != nil {
			return nil, err
		}
		logs = dir
		shared, err = cluster.StartControlPlane(ctx, cluster.Config{Root: root, Dir: dir})
		return shared, err
	}, func(context.Context) (int, error) { return m.Run(), nil })
}

// elsewhere says which tests run what neither this one nor pods.sh does.
var elsewhere = map[string]string{
	"Upgrade 2":                        "the reader, who has two versions",
	"The image 1":                      "nothing: it takes a registry of your own, and is otherwise as The image 2",
	"A stored object cannot be read 1": "TestAnObjectThatCannotBeReadIsNamedAndRemoved of test/integration",
}

// step is a block of the page, with what has to be there before and what is there afterwards.
type step struct {
	block  string
	before func(*testing.T, *desk)
	after  func(*testing.T, *desk)
}

var steps = []step{
	{
		block: "With kustomize 1",
		after: func(t *testing.T, d *desk) { d.sh(t, "test -f kustomize/overlays/ha/kustomization.yaml") },
	},
	{
		block: "With kustomize 3",
		after: func(t *testing.T, d *desk) {
			d.sh(t, "kubectl -n network-system get secret network-etcd-ca network-etcd-tls network-etcd-client-tls")
			d.sh(t, "kubectl -n network-system get deployment/network-apiserver statefulset/network-etcd")
		},
	},
	{
		block: "Encryption at rest 1",
		after: func(t *testing.T, d *desk) {
			d.sh(t, `kubectl -n network-system get secret network-apiserver-encryption \
				-o go-template='{{index .data "encryption.yaml" | base64decode}}' | grep -q secretbox`)
		},
	},
	{
		block: "Uninstall 1",
		after: func(t *testing.T, d *desk) {
			d.sh(t, "! kubectl get namespace network-system")
			d.sh(t, "! kubectl get apiservice v1alpha1.networking.ironcore.dev")
			d.sh(t, "! kubectl get clusterrole network-apiserver")
		},
	},
	{
		block: "With kustomize 2",
		after: func(t *testing.T, d *desk) {
			d.sh(t, "kubectl -n network-system get deployment/network-apiserver persistentvolumeclaim/network-apiserver-data")
			d.sh(t, "kubectl delete apiservice v1alpha1.networking.ironcore.dev")
			d.sh(t, "kubectl delete -k kustomize/overlays/single --ignore-not-found")
		},
	},
	{
		block: "With Helm 2",
		before: func(t *testing.T, d *desk) {
			for _, name := range []string{"ca.crt", "tls.crt", "tls.key"} {
				d.write(t, name, strings.NewReader("yours"))
			}
		},
		after: func(t *testing.T, d *desk) {
			d.sh(t, `kubectl -n network-system get deployment/network-apiserver -o jsonpath='{.spec.template.spec.containers[0].args}' |
				grep -F -- --etcd-servers=https://etcd.example.com:2379`)
			d.sh(t, "helm status network-apiserver -n network-system")
		},
	},
	{
		block: "Uninstall 2",
		before: func(t *testing.T, d *desk) { // The server would have made the first, and the Job of the chart the others.
			for _, name := range []string{"network-apiserver-serving-cert", "network-etcd-ca", "network-etcd-tls", "network-etcd-client-tls"} {
				d.sh(t, "kubectl -n network-system create secret generic "+name)
			}
		},
		after: func(t *testing.T, d *desk) {
			d.sh(t, "! helm status network-apiserver -n network-system")
			d.sh(t, "! kubectl -n network-system get secrets -o name | grep secret/network-")
			d.sh(t, "! kubectl get apiservice v1alpha1.networking.ironcore.dev")
		},
	},
	{
		block: "Restore 1",
		before: func(t *testing.T, d *desk) {
			etcd, err := shared.StartEtcd(t.Context(), "backed-up")
			if err != nil {
				t.Fatal(err)
			}
			defer etcd.Members[0].Kill()
			client, err := etcd.Client()
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			snapshot, err := client.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer snapshot.Close()
			d.write(t, "backup.db", snapshot)
		},
		after: func(t *testing.T, d *desk) {
			for i := range 3 {
				d.sh(t, fmt.Sprintf("etcdutl snapshot status restored/%d/data/member/snap/db", i))
			}
		},
	},
	{
		block: "Mode single 1",
		before: func(t *testing.T, d *desk) {
			server, networks := d.server(t, "single")
			network, err := networks.Create(t.Context(),
				&v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			d.kept = network
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			d.sh(t, "cp "+filepath.Join(logs, "single", "etcd", "member", "snap", "db")+" db")
		},
		after: func(t *testing.T, d *desk) {
			d.sh(t, fmt.Sprintf("mkdir -m 700 %[1]s && mv restored/etcd %[1]s/", filepath.Join(logs, "single-again")))
			server, networks := d.server(t, "single-again")
			network, err := networks.Get(t.Context(), "kept", metav1.GetOptions{})
			if err != nil || network.UID != d.kept.UID {
				t.Errorf("got %v with UID %s, want UID %s", err, network.UID, d.kept.UID)
			}
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		},
	},
}

func TestThePage(t *testing.T) {
	d := newDesk(t)
	for _, step := range steps {
		ok := t.Run(step.block, func(t *testing.T) {
			if step.before != nil {
				step.before(t, d)
			}
			d.sh(t, "set -e\n"+block(t, step.block))
			step.after(t, d)
		})
		if !ok {
			t.FailNow() // The next step begins where this one ended.
		}
	}
}

// TestEveryBlockOfThePageIsRun: here, by pods.sh, or by another test.
func TestEveryBlockOfThePageIsRun(t *testing.T) {
	pods, err := os.ReadFile("pods.sh")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, step := range steps {
		run[step.block] = true
	}
	for name := range strings.Lines(output(t, exec.Command("./block.sh", filepath.Join(root, page)))) {
		name = strings.TrimSpace(name)
		heading, number := split(name)
		if !run[name] && elsewhere[name] == "" && !strings.Contains(string(pods), fmt.Sprintf("run %q %s", heading, number)) {
			t.Errorf("nothing runs the commands %q of %s", name, page)
		}
	}
}

func split(name string) (heading, number string) {
	i := strings.LastIndex(name, " ")
	return name[:i], name[i+1:]
}

// block returns the commands of the page.
func block(t *testing.T, name string) string {
	t.Helper()
	heading, number := split(name)
	return output(t, exec.Command("./block.sh", filepath.Join(root, page), heading, number))
}

// desk is where the reader of the page sits: a folder with deploy and bin, and the programs that the page names.
type desk struct {
	dir  string
	env  []string
	kept *v1alpha1.Network
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	output(t, exec.Command(filepath.Join(root, "hack/helm/build.sh")))
	etcdutl := strings.TrimSpace(output(t, exec.Command("go", "tool", "-n", "etcdutl")))
	d := &desk{dir: t.TempDir()}
	for _, name := range []string{"deploy", "bin"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(d.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	output(t, exec.Command("./dist.sh", filepath.Join(d.dir, "dist")))
	d.env = append(os.Environ(), "KUBECONFIG="+shared.Admin.Kubeconfig, "HOME="+d.dir,
		"PATH="+strings.Join([]string{filepath.Dir(etcdutl), filepath.Join(root, "bin/tools"), os.Getenv("PATH"),
			filepath.Join(root, "bin/kubernetes")}, ":"))
	return d
}

// sh runs commands as a reader would type them.
func (d *desk) sh(t *testing.T, commands string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", commands)
	shell.Dir, shell.Env = d.dir, d.env
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v in\n%s\n%s", err, commands, out)
	}
}

func (d *desk) write(t *testing.T, name string, content io.Reader) {
	t.Helper()
	file, err := os.Create(filepath.Join(d.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, content); err != nil {
		t.Fatal(err)
	}
}

// server starts one with an etcd inside.
func (d *desk) server(t *testing.T, name string) (*cluster.Replica, clientset.NetworkInterface) {
	t.Helper()
	server, err := shared.NewServer(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	client, err := clientset.NewForConfig(shared.Direct(server))
	if err != nil {
		t.Fatal(err)
	}
	return server, client.Networks("default")
}

func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return string(out)
}
