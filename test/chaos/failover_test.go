// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/pkg/client/clientset/versioned"
	"ironcore.dev/networking/test/e2e/cluster"
)

// How long the controllers may stand still, whatever happens to one process, and if only some of its connections carry nothing: that
// shows later.
const (
	failoverLimit   = 5 * time.Second
	connectionLimit = 10 * time.Second
)

func TestControllersWorkAgainWithinSeconds(t *testing.T) {
	leading := func(t *testing.T) *cluster.Process { return &leader(t).Process }
	etcdLeader := func(t *testing.T) int {
		number := 0
		eventually(t, 30*time.Second, func(ctx context.Context) (err error) {
			number, err = shared.Etcd.Leader(ctx)
			return err
		})
		return number
	}
	victims := []struct {
		name string
		who  func(*testing.T) *cluster.Process
	}{
		{"the leading replica", leading},
		{"the etcd leader", func(t *testing.T) *cluster.Process { return shared.Etcd.Members[etcdLeader(t)] }},
		{"a follower in etcd", func(t *testing.T) *cluster.Process {
			return shared.Etcd.Members[(etcdLeader(t)+1)%len(shared.Etcd.Members)]
		}},
	}
	harms := []struct {
		name string
		harm harm
	}{{"killed", kill}, {"frozen", freeze}, {"cut off", cut}}
	for _, v := range victims {
		for _, h := range harms {
			t.Run(strings.ReplaceAll(v.name+" is "+h.name, " ", "_"), func(t *testing.T) { failsOver(t, v.who, h.harm, failoverLimit) })
		}
	}
	t.Run("half_of_the_connections_to_etcd_of_the_leading_replica_are_lost", func(t *testing.T) {
		failsOver(t, leading, lose, connectionLimit)
	})
}

// failsOver harms a process up to three times. A machine that is busy makes one attempt slow; a fault of the program would make all of
// them slow.
func failsOver(t *testing.T, who func(*testing.T) *cluster.Process, harm harm, limit time.Duration) {
	t.Helper()
	const attempts = 3
	for range attempts {
		took := failover(t, who, harm)
		t.Logf("two new Networks were bound after %.1f s", took.Seconds())
		if took <= limit {
			return
		}
	}
	t.Errorf("each of %d times it took more than %s", attempts, limit)
}

// failover harms a process, and returns how long it takes until two new Networks are bound.
func failover(t *testing.T, who func(*testing.T) *cluster.Process, harm harm) time.Duration {
	t.Helper()
	if err := recovers(t, "the test before"); err != nil {
		t.Fatal(err)
	}
	leader(t)
	process := who(t)
	end, err := harm(&shared, process)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}()
	return bound(t, process)
}

// bound makes two Networks that name each other, at another replica, and returns how long it takes until both are
// bound.
func bound(t *testing.T, victim *cluster.Process) time.Duration {
	t.Helper()
	began := time.Now()
	at := shared.Replicas[0]
	if &at.Process == victim {
		at = shared.Replicas[1]
	}
	config := shared.Direct(at)
	config.Timeout = 2 * time.Second
	client, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	networks := client.NetworkingV1alpha1().Networks(namespace)
	pair := []string{fmt.Sprintf("one-%d", began.UnixNano()), fmt.Sprintf("other-%d", began.UnixNano())}
	for i, name := range pair {
		n := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Name: name}}
		n.Spec.Peerings = []v1alpha1.NetworkPeering{
			{Name: "peer", NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Name: pair[1-i]}},
		}
		eventually(t, time.Minute, func(ctx context.Context) error {
			_, err := networks.Create(ctx, n, metav1.CreateOptions{})
			if _, getErr := networks.Get(ctx, name, metav1.GetOptions{}); getErr == nil {
				return nil
			}
			return err
		})
	}
	for _, name := range pair {
		eventually(t, time.Minute, func(ctx context.Context) error {
			n, err := networks.Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if len(n.Status.Peerings) != 1 || n.Status.Peerings[0].Phase != v1alpha1.NetworkPeeringPhaseBound {
				return fmt.Errorf("%s is not bound: %+v", name, n.Status.Peerings)
			}
			return nil
		})
	}
	return time.Since(began)
}

// leader returns the replica that runs the controllers.
func leader(t *testing.T) *cluster.Replica {
	t.Helper()
	var leader *cluster.Replica
	eventually(t, 30*time.Second, func(ctx context.Context) (err error) {
		leader, err = shared.Leader(ctx)
		return err
	})
	return leader
}
