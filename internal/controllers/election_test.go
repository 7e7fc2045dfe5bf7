// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/record"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/provider"
	"ironcore.dev/networking/internal/server/standalone/etcdtest"
	"ironcore.dev/networking/pkg/client/clientset/versioned/fake"
	"ironcore.dev/networking/pkg/client/informers/externalversions"
)

// electionTimeout is longer than any election takes on a busy machine.
const electionTimeout = time.Minute

// replica is a Manager of its own. It is its own provider, which realizes nothing but tells when the replica leads.
type replica struct {
	client       *fake.Clientset
	began, ended chan struct{}
	stop         func() // and wait
}

func (r *replica) Finalizer() string { return "" }

func (r *replica) Realize(
	context.Context, *v1alpha1.Network, provider.Situation,
) (provider.Realization, error) {
	return provider.Realization{}, nil
}

func (r *replica) Release(context.Context, *v1alpha1.Network) (gone bool, err error) {
	return true, nil
}

func (r *replica) Run(ctx context.Context, _ provider.Found) error {
	r.began <- struct{}{}
	<-ctx.Done()
	r.ended <- struct{}{}
	return nil
}

func startReplica(t *testing.T, etcd *clientv3.Client, identity string) *replica {
	t.Helper()
	client := fake.NewClientset()
	r := &replica{client: client, began: make(chan struct{}, 10), ended: make(chan struct{}, 10)}
	manager, err := NewManager(Config{
		Options:        NewOptions(),
		Client:         client,
		Informers:      externalversions.NewSharedInformerFactory(client, 0),
		Recorder:       &record.FakeRecorder{},
		NewProvider:    func() (provider.Provider, error) { return r, nil },
		Etcd:           etcd,
		ElectionPrefix: "/election",
		StoragePrefix:  "/registry/networking.ironcore.dev",
		Identity:       identity,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		manager.Run(ctx)
	}()
	r.stop = func() {
		cancel()
		<-stopped
	}
	t.Cleanup(r.stop)
	return r
}

// has puts a version of a Network into the replica's cache.
func (r *replica) has(t *testing.T, network *v1alpha1.Network) {
	t.Helper()
	err := r.client.Tracker().Update(networks, network, network.Namespace)
	if apierrors.IsNotFound(err) {
		err = r.client.Tracker().Create(networks, network.DeepCopy(), network.Namespace)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T, signal <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(electionTimeout):
		t.Fatalf("%s did not happen in %v", what, electionTimeout)
	}
}

func TestOneReplicaLeadsAtATime(t *testing.T) {
	etcd := etcdtest.Client(t)
	first := startReplica(t, etcd, "first")
	within(t, first.began, "the first replica's becoming leader")
	second := startReplica(t, etcd, "second")

	// The second takes part once its candidacy is in etcd, behind that of the first.
	waitForCandidates(t, etcd, "first", "second")
	if len(second.began) > 0 {
		t.Fatal("two replicas lead")
	}

	begin := time.Now()
	first.stop()
	within(t, first.ended, "the first replica's end")
	within(t, second.began, "the handing over")
	// A leader that resigns is not waited for until its lease runs out.
	if took := time.Since(begin); took >= electionTTL*time.Second {
		t.Errorf("handing over took %v", took)
	}
	waitForCandidates(t, etcd, "second")
}

func TestALeaderThatLosesItsLeaseStopsAndCampaignsAgain(t *testing.T) {
	etcd := etcdtest.Client(t)
	only := startReplica(t, etcd, "only")
	within(t, only.began, "the first term")

	leases, err := etcd.Leases(t.Context())
	if err != nil || len(leases.Leases) != 1 {
		t.Fatalf("got leases %v and error %v, want the leader's one", leases, err)
	}
	if _, err := etcd.Revoke(t.Context(), leases.Leases[0].ID); err != nil {
		t.Fatal(err)
	}
	within(t, only.ended, "the end of the first term")
	within(t, only.began, "the second term")
}

// waitForCandidates waits until the replicas are all that are in the election, in this order.
func waitForCandidates(t *testing.T, etcd *clientv3.Client, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), electionTimeout)
	defer cancel()
	candidates := func() (names []string, revision int64) {
		answer, err := etcd.Get(ctx, "/election/leader/", clientv3.WithPrefix(),
			clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
		if err != nil {
			t.Fatal(err)
		}
		for _, kv := range answer.Kvs {
			names = append(names, string(kv.Value))
		}
		return names, answer.Header.Revision
	}
	for {
		names, revision := candidates()
		if slices.Equal(names, want) {
			return
		}
		change := etcd.Watch(ctx, "/election/leader/", clientv3.WithPrefix(), clientv3.WithRev(revision+1))
		if answer, ok := <-change; !ok || answer.Err() != nil {
			t.Fatalf("the candidates are %v, want %v", names, want)
		}
	}
}
