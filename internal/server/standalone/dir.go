// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package standalone is what a server needs to run with nothing else installed. Everything lives in one data
// directory that belongs to one server at a time:
//
//	DIR/lock              held while a server runs, with its process id        (dir.go)
//	DIR/pki/              certificate authority and the certificates it signs  (pki.go)
//	DIR/admin.kubeconfig  the administrator's way in, for kubectl              (kubeconfig.go)
//	DIR/etcd/             the data of the embedded etcd                        (etcd.go, etcdcheck.go, etcdpages.go)
//	DIR/etcd.sock         where it listens, for this process                   (etcd.go)
//
// Every error is one line that names the file and what to do about it.
package standalone

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Dir is a data directory that this process alone uses until Close.
type Dir struct {
	path string
	lock *os.File
}

// Open takes the data directory at path for this process, and makes it where there is none.
func Open(path string) (*Dir, error) {
	if path == "" {
		return nil, errors.New("--data-dir is empty: name the directory that keeps the server's data")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("--data-dir: %w", err)
	}
	d := &Dir{path: path}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, d.explain(err)
	}
	if err := d.makePrivate(); err != nil {
		return nil, err
	}
	if err := d.takeLock(); err != nil {
		return nil, err
	}
	return d, nil
}

// Close lets another server use the directory.
func (d *Dir) Close() error {
	return d.lock.Close()
}

// makePrivate closes the directory to others. It only changes a directory that is new or was ours before: a
// directory with other things in it may have been named by mistake, and may be everybody's, like /tmp.
func (d *Dir) makePrivate() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return d.explain(err)
	}
	// Its owner could read it and change it, whatever the mode says.
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
		return fmt.Errorf("data directory %s belongs to user id %d, this server runs as %d: choose another --data-dir, "+
			"or run: chown %[3]d %[1]s", d.path, owner, os.Geteuid())
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return d.explain(err)
	}
	ours := len(entries) == 0
	for _, entry := range entries {
		ours = ours || entry.Name() == "lock" && entry.Type().IsRegular()
	}
	if !ours {
		return fmt.Errorf("data directory %s is open to other users (%s) and holds files of something else: "+
			"choose another --data-dir, or run: chmod 700 %[1]s", d.path, info.Mode())
	}
	if err := os.Chmod(d.path, 0o700); err != nil {
		return d.explain(err)
	}
	return nil
}

// takeLock holds DIR/lock until the process ends, however it ends. The file stays: removing it would let two
// servers each hold a lock on a file of that name.
func (d *Dir) takeLock() error {
	// With a symbolic link there, the process id could be written over any file of this user.
	lock, err := os.OpenFile(d.file("lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return fmt.Errorf("data directory %s has a symbolic link in the place of its lock file: remove %s",
			d.path, d.file("lock"))
	}
	if err != nil {
		return d.explain(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer lock.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return d.explain(&fs.PathError{Op: "lock", Path: lock.Name(), Err: err})
		}
		pid, _ := io.ReadAll(lock)
		return fmt.Errorf("data directory %s is in use by another network-apiserver (pid %s): "+
			"stop that one, or choose another --data-dir", d.path, strings.TrimSpace(string(pid)))
	}
	err = lock.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(lock, os.Getpid())
	}
	if err != nil {
		lock.Close()
		return d.explain(err)
	}
	d.lock = lock
	return nil
}

// file is the path of a file of the data directory.
func (d *Dir) file(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// write replaces a file as a whole: after a crash it holds either what it held before or all of data.
func (d *Dir) write(path string, data []byte) error {
	if err := replaceFile(path, data); err != nil {
		return d.explain(err)
	}
	return nil
}

func replaceFile(path string, data []byte) error {
	// The lock makes this process the only writer, so that a name left behind by a crash can be taken again.
	temporary := path + ".tmp"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		os.Remove(temporary)
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// explain turns an error of the file system into one that says what to do.
func (d *Dir) explain(err error) error {
	switch {
	case isDiskFull(err):
		return fmt.Errorf("no space left for data directory %s: free space on its file system, "+
			"or choose another --data-dir: %w", d.path, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return fmt.Errorf("data directory %s is not writable by user id %d: make it writable, "+
			"or choose another --data-dir: %w", d.path, os.Geteuid(), err)
	case errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("data directory %s is not a directory: choose another --data-dir: %w", d.path, err)
	default:
		return fmt.Errorf("data directory %s cannot be used: choose another --data-dir: %w", d.path, err)
	}
}

// isDiskFull also knows a quota and a file size limit. Some of etcd's errors carry only the text of their cause.
func isDiskFull(err error) bool {
	for _, full := range []unix.Errno{unix.ENOSPC, unix.EDQUOT, unix.EFBIG} {
		if errors.Is(err, full) || strings.Contains(err.Error(), full.Error()) {
			return true
		}
	}
	return false
}
