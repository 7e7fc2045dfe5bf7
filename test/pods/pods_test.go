// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package pods installs the project in a Kubernetes with real Pods, which run.sh makes, and does there what docs/operate.md says, in
// its words, while clients write, read and watch. Each step ends with a line that says what the clients saw.
package pods

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ironcore.dev/networking/test/await"
)

const root = "../.."

// desk is where an operator types: a folder with the tree's deploy and bin in it, and what earlier commands have left.
type desk struct {
	dir        string
	kubeconfig string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	kubeconfig := os.Getenv("KUBECONFIG")
	if os.Getenv("PODS") == "" || kubeconfig == "" {
		t.Skip("skipped: it needs the cluster of test/pods/run.sh; run make pods")
	}
	d := &desk{dir: t.TempDir(), kubeconfig: kubeconfig}
	for _, name := range []string{"deploy", "bin"} {
		target, err := filepath.Abs(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(d.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(root+"/test/docs/dist.sh", d.dir+"/dist").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return d
}

// sh runs commands as the operator, and returns what they print.
func (d *desk) sh(t *testing.T, commands string) string {
	t.Helper()
	command := exec.Command("bash", "-euo", "pipefail", "-c", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"+commands)
	command.Dir = d.dir
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s\n%v\n%s%s", commands, err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// page runs the n-th block of commands below a heading of docs/operate.md, with words of it replaced.
func (d *desk) page(t *testing.T, heading string, n int, replace ...string) string {
	t.Helper()
	out, err := exec.Command(root+"/test/docs/block.sh", root+"/docs/operate.md", heading, strconv.Itoa(n)).Output()
	if err != nil {
		t.Fatalf("no block %d below %q: %v", n, heading, err)
	}
	return d.sh(t, strings.NewReplacer(replace...).Replace(string(out)))
}

// What the operator types to wait for the server, and to see how often it was started again.
const (
	apiserver = "kubectl -n network-system rollout status deployment/network-apiserver --timeout=5m"
	restarts  = `kubectl -n network-system get pod -l app.kubernetes.io/name=network-apiserver \
		-o jsonpath='{.items[*].status.containerStatuses[0].restartCount}'`
)

func TestHighAvailability(t *testing.T) {
	d := newDesk(t)
	d.page(t, "With kustomize", 1)
	d.page(t, "With kustomize", 3)
	t.Cleanup(func() {
		d.page(t, "Uninstall", 1)
		d.sh(t, "kubectl wait --for=delete namespace/network-system --timeout=5m")
	})
	d.page(t, "Check it", 1)
	d.sh(t, `kubectl create clusterrole metrics --verb=get --non-resource-url=/metrics
		kubectl create clusterrolebinding metrics --clusterrole=metrics --serviceaccount=default:default`)
	s := startStream(t, d.kubeconfig, "default")
	s.settle(t)

	// failed is how many requests may fail in the step, repeatable are those that say so.
	step := func(name string, allowed func(report) error, do func(*testing.T)) {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			r := s.during(t, func() { do(t) })
			t.Logf("%s: %.0f s, %s", name, time.Since(begun).Seconds(), r)
			if err := allowed(r); err != nil {
				t.Error(err)
			}
			s.verify(t)
		})
	}
	step("nothing", none, func(*testing.T) {})
	step("rolling restart", none, func(t *testing.T) {
		d.sh(t, "kubectl -n network-system rollout restart deployment/network-apiserver; "+apiserver)
	})
	step("serving CA", none, func(t *testing.T) {
		bundle := "kubectl get apiservice v1alpha1.networking.ironcore.dev -o jsonpath={.spec.caBundle} | base64 -d | grep -c BEGIN"
		d.sh(t, "kubectl -n network-system delete secret network-apiserver-serving-cert")
		d.until(t, bundle, "2")
	})
	step("leader's Pod deleted", none, func(t *testing.T) {
		d.sh(t, "kubectl -n network-system delete pod "+d.leader(t)+"; "+apiserver)
	})
	step("kill -9 of a replica", short, func(t *testing.T) {
		for range 3 {
			before := d.sh(t, restarts)
			kill(t, "/network-apiserver")
			await.Success(t, time.Minute, func(context.Context) error {
				if d.sh(t, restarts) == before {
					return errors.New("nothing was restarted")
				}
				return nil
			})
			d.sh(t, apiserver)
		}
	})
	step("scale up and down", none, func(t *testing.T) {
		d.sh(t, "kubectl -n network-system scale deployment/network-apiserver --replicas=5; "+apiserver+
			"; kubectl -n network-system scale deployment/network-apiserver --replicas=3; "+apiserver)
	})
	step("upgrade", none, func(t *testing.T) {
		d.sh(t, "kubectl -n network-system set image deployment/network-apiserver network-apiserver=network-apiserver:v0.1.1; "+apiserver)
		d.page(t, "Upgrade", 1)
	})
	step("drain of a node", repeatable, func(t *testing.T) {
		d.sh(t, `node=$(kubectl -n network-system get pod -l app.kubernetes.io/name=network-apiserver -o jsonpath='{.items[0].spec.nodeName}')
			kubectl drain $node --ignore-daemonsets --delete-emptydir-data --timeout=5m
			kubectl uncordon $node; `+apiserver+`
			kubectl -n network-system rollout status statefulset/network-etcd --timeout=5m`)
	})
	step("rolling restart of etcd", repeatable, func(t *testing.T) {
		d.sh(t, `kubectl -n network-system rollout restart statefulset/network-etcd
			kubectl -n network-system rollout status statefulset/network-etcd --timeout=10m`)
	})
	step("kill -9 of a member of etcd", repeatable, func(t *testing.T) {
		kill(t, "etcd")
		d.sh(t, "kubectl -n network-system rollout status statefulset/network-etcd --timeout=10m")
	})
	step("replace a member", repeatable, func(t *testing.T) {
		id := d.sh(t, `kubectl -n network-system exec network-etcd-0 -c etcd -- etcdctl member list | sed -n 's/, .*network-etcd-2, .*//p'`)
		d.sh(t, "kubectl -n network-system delete pvc/data-network-etcd-2 pod/network-etcd-2")
		d.until(t, "kubectl -n network-system logs network-etcd-2 -c prepare | grep -c 'has lost its data' || true", "1")
		d.page(t, "Replace a lost member", 1, "member remove ID", "member remove "+id)
		d.sh(t, "kubectl -n network-system rollout status statefulset/network-etcd --timeout=5m")
	})
	step("CA of etcd", repeatable, func(t *testing.T) { d.page(t, "Certificates of etcd", 1) })
	step("defragmentation", repeatable, func(t *testing.T) { d.page(t, "NetworkStorageFillingUp", 1) })
	step("loss of a node", func(report) error { return nil }, func(t *testing.T) {
		d.sh(t, `ip link set node-2 down
			kubectl wait --for=condition=Ready=Unknown node/node-2 --timeout=3m`)
		s.settle(t)
		d.sh(t, "ip link set node-2 up; kubectl wait --for=condition=Ready node/node-2 --timeout=3m; "+apiserver+
			"; kubectl -n network-system rollout status statefulset/network-etcd --timeout=5m")
	})
	step("backup", none, func(t *testing.T) {
		d.sh(t, `cp -rL deploy copy
			cat >kustomization.yaml <<EOF
resources: [copy/kustomize/base]
components: [copy/kustomize/components/etcd-cluster, copy/kustomize/components/serving-cert, copy/kustomize/components/backup]
EOF
			kubectl apply -k .`)
		d.page(t, "Back up", 1)
		d.page(t, "Back up", 2)
		d.sh(t, "for file in network-etcd-*.db; do etcdutl snapshot status $file; done")
		d.page(t, "Back up", 3, "2379 &\n", "2379 &\nuntil (: </dev/tcp/127.0.0.1/2379) 2>/dev/null; do sleep 0.1; done\n")
	})
	step("restore", func(report) error { return nil }, func(t *testing.T) {
		d.page(t, "Restore", 1)
		d.page(t, "Restore", 2)
		s.forget() // What was written after the backup is gone.
	})
}

// none is for steps in which every request has to succeed.
func none(r report) error {
	if r.failed > 0 {
		return fmt.Errorf("%d requests failed", r.failed)
	}
	return nil
}

// repeatable is for steps in which clients may have to repeat a request, and are told so.
func repeatable(r report) error {
	if r.unrepeatable > 0 || r.slowest > 10*time.Second {
		return fmt.Errorf("%d requests failed without Retry-After, and the slowest took %s", r.unrepeatable, r.slowest)
	}
	return nil
}

// short is for steps in which requests may fail for some seconds.
func short(r report) error {
	if r.outage > 10*time.Second {
		return fmt.Errorf("requests failed for %s", r.outage)
	}
	return nil
}

// until waits until commands print a text.
func (d *desk) until(t *testing.T, commands, want string) {
	t.Helper()
	await.Success(t, 3*time.Minute, func(context.Context) error {
		if got := d.sh(t, commands); got != want {
			return fmt.Errorf("%s printed %q", commands, got)
		}
		return nil
	})
}

// leader is the Pod whose server runs the controllers, by its own metric.
func (d *desk) leader(t *testing.T) string {
	t.Helper()
	for pod := range strings.FieldsSeq(d.sh(t, `kubectl -n network-system get pod -l app.kubernetes.io/name=network-apiserver \
		-o jsonpath='{range .items[*]}{.metadata.name}={.status.podIP} {end}'`)) {
		name, ip, _ := strings.Cut(pod, "=")
		if strings.Contains(d.sh(t, `curl -sk -H "Authorization: Bearer $(kubectl create token default)" https://`+ip+`:6443/metrics || true`),
			"\nnetworking_leader 1") {
			return name
		}
	}
	t.Fatal("no replica leads")
	return ""
}

// kill ends one process of a Pod as a crash does.
func kill(t *testing.T, program string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(content), program+"\x00") || strings.Contains(string(content), "--data-dir=control-plane") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no process %s", program)
}
