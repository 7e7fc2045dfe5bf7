// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/etcd/server/v3/storage/datadir"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

// errInUse means that another process, a tool of etcd perhaps, has locked the database.
var errInUse = errors.New("locked by another process")

// damageError tells what is wrong with the files of etcd.
type damageError struct{ error }

func (e *damageError) Unwrap() error { return e.error }

func damaged(format string, args ...any) error {
	return &damageError{fmt.Errorf(format, args...)}
}

// checkEtcdData finds damage that etcd itself handles badly: etcd reads the database in goroutines whose panics end the process.
// If the log is gone, etcd makes a new cluster beside the old database. If the log ends too early, etcd goes on and ignores writes
// until the log is as long as it was.
//
// The check reads what etcd reads again later, so a start takes a third longer.
func checkEtcdData(dir string) error {
	database, log := datadir.ToBackendFileName(dir), datadir.ToWALDir(dir)
	info, err := os.Stat(database)
	haveDatabase, haveLog := err == nil, wal.Exist(log)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case !haveDatabase && !haveLog:
		return nil
	case !haveDatabase:
		return damaged("%s is missing", database)
	case info.Size() == 0 && !haveLog:
		return nil // a first start that ended early
	case info.Size() == 0:
		return damaged("%s is empty", database)
	}

	applied, err := checkDatabase(database)
	if err != nil {
		return err
	}
	if !haveLog {
		if applied > 0 {
			return damaged("%s is missing or empty", log)
		}
		return nil // a first start that ended early
	}
	last, committed, err := readLog(log)
	if err != nil {
		return err
	}
	if applied > last {
		return damaged("the log in %s ends at entry %d, but %s has entry %d", log, last, database, applied)
	}
	if applied == 0 && committed == 0 {
		// A first start that ended before the member was in its own list: etcd would wait forever for a leader.
		// Nothing can have been acknowledged.
		return os.RemoveAll(datadir.ToMemberDir(dir))
	}
	return nil
}

// checkDatabase returns the last log entry that is in the database.
func checkDatabase(file string) (applied uint64, err error) {
	db, err := bolt.Open(file, 0, &bolt.Options{ReadOnly: true, Timeout: time.Second, NoStatistics: true})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return 0, errInUse
	case err != nil:
		return 0, damaged("%s: %w", file, err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		if err := checkTree(file, tx); err != nil {
			return err
		}
		if meta := tx.Bucket(schema.Meta.Name()); meta != nil {
			if index := meta.Get(schema.MetaConsistentIndexKeyName); len(index) == 8 {
				applied = binary.BigEndian.Uint64(index)
			}
		}
		return nil
	})
	return applied, err
}

// readLog returns the last entry of the log, and the last of which the log itself says that it is committed. That
// note may lag behind: it is written with a later entry.
func readLog(dir string) (last, committed uint64, err error) {
	logger := zap.NewNop()
	snapshots, err := wal.ValidSnapshotEntries(logger, dir)
	if err != nil {
		return 0, 0, damaged("%s: %w", dir, err)
	}
	if len(snapshots) == 0 {
		return 0, 0, damaged("%s has no beginning", dir)
	}
	snapshot := snapshots[len(snapshots)-1]
	log, err := wal.OpenForRead(logger, dir, snapshot)
	if err != nil {
		return 0, 0, damaged("%s: %w", dir, err)
	}
	defer log.Close()
	_, state, entries, err := log.ReadAll()
	if err != nil {
		return 0, 0, damaged("%s: %w", dir, err)
	}
	last = snapshot.GetIndex()
	if len(entries) > 0 {
		last = entries[len(entries)-1].GetIndex()
	}
	return last, state.GetCommit(), nil
}
