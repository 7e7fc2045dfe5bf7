// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"k8s.io/klog/v2"
)

// Etcd is a running etcd with its data in DIR/etcd. It listens on a unix socket in a directory of this user alone,
// and on no network port.
type Etcd struct {
	dir    *Dir
	server *embed.Etcd
	socket string
	// grpc is etcd's door to its clients.
	grpc *grpc.Server
	// level is the one from which on etcd's log is passed on. It is silent where an error says it all.
	level zap.AtomicLevel
	// broken is done when etcd can't go on; its cause tells why.
	broken  context.Context
	failed  chan error
	closing atomic.Bool
}

const silent = zapcore.FatalLevel

// DefaultQuota and LeastQuota are sizes of etcd's database at which it refuses further writes.
const (
	DefaultQuota = 8 << 30
	LeastQuota   = 16 << 20
)

// StartEtcd starts etcd with a quota for its database in bytes, and waits until it serves.
func (d *Dir) StartEtcd(ctx context.Context, quota int64) (*Etcd, error) {
	broken, breakDown := context.WithCancelCause(context.Background())
	e := &Etcd{dir: d, level: zap.NewAtomicLevelAt(silent), broken: broken, failed: make(chan error, 1)}
	config := e.config(newLogger(e.level, breakDown), quota)
	if err := e.placeSocket(config); err != nil {
		return nil, d.explain(err)
	}
	if err := e.start(ctx, config); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("etcd was told to stop before it was ready: %w", err)
		}
		return nil, d.explainEtcd(err)
	}
	e.level.SetLevel(zapcore.WarnLevel)
	if err := e.makeRoom(ctx, quota); err != nil {
		e.Close()
		return nil, d.explainEtcd(fmt.Errorf("making room in its database: %w", err))
	}
	go e.watch()
	return e, nil
}

// Endpoints are what an etcd client connects to.
func (e *Etcd) Endpoints() []string {
	return []string{(&url.URL{Scheme: "unix", Path: e.socket}).String()}
}

// Failed yields one error if etcd can't go on. Nothing that it acknowledged is lost then, and nothing more is
// acknowledged; it takes a new process to start it again.
func (e *Etcd) Failed() <-chan error {
	return e.failed
}

// Close cuts off what clients there still are, stops etcd and waits until everything is on disk.
func (e *Etcd) Close() {
	if e.closing.Swap(true) {
		return
	}
	e.level.SetLevel(silent)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if e.grpc != nil {
			e.grpc.Stop() // else an open watch holds up the rest for seconds
		}
		e.server.Server.Stop() // else one that never became ready holds it up for good
		e.server.Close()
	}()
	select {
	case <-done:
	case <-e.broken.Done():
		// What is left of it would not come to an end.
	}
	e.removeSocketDir()
}

// start returns when etcd serves, or can't. It reads its data to the end before it looks at ctx.
func (e *Etcd) start(ctx context.Context, config *embed.Config) error {
	started, serving := make(chan error, 1), make(chan *grpc.Server, 1)
	config.ServiceRegister = func(s *grpc.Server) { serving <- s }
	go func() {
		started <- recovered(func() (err error) {
			if err = checkEtcdData(config.Dir); err == nil {
				e.server, err = embed.StartEtcd(config)
			}
			return err
		})
	}()
	select {
	case err := <-started:
		if err != nil {
			e.removeSocketDir()
			return err
		}
	case <-e.broken.Done():
		e.removeSocketDir()
		return context.Cause(e.broken)
	}

	var err error
	select {
	case e.grpc = <-serving:
		return nil
	case err = <-e.server.Err():
	case <-e.broken.Done():
		err = context.Cause(e.broken)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	e.Close()
	return err
}

// makeRoom ends the alarm by which etcd refuses writes once its database has reached the quota. Versions that nobody can ask for
// any more after a start are dropped, and what they took is given back. Where that is not enough, the alarm stays.
func (e *Etcd) makeRoom(ctx context.Context, quota int64) error {
	server := e.server.Server
	for _, alarm := range server.Alarms() {
		if alarm.Alarm != pb.AlarmType_NOSPACE {
			continue
		}
		before := server.Backend().Size()
		_, err := server.Compact(ctx, &pb.CompactionRequest{Revision: server.KV().Rev(), Physical: true})
		if err != nil && !errors.Is(err, mvcc.ErrCompacted) {
			return err
		}
		if err := server.Backend().Defrag(); err != nil {
			return err
		}
		after := server.Backend().Size()
		if after >= quota {
			klog.Errorf("etcd refuses all writes: its database of %d MiB has reached --etcd-quota. Give it more with --etcd-quota, then delete what is not needed", after>>20)
			continue
		}
		if _, err := server.Alarm(ctx, &pb.AlarmRequest{Action: pb.AlarmRequest_DEACTIVATE, Alarm: alarm.Alarm, MemberID: alarm.MemberID}); err != nil {
			return err
		}
		klog.Infof("The database of etcd had reached --etcd-quota. Without old versions it is down from %d to %d MiB, and writes are taken again", before>>20, after>>20)
	}
	return nil
}

// watch passes on what etcd dies of. It ends with etcd.
func (e *Etcd) watch() {
	select {
	case err := <-e.server.Err():
		if err != nil && !e.closing.Load() {
			e.failed <- e.dir.explainEtcd(err)
		}
	case <-e.broken.Done():
		e.failed <- e.dir.explainEtcd(context.Cause(e.broken))
	}
}

// config is for an etcd that is alone and has no clients but this process.
func (e *Etcd) config(logger *zap.Logger, quota int64) *embed.Config {
	config := embed.NewConfig()
	config.Name = "network-apiserver"
	config.Dir = e.dir.file("etcd")
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger)

	// Without peers there is nothing to listen for. The peer address is an entry of the member list, no more.
	config.ListenPeerUrls = nil
	config.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:2380"}}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.EnableGRPCGateway = false

	// No other leader can show up: the election need not wait for one.
	config.TickMs = 20
	config.ElectionMs = 100
	// At its start, etcd reads all entries since the last snapshot into memory, each as large as an object may be.
	config.SnapshotCount = 200
	// No other member has to catch up: what a snapshot covers can go soon.
	config.SnapshotCatchUpEntries = 100
	config.MaxWalFiles = 1

	// The API server compacts, so etcd doesn't.
	config.QuotaBackendBytes = quota
	return config
}

// placeSocket makes etcd listen on a unix socket. The system limits its path to 107 bytes.
func (e *Etcd) placeSocket(config *embed.Config) error {
	e.socket = e.dir.file("etcd.sock")
	if len(e.socket) >= len(unix.RawSockaddrUnix{}.Path) {
		short, err := os.MkdirTemp("", "network-apiserver-")
		if err != nil {
			return err
		}
		e.socket = filepath.Join(short, "etcd.sock")
	}
	config.ListenClientUrls = []url.URL{{Scheme: "unix", Path: e.socket}}
	config.AdvertiseClientUrls = config.ListenClientUrls
	return nil
}

func (e *Etcd) removeSocketDir() {
	if dir := filepath.Dir(e.socket); dir != e.dir.path {
		os.RemoveAll(dir)
	}
}

// newLogger passes etcd's log on to klog, from level on. Where etcd would end the process with a stack trace,
// breakDown is told why instead.
func newLogger(level zapcore.LevelEnabler, breakDown context.CancelCauseFunc) *zap.Logger {
	encoder := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "message", ConsoleSeparator: " "})
	core := zapcore.NewCore(encoder, zapcore.AddSync(klogWriter{}), level)
	return zap.New(withoutRepeatedErrors{core}, zap.WithPanicHook(fatalHook(breakDown)), zap.WithFatalHook(fatalHook(breakDown)))
}

// withoutRepeatedErrors leaves out what becomes an error anyway: the last word, and what bbolt logs of the errors it returns.
type withoutRepeatedErrors struct{ zapcore.Core }

func (c withoutRepeatedErrors) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if entry.Level > zapcore.ErrorLevel || entry.LoggerName == "bbolt" {
		return checked
	}
	return c.Core.Check(entry, checked)
}

type klogWriter struct{}

func (klogWriter) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("missing term information")) {
		return len(line), nil // A new etcd says so before it has written its term, then writes it.
	}
	klog.Warning("etcd: ", strings.TrimSpace(string(line)))
	return len(line), nil
}

// fatalHook receives what etcd logs before it would exit or panic.
type fatalHook context.CancelCauseFunc

func (breakDown fatalHook) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	err := errors.New(entry.Message)
	for _, field := range fields {
		if cause, ok := field.Interface.(error); ok {
			err = fmt.Errorf("%s: %w", entry.Message, cause)
		}
	}
	breakDown(err)
	// etcd relies on not getting any further. Ending the goroutine would run its deferred functions and release
	// its locks, and so let others go on with what is half done.
	select {}
}

// recovered runs f and makes an error of a panic.
func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return f()
}

// explainEtcd turns an error of etcd into one line that says what to do.
func (d *Dir) explainEtcd(err error) error {
	var damage *damageError
	switch {
	case isDiskFull(err), errors.Is(err, os.ErrPermission):
		return d.explain(err)
	case errors.Is(err, errInUse):
		return fmt.Errorf("the data in %s is %w: stop that one, or choose another --data-dir", d.file("etcd"), err)
	case errors.As(err, &damage):
		return fmt.Errorf("the data in %s is damaged: %w: restore the directory from a backup, "+
			"or remove it to begin with no data", d.file("etcd"), err)
	default:
		return fmt.Errorf("etcd can't go on: %w: if the data in %s is damaged, restore the directory from a backup, "+
			"or remove it to begin with no data", err, d.file("etcd"))
	}
}
