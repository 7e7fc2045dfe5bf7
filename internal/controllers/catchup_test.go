// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/server/standalone/etcdtest"
)

func TestWhenAnInformerHasCaughtUp(t *testing.T) {
	for sentence, tc := range map[string]struct {
		stored   []int64
		at, seen int64
		cached   []int64
		want     bool
	}{
		"with nothing stored, at once":                          {at: 9, want: true},
		"once it has seen the last change, whatever came after": {stored: []int64{3, 7}, at: 9, seen: 7, cached: []int64{3, 7}, want: true},
		"not before it has seen the last change":                {stored: []int64{3, 7}, at: 9, seen: 5, cached: []int64{3, 5}},
		"not as long as it has what was deleted":                {stored: []int64{3}, at: 9, seen: 7, cached: []int64{3, 7}},
		"once it has seen all up to the revision":               {stored: []int64{3}, at: 9, seen: 9, cached: []int64{3}, want: true},
		"without what can't be read":                            {stored: []int64{3, 7}, at: 9, seen: 8, cached: []int64{3}, want: true},
		"with what changed since":                               {stored: []int64{3, 7}, at: 9, seen: 12, cached: []int64{3, 12}, want: true},
	} {
		stored := make(map[int64]bool)
		for _, revision := range tc.stored {
			stored[revision] = true
		}
		if got := caughtUp(stored, tc.at, tc.seen, func() []int64 { return tc.cached }); got != tc.want {
			t.Errorf("%s: got %t", sentence, got)
		}
	}
}

// Two leaders in turn: what the first has written, the second must know before it decides.
func TestANewLeaderWaitsForItsInformers(t *testing.T) {
	etcd := etcdtest.Client(t)
	const key = "/registry/networking.ironcore.dev/networks/team-a/net"
	put, err := etcd.Put(t.Context(), key, "as an earlier leader wrote it")
	if err != nil {
		t.Fatal(err)
	}
	second := startReplica(t, etcd, "second")
	waitForCandidates(t, etcd, "second")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	select {
	case <-second.began:
		t.Fatal("it leads and has not seen the Network")
	case <-ctx.Done():
	}
	network := &v1alpha1.Network{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "net"}}
	network.ResourceVersion = "1"
	second.has(t, network) // An older version.
	network.ResourceVersion = strconv.FormatInt(put.Header.Revision, 10)
	second.has(t, network)
	within(t, second.began, "leading once the Network was seen")
}
