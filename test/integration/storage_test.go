// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"ironcore.dev/networking/internal/server/standalone"
)

func TestObjectsAreStoredAsProtobuf(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t))
	n.peered(t, "a", "b")
	n.kubectl(t, "apply", "-f", sampleFile)
	n.await(t, "network-sample", available)
	n.createNIC(t, newNIC("nic", "a", "10.0.0.1"))
	n.stop(t)

	dir, err := standalone.Open(n.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	etcd, err := dir.StartEtcd(t.Context(), standalone.DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Close()
	client, err := clientv3.New(clientv3.Config{Endpoints: etcd.Endpoints(), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const prefix = "/registry/networking.ironcore.dev/"
	stored, err := client.Get(t.Context(), prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if stored.Count != 4 {
		t.Errorf("etcd has %d objects, want 3 Networks and a NetworkInterface", stored.Count)
	}
	for _, entry := range stored.Kvs {
		if !bytes.HasPrefix(entry.Value, []byte("k8s\x00")) {
			t.Errorf("%s begins with %q, want the mark of protobuf", entry.Key, entry.Value[:min(20, len(entry.Value))])
		}
	}
}

func TestTheDataDirectoryIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	s := newServer(filepath.Join(t.TempDir(), "made", "with", "its", "parents"))
	s.LogFile = filepath.Join(t.TempDir(), "log")
	s.mustStart(t)
	t.Cleanup(func() { s.stop(t) })
	for path, want := range map[string]fs.FileMode{s.Dir: 0o700 | fs.ModeDir, s.Kubeconfig: 0o600} {
		if mode := fileMode(t, path); mode != want {
			t.Errorf("%s has mode %s, want %s", path, mode, want)
		}
	}
	if err := filepath.WalkDir(s.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		if mode := fileMode(t, path); mode.Perm()&0o077 != 0 && mode.Type() != fs.ModeSocket {
			t.Errorf("%s has mode %s, want nothing for other users", path, mode)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func fileMode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}
