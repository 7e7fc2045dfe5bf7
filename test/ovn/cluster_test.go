// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/ovn/lab"
)

// TestTheLeaderOfAClusterIsKilled has three members of a north-bound database with rows of others in it. When the member that
// leads is killed, nothing is lost or made twice: packets pass as before, and changes are in force once another member leads.
func TestTheLeaderOfAClusterIsKilled(t *testing.T) {
	if obstacle != "" {
		t.Skip(obstacle)
	}
	cluster := newCluster(t)
	for _, command := range [][]string{{"init"}, {"lr-add", "foreign"}, {"ls-add", "foreign"}} {
		cluster.ctl(t, command...)
	}
	l, err := lab.StartOn(strings.Join(cluster.addresses, ","))
	closeAfter(t, l, err)
	w := newWorldIn(t, l)
	w.network("a/one", to("b/two"))
	w.network("b/two", to("a/one"))
	one := w.guest("a/one", "one", "10.0.0.1")
	two := w.guest("b/two", "two", "10.1.0.1")
	w.ready("a/one", "b/two")
	w.reaches(one, "10.1.0.1")

	if err := cluster.members[cluster.leader(t)].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if !one.Ping(t.Context(), "10.1.0.1", time.Second) {
		t.Error("what was in place carries nothing")
	}
	w.network("b/two")
	eventually(t, "the release stops the packets", func() (bool, string) {
		return !one.Ping(t.Context(), "10.1.0.1", answer), "they pass"
	})
	w.silent(two, "10.0.0.1")
	w.network("b/two", to("a/one"))
	w.ready("a/one", "b/two")
	w.reaches(one, "10.1.0.1")
	w.reaches(two, "10.0.0.1")

	// Nothing is made twice, and what is foreign stays.
	w.network("a/three")
	w.state("a/three", v1alpha1.NetworkStateAvailable)
	if err := w.Networks("a").Delete(t.Context(), "three", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "two Networks and what is foreign are there", func() (bool, string) {
		routers, switches := cluster.ctl(t, "lr-list"), cluster.ctl(t, "ls-list")
		both := routers + switches
		return strings.Count(routers, "(network-") == 2 && strings.Count(switches, "(switch-") == 2 && strings.Count(both, "(foreign)") == 2, both
	})
}

// TestALeaderThatIsFrozenHoldsUpNothing freezes the member that is named first: its connections stay open, and new ones are
// accepted.
func TestALeaderThatIsFrozenHoldsUpNothing(t *testing.T) {
	if obstacle != "" {
		t.Skip(obstacle)
	}
	cluster := newCluster(t)
	cluster.ctl(t, "init")
	leader := cluster.leader(t)
	addresses := append([]string{cluster.addresses[leader]}, slices.Delete(slices.Clone(cluster.addresses), leader, leader+1)...)
	w := &world{t: t, server: newServer(t, strings.Join(addresses, ","))}
	w.server.start(t)
	w.NetworkingV1alpha1Interface = w.server.client(t)
	w.network("a/before")
	w.state("a/before", v1alpha1.NetworkStateAvailable)
	if err := cluster.members[leader].Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	frozen := time.Now()
	w.network("a/after")
	w.state("a/after", v1alpha1.NetworkStateAvailable)
	t.Logf("a Network is Available %.1f s after the leader froze", time.Since(frozen).Seconds())
}

func TestAMetricTellsWhetherTheDatabaseAnswers(t *testing.T) {
	l := newLab(t, lab.NB)
	server := newServer(t, l.NBAddress())
	server.start(t)
	measured := func(line string) {
		t.Helper()
		eventually(t, line, func() (bool, string) { return server.measures(t, line), "" })
	}
	measured("networking_ovn_nb_connected 1")
	l.Kill(lab.NB)
	measured("networking_ovn_nb_connected 0")
	if err := l.StartDaemon(lab.NB); err != nil {
		t.Fatal(err)
	}
	measured("networking_ovn_nb_connected 1")
}

// state waits until a Network is in a state.
func (w *world) state(network string, state v1alpha1.NetworkState) {
	w.t.Helper()
	namespace, name, _ := strings.Cut(network, "/")
	eventually(w.t, network+" is "+string(state), func() (bool, string) {
		got, err := w.Networks(namespace).Get(w.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return got.Status.State == state, string(got.Status.State)
	})
}

// cluster is a north-bound database of three members.
type cluster struct {
	addresses []string
	controls  []string
	members   []*exec.Cmd
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	c := &cluster{}
	first := ""
	for i := range 3 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		raft := "tcp:" + listener.Addr().String()
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "nb"+strconv.Itoa(i))
		args := []string{"create-cluster", file + ".db", "/usr/share/ovn/ovn-nb.ovsschema", raft}
		if i > 0 {
			args = []string{"join-cluster", file + ".db", "OVN_Northbound", raft, first}
		} else {
			first = raft
		}
		if output, err := exec.Command("ovsdb-tool", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		c.members = append(c.members, startDatabase(t, file))
		c.addresses = append(c.addresses, "unix:"+file+".sock")
		c.controls = append(c.controls, file+".ctl")
		eventually(t, "a member has joined", func() (bool, string) { return strings.Contains(c.status(i), "cluster member"), c.status(i) })
	}
	return c
}

// startDatabase serves FILE.db at FILE.sock.
func startDatabase(t *testing.T, file string, args ...string) *exec.Cmd {
	t.Helper()
	database := exec.Command("ovsdb-server", append([]string{file + ".db", "--remote=punix:" + file + ".sock",
		"--unixctl=" + file + ".ctl", "-vconsole:off"}, args...)...)
	database.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := database.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = database.Process.Kill() // It may have ended.
		_ = database.Wait()
	})
	return database
}

func (c *cluster) status(member int) string {
	output, err := exec.Command("ovs-appctl", "-t", c.controls[member], "cluster/status", "OVN_Northbound").CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return string(output)
}

func (c *cluster) ctl(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"--db=" + strings.Join(c.addresses, ","), "--timeout=20"}, args...)
	output, err := exec.Command("ovn-nbctl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ovn-nbctl %v: %v: %s", args, err, output)
	}
	return string(output)
}

func (c *cluster) leader(t *testing.T) (leader int) {
	t.Helper()
	eventually(t, "a member leads", func() (bool, string) {
		for leader = range c.members {
			if strings.Contains(c.status(leader), "Role: leader") {
				return true, ""
			}
		}
		return false, ""
	})
	return leader
}
