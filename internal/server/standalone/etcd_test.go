// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv("STANDALONE_TEST_CHILD"); mode != "" {
		if err := child(mode, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestEtcdKeepsItsData(t *testing.T) {
	tests := map[string]struct {
		name string
		// wantSocket tells whether the socket is in the data directory.
		wantSocket bool
	}{
		"in a plain directory":                               {name: "data", wantSocket: true},
		"in a directory with a name full of specials":        {name: `ä b%20c?d#e'f"g`, wantSocket: true},
		"in a directory whose path is too long for a socket": {name: strings.Repeat("long", 40)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			parent, err := os.MkdirTemp("", "") //nolint:usetesting // t.TempDir is too long for a socket.
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(parent)
			path := filepath.Join(parent, test.name)
			d, etcd, client := startEtcd(t, path)
			if _, err := client.Put(t.Context(), "key", "value"); err != nil {
				t.Fatal(err)
			}
			socket := etcd.socket
			if got := filepath.Dir(socket) == path; got != test.wantSocket {
				t.Errorf("the socket is %s", socket)
			}
			stopEtcd(t, d, etcd, client)
			if _, err := os.Stat(socket); !os.IsNotExist(err) {
				t.Errorf("the socket %s is still there: %v", socket, err)
			}
			if _, err := os.Stat(filepath.Dir(socket)); os.IsNotExist(err) == test.wantSocket {
				t.Errorf("the directory of the socket: %v", err)
			}

			d, etcd, client = startEtcd(t, path)
			defer stopEtcd(t, d, etcd, client)
			got, err := client.Get(t.Context(), "key")
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "value" {
				t.Errorf("after a restart there is %v", got.Kvs)
			}
		})
	}
}

func TestEtcdOpensNoPort(t *testing.T) {
	d, etcd, client := startEtcd(t, filepath.Join(t.TempDir(), "data"))
	defer stopEtcd(t, d, etcd, client)

	ours := map[string]bool{}
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, descriptor := range descriptors {
		target, _ := os.Readlink("/proc/self/fd/" + descriptor.Name())
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			ours[strings.TrimSuffix(inode, "]")] = true
		}
	}
	if len(ours) == 0 {
		t.Fatal("etcd has no socket at all")
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		lines, err := os.ReadFile("/proc/self/net/" + table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(lines)) {
			if fields := strings.Fields(line); len(fields) > 9 && ours[fields[9]] {
				t.Errorf("a %s socket is open: %s", table, line)
			}
		}
	}
}

func TestCloseCutsOffWatches(t *testing.T) {
	d, etcd, client := startEtcd(t, filepath.Join(t.TempDir(), "data"))
	defer d.Close()
	defer client.Close()
	events := client.Watch(t.Context(), "key", clientv3.WithCreatedNotify())
	if created := <-events; !created.Created {
		t.Fatalf("the watch began with %v", created)
	}
	begin := time.Now()
	etcd.Close()
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	select {
	case err := <-etcd.Failed():
		t.Errorf("being closed counts as a failure: %v", err)
	default:
	}
}

func TestStartIsCancelled(t *testing.T) {
	d := openTemp(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.StartEtcd(ctx, DefaultQuota)
	wantErrorLine(t, err, "etcd was told to stop before it was ready: context canceled")

	// The next may start at once: nothing of the first is left.
	etcd, err := d.StartEtcd(t.Context(), DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	etcd.Close()
}

func TestDatabaseOfAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	d, etcd, client := startEtcd(t, path)
	stopEtcd(t, d, etcd, client)
	db, err := bolt.Open(filepath.Join(path, "etcd/member/snap/db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_ = wantStartError(t, path, "the data in "+filepath.Join(path, "etcd")+" is locked by another process: "+
		"stop that one, or choose another --data-dir")
}

func TestDamage(t *testing.T) {
	template := filepath.Join(t.TempDir(), "template")
	fill(t, template)

	const (
		db     = "member/snap/db"
		intact = "intact" // instead of an error
	)
	tests := map[string]struct {
		damage func(t *testing.T, dir string)
		// want is how the error says what is wrong, with DIR for the etcd directory.
		want string
	}{
		"none": {
			damage: func(*testing.T, string) {},
			want:   intact,
		},
		"log cut off amid its entries": {
			damage: func(t *testing.T, dir string) {
				file := lastLog(t, dir)
				truncate(t, file, int64(written(t, file)*9/10))
			},
			want: "the log in DIR/member/wal ends at entry ",
		},
		"log cut off at its unused end": {
			damage: func(t *testing.T, dir string) {
				file := lastLog(t, dir)
				truncate(t, file, int64(written(t, file)+1000))
			},
			want: intact,
		},
		"log file empty": {
			damage: func(t *testing.T, dir string) { truncate(t, lastLog(t, dir), 0) },
			want:   "DIR/member/wal has no beginning",
		},
		"garbage amid the log": {
			damage: func(t *testing.T, dir string) {
				file := lastLog(t, dir)
				garbage(t, file, int64(written(t, file)/2), 5000)
			},
			want: "DIR/member/wal: ",
		},
		"log file all garbage": {
			damage: func(t *testing.T, dir string) {
				file := lastLog(t, dir)
				garbage(t, file, 0, written(t, file))
			},
			want: "DIR/member/wal has no beginning",
		},
		"log directory missing": {
			damage: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "member/wal")) },
			want:   "DIR/member/wal is missing or empty",
		},
		"log file missing": {
			damage: func(t *testing.T, dir string) { remove(t, lastLog(t, dir)) },
			want:   "DIR/member/wal is missing or empty",
		},
		"database missing": {
			damage: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, db)) },
			want:   "DIR/member/snap/db is missing",
		},
		"database empty": {
			damage: func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, db), 0) },
			want:   "DIR/member/snap/db is empty",
		},
		"database cut off after a few bytes": {
			damage: func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, db), 100) },
			want:   "DIR/member/snap/db: invalid database",
		},
		"database cut off in the middle": {
			damage: func(t *testing.T, dir string) {
				file := filepath.Join(dir, db)
				truncate(t, file, int64(written(t, file)/2))
			},
			want: "DIR/member/snap/db is cut off: it has ",
		},
		"garbage in the first page of the database": {
			// The second page says the same of the commit before, and the log has the rest.
			damage: func(t *testing.T, dir string) { garbage(t, filepath.Join(dir, db), 0, os.Getpagesize()) },
			want:   intact,
		},
		"garbage in the first pages of the database": {
			damage: func(t *testing.T, dir string) { garbage(t, filepath.Join(dir, db), 0, 4*os.Getpagesize()) },
			want:   "DIR/member/snap/db: invalid database",
		},
		"garbage in the middle of the database": {
			damage: func(t *testing.T, dir string) {
				file := filepath.Join(dir, db)
				garbage(t, file, middlePage(t, file), 1<<16)
			},
			want: "DIR/member/snap/db: page ",
		},
		"zeros in the middle of the database": {
			damage: func(t *testing.T, dir string) {
				file := filepath.Join(dir, db)
				overwrite(t, file, middlePage(t, file), make([]byte, 1<<16))
			},
			want: "DIR/member/snap/db: page ",
		},
		"garbage all over the database": {
			damage: func(t *testing.T, dir string) {
				file := filepath.Join(dir, db)
				garbage(t, file, 2*int64(os.Getpagesize()), written(t, file)-2*os.Getpagesize())
			},
			want: "DIR/member/snap/db: page ",
		},
		"garbage in what a snapshot left as a file": {
			// Nothing reads it any more.
			damage: func(t *testing.T, dir string) {
				files, err := filepath.Glob(filepath.Join(dir, "member/snap/*.snap"))
				if err != nil || len(files) == 0 {
					t.Fatalf("snapshot files: %v, %v", files, err)
				}
				garbage(t, files[0], 0, 1000)
			},
			want: intact,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(path, os.DirFS(template)); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(path, "etcd")
			if err := os.Chmod(path, 0o700); err != nil {
				t.Fatal(err)
			}
			test.damage(t, dir)
			if test.want != intact {
				err := wantStartError(t, path, "the data in "+dir+" is damaged: "+strings.ReplaceAll(test.want, "DIR", dir))
				fix := "restore the directory from a backup, or remove it to begin with no data"
				if !strings.HasSuffix(err.Error(), fix) {
					t.Errorf("got the error\n  %v\nwant it to end with\n  %s", err, fix)
				}
				return
			}
			d, etcd, client := startEtcd(t, path)
			defer stopEtcd(t, d, etcd, client)
			got, err := client.Get(t.Context(), "/", clientv3.WithPrefix(), clientv3.WithCountOnly())
			if err != nil {
				t.Fatal(err)
			}
			if got.Count != filled {
				t.Errorf("there are %d keys of %d", got.Count, filled)
			}
		})
	}
}

func TestFirstStartEndedEarly(t *testing.T) {
	tests := map[string]func(t *testing.T, member string){
		"with an empty database file": func(t *testing.T, member string) {
			writeFile(t, filepath.Join(member, "snap/db"), nil)
		},
		"with a database and no log": newDatabase,
		"with a log that has no entry": func(t *testing.T, member string) {
			newDatabase(t, member)
			log, err := wal.Create(zap.NewNop(), filepath.Join(member, "wal"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, leave := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data")
			member := filepath.Join(path, "etcd/member")
			if err := os.MkdirAll(filepath.Join(member, "snap"), 0o700); err != nil {
				t.Fatal(err)
			}
			leave(t, member)
			d, etcd, client := startEtcd(t, path)
			if _, err := client.Put(t.Context(), "key", "value"); err != nil {
				t.Error(err)
			}
			stopEtcd(t, d, etcd, client)
		})
	}
}

func newDatabase(t *testing.T, member string) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(member, "snap/db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFirstStartKilled kills a first start at moments spread over all of it. Whatever there is then, the next works.
func TestFirstStartKilled(t *testing.T) {
	for i := range 20 {
		path := filepath.Join(t.TempDir(), "data")
		command, output := startChild(t, "start", path)
		timer := time.AfterFunc(time.Duration(i)*5*time.Millisecond, func() { _ = command.Process.Kill() })
		if _, err := io.Copy(io.Discard, output); err != nil {
			t.Fatal(err)
		}
		_ = command.Wait() // It was killed.
		timer.Stop()
		d, etcd, client := startEtcd(t, path)
		if _, err := client.Put(t.Context(), "key", "value"); err != nil {
			t.Fatal(err)
		}
		stopEtcd(t, d, etcd, client)
	}
}

func TestKillLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	for range 3 {
		command, output := startChild(t, "write", path)
		var acknowledged []string
		for output := bufio.NewScanner(output); output.Scan(); {
			if acknowledged = append(acknowledged, output.Text()); len(acknowledged) == 1000 {
				if err := command.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = command.Wait() // It was killed.
		wantKeys(t, path, acknowledged, 1000)
	}
}

// TestDiskFull takes a limit on the size of files for a file system that is full: it needs no mount.
func TestDiskFull(t *testing.T) {
	tests := map[string]string{
		"when the directory is opened": "full at open",
		"when etcd starts":             "full at start",
		"when etcd runs":               "full when running",
	}
	for name, mode := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data")
			command, output := startChild(t, mode, path)
			var acknowledged []string
			for output := bufio.NewScanner(output); output.Scan(); {
				acknowledged = append(acknowledged, output.Text())
			}
			if err := command.Wait(); err == nil || err.Error() != "exit status 1" {
				t.Errorf("the process ended with %v", err)
			}
			said := command.Stderr.(*bytes.Buffer).String()
			want := "no space left for data directory " + path + ": free space on its file system, " +
				"or choose another --data-dir: "
			if !strings.HasPrefix(said, want) || strings.Count(said, "\n") != 1 {
				t.Errorf("it said\n  %s\nwant one line that begins with\n  %s", said, want)
			}
			least := 0
			if mode == "full when running" {
				least = 1
			}
			wantKeys(t, path, acknowledged, least)
		})
	}
}

// child is the process that the tests start to have it killed or starved. It prints each key that it has written.
func child(mode, path string) error {
	fileSizeLimit := func(limit uint64) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			panic(err)
		}
	}
	if mode == "full at open" {
		fileSizeLimit(0)
	}
	d, err := Open(path)
	if err != nil {
		return err
	}
	if mode == "full at start" {
		fileSizeLimit(1 << 20)
	}
	etcd, err := d.StartEtcd(context.Background(), DefaultQuota)
	if err != nil {
		return err
	}
	if mode == "start" {
		return nil
	}
	if mode == "full when running" {
		fileSizeLimit(1 << 20)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: etcd.Endpoints()})
	if err != nil {
		return err
	}
	for writer := range 8 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("/%d/%d/%d", os.Getpid(), writer, i)
				if _, err := client.Put(context.Background(), key, strings.Repeat("x", 1000)); err != nil {
					return
				}
				fmt.Println(key)
			}
		}()
	}
	return <-etcd.Failed()
}

func startChild(t *testing.T, mode, path string) (*exec.Cmd, io.Reader) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], path)
	command.Env = append(os.Environ(), "STANDALONE_TEST_CHILD="+mode)
	command.Stderr = &bytes.Buffer{}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command, output
}

// wantKeys starts etcd and wants all these keys in it, and at least so many.
func wantKeys(t *testing.T, path string, keys []string, least int) {
	t.Helper()
	if len(keys) < least {
		t.Fatalf("only %d keys were acknowledged", len(keys))
	}
	d, etcd, client := startEtcd(t, path)
	defer stopEtcd(t, d, etcd, client)
	got, err := client.Get(t.Context(), "/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, kv := range got.Kvs {
		there[string(kv.Key)] = true
	}
	for _, key := range keys {
		if !there[key] {
			t.Errorf("%s was acknowledged and is gone", key)
		}
	}
}

func startEtcd(t *testing.T, path string) (*Dir, *Etcd, *clientv3.Client) {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	etcd, err := d.StartEtcd(ctx, DefaultQuota)
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: etcd.Endpoints()})
	if err != nil {
		t.Fatal(err)
	}
	return d, etcd, client
}

func stopEtcd(t *testing.T, d *Dir, etcd *Etcd, client *clientv3.Client) {
	t.Helper()
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	etcd.Close()
	select {
	case err := <-etcd.Failed():
		t.Error(err)
	default:
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// wantStartError wants etcd not to start, with an error of one line that begins with want.
func wantStartError(t *testing.T, path, want string) error {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = d.StartEtcd(ctx, DefaultQuota)
	wantErrorLine(t, err, want)
	return err
}

// filled is the number of keys that fill writes: enough for etcd to make snapshots.
const filled = 12000

func fill(t *testing.T, path string) {
	t.Helper()
	d, etcd, client := startEtcd(t, path)
	var writers sync.WaitGroup
	for writer := range 8 {
		writers.Go(func() {
			for i := writer; i < filled; i += 8 {
				if _, err := client.Put(t.Context(), fmt.Sprintf("/%d", i), strings.Repeat("x", 500)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	stopEtcd(t, d, etcd, client)
}

func lastLog(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "member/wal/*.wal"))
	if err != nil || len(files) == 0 {
		t.Fatalf("log files: %v, %v", files, err)
	}
	return files[len(files)-1]
}

// written is the size of the file without the zeros at its end.
func written(t *testing.T, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return len(bytes.TrimRight(data, "\x00"))
}

// middlePage is where the page in the middle of the database begins.
func middlePage(t *testing.T, file string) int64 {
	t.Helper()
	page := os.Getpagesize()
	return int64(written(t, file) / 2 / page * page)
}

func garbage(t *testing.T, file string, offset int64, size int) {
	t.Helper()
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data) // It never fails.
	overwrite(t, file, offset, data)
}

func overwrite(t *testing.T, file string, offset int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, offset); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, file string, size int64) {
	t.Helper()
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}
