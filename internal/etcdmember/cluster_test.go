// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/apimachinery/pkg/util/wait"
)

// cluster is a real etcd of three members, each of which starts from the file that prepare writes for it.
type cluster struct {
	dir     string
	clients []string
	peers   []string
	members [3]*embed.Etcd
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{dir: t.TempDir()}
	for range c.members {
		c.clients, c.peers = append(c.clients, freeURL(t)), append(c.peers, freeURL(t))
	}
	t.Cleanup(func() {
		for i := range c.members {
			c.stop(i)
		}
	})
	var group sync.WaitGroup
	for i := range c.members {
		group.Go(func() { c.start(t, i, c.prepare(t, i, &lines{})) })
	}
	group.Wait()
	return c
}

func freeURL(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

func (c *cluster) name(i int) string { return fmt.Sprintf("etcd-%d", i) }
func (c *cluster) data(i int) string { return filepath.Join(c.dir, c.name(i)) }

// prepare runs prepare for a member, and returns the file that it wrote.
func (c *cluster) prepare(t *testing.T, i int, out *lines) string {
	t.Helper()
	var initial []string
	for j := range c.members {
		initial = append(initial, c.name(j)+"="+c.peers[j])
	}
	config := filepath.Join(t.TempDir(), "etcd.yaml")
	content := strings.Join([]string{
		"name: $(NAME)",
		"data-dir: " + c.data(i),
		"listen-client-urls: " + c.clients[i],
		"advertise-client-urls: " + c.clients[i],
		"listen-peer-urls: " + c.peers[i],
		"initial-advertise-peer-urls: " + c.peers[i],
		"initial-cluster: " + strings.Join(initial, ","),
		"heartbeat-interval: 20",
		"election-timeout: 400",
		"logger: zap",
		"log-level: fatal",
	}, "\n")
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Error(err)
	}
	p := preparation{
		Name: c.name(i), Config: config, Output: config + ".out", Client: client{Endpoints: c.clients},
		Period: 20 * time.Millisecond, Out: out,
	}
	if err := p.Run(t.Context()); err != nil {
		t.Error(err)
	}
	return p.Output
}

func (c *cluster) start(t *testing.T, i int, file string) {
	t.Helper()
	config, err := embed.ConfigFromFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		t.Error(err)
		return
	}
	c.members[i] = etcd
	select {
	case <-etcd.Server.ReadyNotify():
	case err := <-etcd.Err():
		t.Errorf("%s: %v", c.name(i), err)
	case <-time.After(30 * time.Second):
		t.Errorf("%s is not ready", c.name(i))
	}
}

func (c *cluster) stop(i int) {
	if c.members[i] != nil {
		c.members[i].Close()
		c.members[i] = nil
	}
}

// client is one of the first member.
func (c *cluster) client(t *testing.T) *clientv3.Client {
	t.Helper()
	config, err := (&client{}).config(c.clients[0])
	if err != nil {
		t.Fatal(err)
	}
	etcd, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = etcd.Close() })
	return etcd
}

// lines takes what is said, and tells when the first line came.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	said chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said != nil && l.text.Len() == 0 {
		close(l.said)
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestMemberThatLostItsDataStaysOutUntilItIsReplaced(t *testing.T) {
	c := newCluster(t)
	etcd := c.client(t)
	if _, err := etcd.Put(t.Context(), "key", "value"); err != nil {
		t.Fatal(err)
	}
	before, err := etcd.MemberList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.stop(2)
	if err := os.RemoveAll(c.data(2)); err != nil {
		t.Fatal(err)
	}

	out := &lines{said: make(chan struct{})}
	prepared := make(chan string, 1)
	go func() { prepared <- c.prepare(t, 2, out) }()
	select {
	case <-out.said:
	case file := <-prepared:
		t.Fatalf("a member without its data was let in: %s", file)
	}
	lost := slices.IndexFunc(before.Members, func(m *etcdserverpb.Member) bool { return m.Name == c.name(2) })
	if _, err := etcd.MemberRemove(t.Context(), before.Members[lost].ID); err != nil {
		t.Fatal(err)
	}
	// etcd lets nobody in before the members that are left have seen each other for five seconds.
	var added *clientv3.MemberAddResponse
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true,
		func(ctx context.Context) (bool, error) {
			added, err = etcd.MemberAdd(ctx, []string{c.peers[2]})
			if errors.Is(err, rpctypes.ErrUnhealthy) {
				return false, nil
			}
			return err == nil, err
		})
	if err != nil {
		t.Fatal(err)
	}
	c.start(t, 2, <-prepared)
	if got := c.members[2].Server.MemberID(); uint64(got) != added.Member.ID {
		t.Errorf("it runs as member %d, and was added as %d", got, added.Member.ID)
	}
	if got := strings.Count(out.String(), "has lost its data"); got != 1 {
		t.Errorf("said %d times that its data is lost, want once:\n%s", got, out)
	}
	config, err := (&client{}).config(c.clients[2])
	if err != nil {
		t.Fatal(err)
	}
	replaced, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer replaced.Close()
	if got, err := replaced.Get(t.Context(), "key"); err != nil || got.Count != 1 {
		t.Errorf("the new member knows %v of the key, %v", got, err)
	}
}

func TestBackupKeepsTheNewest(t *testing.T) {
	c := newCluster(t)
	dir := t.TempDir()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.stop(1)
	b := backup{
		Dir: dir, Keep: 2, Out: &lines{}, Now: func() time.Time { now = now.Add(time.Hour); return now },
		Client: client{Endpoints: []string{c.clients[1], c.clients[0]}}, // The first one is away.
	}
	for range 4 {
		if err := b.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.Client.Endpoints = c.clients[:1]
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	want := []string{"network-etcd-20260101T030000Z.db", "network-etcd-20260101T040000Z.db"}
	if !slices.Equal(files, want) {
		t.Errorf("backups are %q, want %q", files, want)
	}

}

func TestBackupMakesRoomFirstAndKeepsTheNewestIfItFails(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	const oldest, older, newest = "network-etcd-20260101T010000Z.db", "network-etcd-20260101T020000Z.db", "network-etcd-20260101T030000Z.db"
	const unfinished = "network-etcd-20260101T110000Z.db.part"
	for name, tt := range map[string]struct {
		keep int
		want []string
	}{
		"room for the next one is made before it is saved": {3, []string{older, newest, unfinished}},
		"one stays, as the next one may fail":              {1, []string{newest, unfinished}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, changed := range map[string]time.Time{
				oldest: now, older: now, newest: now,
				unfinished:                              now.Add(-time.Minute), // Another backup may still write it.
				"network-etcd-20260101T000000Z.db.part": now.Add(-time.Hour),
			} {
				path := filepath.Join(dir, file)
				if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, changed, changed)); err != nil {
					t.Fatal(err)
				}
			}
			b := backup{
				Dir: dir, Keep: tt.keep, Out: &lines{}, Now: func() time.Time { return now },
				Client: client{Endpoints: []string{freeURL(t)}},
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for range 2 {
				if err := b.Run(ctx); err == nil {
					t.Error("a backup that was not made is no error")
				}
			}
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, entry := range left {
				names = append(names, entry.Name())
			}
			if !slices.Equal(names, tt.want) {
				t.Errorf("there are %q, want %q", names, tt.want)
			}
		})
	}
}
