// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/rest"

	"ironcore.dev/networking/test/e2e/cluster"
)

// What breaks in operation. Each of these tests disturbs the cluster that all share and puts it in order again, so they
// come last.

// TestNothingWasForbiddenToTheServer reads what the replicas have logged in all tests before.
func TestNothingWasForbiddenToTheServer(t *testing.T) {
	defect := regexp.MustCompile(`(?i)forbidden|panic|cannot (list|watch|get)`)
	for _, replica := range shared.Replicas {
		log, err := os.ReadFile(replica.LogFile)
		if err != nil {
			t.Fatal(err)
		}
		lines := slices.DeleteFunc(strings.Split(string(log), "\n"),
			func(line string) bool { return !defect.MatchString(line) || strings.Contains(line, "validation error") })
		if len(lines) > 0 {
			t.Errorf("%s logged %d such lines, for instance: %s", replica.Name, len(lines), lines[0])
		}
	}
}

// TestTheServersRoleGrantsWhatItUses compares the role with what the server has asked the host cluster in all tests before. What
// it never asks, it may not.
func TestTheServersRoleGrantsWhatItUses(t *testing.T) {
	root := admin(t)
	role, err := root.kubernetes.RbacV1().ClusterRoles().Get(t.Context(), "network-apiserver", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	granted := sets.New[string]()
	for _, rule := range role.Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					granted.Insert(verb + " " + schema.GroupResource{Group: group, Resource: resource}.String())
				}
			}
		}
	}
	// They are used with the providers ironcore-net and ovn: test/e2e/ovn.
	granted.Delete("list prefixes.ipam.ironcore.dev", "watch prefixes.ipam.ironcore.dev")
	lost := 0
	eventually(t, 60*time.Second, func(ctx context.Context) error {
		used := sets.New[string]()
		for event, err := range auditEvents(shared.Kubernetes.AuditLog) {
			if err != nil {
				return err
			}
			if ref := event.ObjectRef; ref != nil {
				resource := strings.TrimSuffix(ref.Resource+"/"+ref.Subresource, "/")
				asked := schema.GroupResource{Group: ref.APIGroup, Resource: resource}.String()
				used.Insert(event.Verb + " " + asked)
				if event.Verb == "watch" { // Informers begin with a list where a cluster can't send all by a watch.
					used.Insert("list " + asked)
				}
			}
		}
		unused := granted.Difference(used)
		if unused.Len() == 0 {
			return nil
		}
		if unused.Has("patch flowschemas/status.flowcontrol.apiserver.k8s.io") {
			// Whoever is first notes that the priority level of a FlowSchema is missing: kube-apiserver or a replica.
			lost++
			name := fmt.Sprintf("e2e-lost-%d", lost)
			schemas := root.kubernetes.FlowcontrolV1().FlowSchemas()
			if _, err := schemas.Create(ctx, &flowcontrolv1.FlowSchema{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec: flowcontrolv1.FlowSchemaSpec{
					PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: name},
					MatchingPrecedence:         9000,
				},
			}, metav1.CreateOptions{}); err != nil {
				return err
			}
			t.Cleanup(func() { _ = schemas.Delete(context.Background(), name, metav1.DeleteOptions{}) })
		}
		return fmt.Errorf("the role grants what the server never asks for: %q", sets.List(unused))
	})
}

func TestRollingRestartFailsNoRequest(t *testing.T) {
	l := startLoad(t)
	for _, replica := range shared.Replicas {
		restart(t, &replica.Process)
		l.untilRunning(t, 30*time.Second)
	}
	l.want(t)
	l.wantAcknowledged(t)
}

// restart stops and starts a process.
func restart(t *testing.T, process *cluster.Process) {
	t.Helper()
	if err := process.Stop(); err != nil {
		t.Fatal(err)
	}
	start(t, process)
}

func start(t *testing.T, process *cluster.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := process.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestCertificatesAreRotatedUnderLoad(t *testing.T) {
	before := map[string]string{}
	for _, replica := range shared.Replicas {
		before[replica.Name] = servingCertificate(t, replica)
	}
	l := startLoad(t)
	if err := shared.RotateServingCertificates(); err != nil {
		t.Fatal(err)
	}
	for _, replica := range shared.Replicas {
		eventually(t, 90*time.Second, func(context.Context) error {
			if servingCertificate(t, replica) == before[replica.Name] {
				return fmt.Errorf("%s still shows its old certificate", replica.Name)
			}
			return nil
		})
	}
	l.untilRunning(t, 30*time.Second)
	l.want(t)
}

// servingCertificate returns the serial number of the certificate that a replica shows.
func servingCertificate(t *testing.T, replica *cluster.Replica) string {
	t.Helper()
	config, err := rest.TLSConfigFor(shared.Direct(replica))
	if err != nil {
		t.Fatal(err)
	}
	connection, err := tls.Dial("tcp", strings.TrimPrefix(replica.URL, "https://"), config)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestTheControllersOutliveTheirLeader(t *testing.T) {
	namespaces := []string{newNamespace(t), newNamespace(t), newNamespace(t)}
	root := admin(t)
	l := newLoad()
	workers := []func(context.Context){l.tornReader(root.networks)}
	for range 4 {
		workers = append(workers, l.churner(root.networks, namespaces))
	}
	l.run(t, workers...)
	for round := range len(shared.Replicas) {
		l.untilRunning(t, 30*time.Second)
		leader := leader(t)
		leader.Kill()
		killed := time.Now()
		namespace := newNamespace(t)
		// Bound within ten seconds of the kill, whoever leads by then.
		bindWithin(t, namespace, 10*time.Second)
		t.Logf("round %d: %s killed, a new peering was bound %.1f s later", round, leader.Name, time.Since(killed).Seconds())
		start(t, &leader.Process)
	}
	l.stop()
	wantBindingRule(t, 30*time.Second)
	l.want(t)
}

// bindWithin makes two Networks that name each other, whatever it takes, and waits until they are bound.
func bindWithin(t *testing.T, namespace string, within time.Duration) {
	t.Helper()
	deadline := time.Now().Add(within)
	root := admin(t)
	for one, other := range map[string]string{"one": "other", "other": "one"} {
		// The replica that was killed takes connections of the kube-apiserver with it: a client has to ask again.
		eventually(t, time.Until(deadline), func(ctx context.Context) error {
			_, err := root.networks.Networks(namespace).Create(ctx, network(one, other), metav1.CreateOptions{})
			return err
		})
	}
	root.settles(t, time.Until(deadline), namespace, "one", bound)
	root.settles(t, time.Until(deadline), namespace, "other", bound)
}

// leader returns the replica that runs the controllers.
func leader(t *testing.T) *cluster.Replica {
	t.Helper()
	var leader *cluster.Replica
	eventually(t, 15*time.Second, func(ctx context.Context) (err error) {
		leader, err = shared.Leader(ctx)
		return err
	})
	return leader
}

func TestNoAcknowledgedWriteIsLostWithAnEtcdMember(t *testing.T) {
	l := startLoad(t)
	for _, member := range shared.Etcd.Members {
		member.Kill()
		for _, replica := range shared.Replicas {
			if _, err := shared.Ask(t.Context(), replica, "/livez"); err != nil {
				t.Errorf("with %s dead: %v", member.Name, err)
			}
		}
		l.untilRunning(t, 30*time.Second)
		start(t, member)
		l.untilRunning(t, 30*time.Second)
	}
	l.wantAcknowledged(t)
	l.wantRepeatable(t)
}

// TestAnEtcdMemberIsReplacedUnderLoad takes the data of the member that leads, and of one that follows, and lets new ones in.
func TestAnEtcdMemberIsReplacedUnderLoad(t *testing.T) {
	leader, err := shared.Etcd.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := startLoad(t)
	for _, member := range []int{leader, (leader + 1) % len(shared.Etcd.Members)} {
		if err := shared.Etcd.Lose(member); err != nil {
			t.Fatal(err)
		}
		l.untilRunning(t, 30*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		began := time.Now()
		if err := shared.Etcd.Replace(ctx, member); err != nil {
			t.Fatal(err)
		}
		cancel()
		t.Logf("%s was replaced within %.1f s", shared.Etcd.Members[member].Name, time.Since(began).Seconds())
		l.untilRunning(t, 30*time.Second)
	}
	l.wantAcknowledged(t)
	l.wantRepeatable(t)
}

// TestARollingRestartOfEtcdIsAnsweredInTime stops one member after the other in order, the leader too.
func TestARollingRestartOfEtcdIsAnsweredInTime(t *testing.T) {
	l := startLoad(t)
	for _, member := range shared.Etcd.Members {
		restart(t, member)
		l.untilRunning(t, 30*time.Second)
	}
	l.wantAcknowledged(t)
	l.wantRepeatable(t)
}

func TestANamespaceIsDeletedOnceTheServerIsBack(t *testing.T) {
	root := admin(t)
	namespace := newNamespace(t)
	root.peered(t, 20*time.Second, namespace, "one", "other")
	for _, replica := range shared.Replicas {
		if err := replica.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	namespaces := root.kubernetes.CoreV1().Namespaces()
	if err := namespaces.Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, func(ctx context.Context) error {
		n, err := namespaces.Get(ctx, namespace, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range n.Status.Conditions {
			if condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("the namespace does not say what it waits for: %+v", n.Status)
	})
	for _, replica := range shared.Replicas {
		start(t, &replica.Process)
	}
	namespaceIsGone(t, 120*time.Second, namespace)
}

func TestTheServerRecoversFromARestartOfTheKubeAPIServer(t *testing.T) {
	namespace := newNamespace(t)
	root := admin(t)
	shared.Kubernetes.APIServer.Kill()
	for _, replica := range shared.Replicas {
		if _, err := shared.Ask(t.Context(), replica, "/livez"); err != nil {
			t.Errorf("without the kube-apiserver: %v", err)
		}
	}
	start(t, shared.Kubernetes.APIServer)
	back := time.Now()
	eventually(t, 60*time.Second, func(ctx context.Context) error {
		_, err := root.networks.Networks(namespace).List(ctx, metav1.ListOptions{})
		return err
	})
	t.Logf("Networks were served %.1f s after the kube-apiserver was back", time.Since(back).Seconds())
	// The provider outside, too, has been turned away for a while, and asks ever less often.
	root.peered(t, 90*time.Second, namespace, "one", "other")
	user := tenant(t, namespace, "edit")
	user.create(t, namespace, network("third"))
	for _, replica := range shared.Replicas {
		if !replica.Running() {
			t.Errorf("%s ended", replica.Name)
		}
	}
}
