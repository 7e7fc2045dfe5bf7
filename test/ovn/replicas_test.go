// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"strings"
	"syscall"
	"testing"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/server/standalone/etcdtest"
)

// measures tells whether a server serves a metric with a value: "networking_leader 1".
func (s *server) measures(t *testing.T, line string) bool {
	t.Helper()
	metrics, err := s.client(t).RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	return err == nil && strings.Contains(string(metrics), "\n"+line+"\n")
}

// leads tells whether a server runs the controllers.
func (s *server) leads(t *testing.T) bool {
	t.Helper()
	return s.measures(t, "networking_leader 1")
}

// TestTwoServersAsReplicas has two servers on one etcd and one OVN. What one is told the other does, and when the one that
// leads is killed or frozen, the other goes on from where it was. A leader that wakes up takes nothing back.
func TestTwoServersAsReplicas(t *testing.T) {
	w := &world{t: t, Lab: newLab(t)}
	etcd := strings.Join(etcdtest.Start(t), ",")
	var servers []*server
	for range 2 {
		server := newServer(t, w.NBAddress(), "--etcd-servers="+etcd)
		server.start(t)
		servers = append(servers, server)
	}
	// roles returns the server that leads and the other one. Requests go to the other one from then on.
	roles := func() (leader, other *server) {
		t.Helper()
		eventually(t, "one of the two leads", func() (bool, string) {
			first, second := servers[0].leads(t), servers[1].leads(t)
			leader, other = servers[0], servers[1]
			if second {
				leader, other = servers[1], servers[0]
			}
			return first != second, ""
		})
		w.server, w.NetworkingV1alpha1Interface = other, other.client(t)
		return leader, other
	}
	leader, _ := roles()
	w.network("a/one", to("b/two"))
	w.network("b/two", to("a/one"))
	one := w.guest("a/one", "one", "10.0.0.1")
	w.guest("b/two", "two", "10.1.0.1")
	w.ready("a/one", "b/two")
	w.stops("unpeer at the other replica", one, "10.1.0.1", func() { w.network("b/two") })

	leader.Kill()
	w.network("b/two", to("a/one"))
	w.ready("a/one", "b/two")
	w.reaches(one, "10.1.0.1")
	leader.start(t)

	leader, other := roles()
	freeze := func(signal syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(leader.PID(), signal); err != nil {
			t.Fatal(err)
		}
	}
	freeze(syscall.SIGSTOP)
	w.network("b/two")
	eventually(t, "the other replica leads and releases", func() (bool, string) {
		return other.leads(t) && !one.Ping(t.Context(), "10.1.0.1", answer), "packets pass"
	})
	freeze(syscall.SIGCONT)
	eventually(t, "the former leader knows it", func() (bool, string) { return !leader.leads(t), "it leads" })
	w.silent(one, "10.1.0.1")
	w.network("b/two", to("a/one"))
	w.ready("a/one", "b/two")
	w.reaches(one, "10.1.0.1")
	w.peering("a/one", "b/two", v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringStateReady)
}
