// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"ironcore.dev/networking/test/e2e/cluster"
	"ironcore.dev/networking/test/memory"
)

// What the manifests give a member of etcd.
const (
	memberSettings   = "../../deploy/kustomize/components/etcd-cluster/etcd-config.yaml"
	memberMemory     = 2 << 30
	memberGoMemLimit = "1843MiB"
)

// A tenant with one object of the largest size, who changes it over and over, neither ends a member of etcd nor keeps it from
// starting again. The member reads its log into memory at its start.
func TestAMembersLogFullOfTheLargestObjectsFitsIntoItsMemory(t *testing.T) {
	t.Setenv("GOMEMLIMIT", memberGoMemLimit)
	content, err := os.ReadFile(memberSettings)
	if err != nil {
		t.Fatal(err)
	}
	var settings struct {
		Count   int `json:"snapshot-count"`
		CatchUp int `json:"snapshot-catchup-entries"`
	}
	if err := yaml.Unmarshal(content, &settings); err != nil || settings.Count == 0 || settings.CatchUp == 0 {
		t.Fatalf("the settings of a member are %+v, %v", settings, err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	etcd, err := cluster.StartEtcd(t.Context(), cluster.Config{Root: root, Dir: t.TempDir()}, "full-log",
		fmt.Sprintf("--snapshot-count=%d", settings.Count), fmt.Sprintf("--snapshot-catchup-entries=%d", settings.CatchUp))
	if err != nil {
		t.Fatal(err)
	}
	member := etcd.Members[0]
	t.Cleanup(member.Kill)
	client, err := etcd.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	// Random bytes, and the largest request that etcd takes.
	value := make([]byte, 1_500_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(value)
	// All that it keeps after a snapshot, and all but one until the next.
	writing := 0
	for i := range 2*settings.Count - 2 {
		value[0] = byte(i)
		if _, err := client.Put(t.Context(), "large", string(value)); err != nil {
			t.Fatal(err)
		}
		writing = max(writing, memory.Of(t, member.PID(), "RssAnon")) // The kernel takes back what is mapped of files.
	}
	member.Kill()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := member.Start(ctx); err != nil {
		t.Fatal(err)
	}
	starting := memory.Of(t, member.PID(), "RssAnon")
	t.Logf("%d MiB at most while it was written, %d MiB for a start of %s", writing>>20, starting>>20, time.Since(began).Round(time.Millisecond))
	if limit := memberMemory * 3 / 4; writing > limit || starting > limit {
		t.Errorf("too near to the limit of %d MiB", memberMemory>>20)
	}
	got, err := client.Get(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) != 1 || !bytes.Equal(got.Kvs[0].Value, value) {
		t.Error("after the start it has not what was acknowledged last")
	}
}
