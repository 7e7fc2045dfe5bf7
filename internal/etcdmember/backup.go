// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcdmember

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/etcd/client/v3/snapshot"
	"go.uber.org/zap"
)

// backup saves a snapshot.
type backup struct {
	Dir    string
	Keep   int
	Client client
	Out    io.Writer
	Now    func() time.Time
}

// saveTimeout bounds the snapshot of one member. A database of 8 GiB takes a few minutes.
const saveTimeout = 15 * time.Minute

// pattern matches the files of backups. Their names sort by age. The file of one that is being saved ends with unfinished.
const (
	pattern    = "network-etcd-*.db"
	unfinished = ".part"
)

// Run saves a snapshot of the first member that gives one. Of the older ones it deletes those beyond what is to stay, before that to
// make room. At least one stays until the new one is there.
func (b *backup) Run(ctx context.Context) error {
	if b.Dir == "" {
		return errors.New("--dir is missing: the directory of the backups")
	}
	if b.Keep < 1 {
		return fmt.Errorf("--keep is %d, and must be at least 1", b.Keep)
	}
	if len(b.Client.Endpoints) == 0 {
		return errors.New("--endpoints is missing: the URLs of the members of etcd")
	}
	if err := b.deleteUnfinished(); err != nil {
		return fmt.Errorf("deleting what an interrupted backup left: %w", err)
	}
	if err := b.deleteBeyond(max(1, b.Keep-1)); err != nil {
		return err
	}
	file := filepath.Join(b.Dir, "network-etcd-"+b.Now().UTC().Format("20060102T150405Z")+".db")
	if err := b.save(ctx, file); err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "saved %s\n", file)
	return b.deleteBeyond(b.Keep)
}

// deleteBeyond deletes the oldest backups, so that at most keep stay.
func (b *backup) deleteBeyond(keep int) error {
	files, err := filepath.Glob(filepath.Join(b.Dir, pattern))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, old := range files[:max(0, len(files)-keep)] {
		if err := os.Remove(old); err != nil {
			return fmt.Errorf("deleting an old backup: %w", err)
		}
		fmt.Fprintf(b.Out, "deleted %s\n", old)
	}
	return nil
}

// deleteUnfinished deletes what nobody has written to for longer than a snapshot may take.
func (b *backup) deleteUnfinished() error {
	files, err := filepath.Glob(filepath.Join(b.Dir, pattern+unfinished))
	if err != nil {
		return err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // Another backup has finished it.
		}
		if err != nil {
			return err
		}
		if b.Now().Sub(info.ModTime()) < saveTimeout {
			continue
		}
		if err := os.Remove(file); err != nil {
			return err
		}
		fmt.Fprintf(b.Out, "deleted %s\n", file)
	}
	return nil
}

func (b *backup) save(ctx context.Context, file string) error {
	var failures []error
	for _, endpoint := range b.Client.Endpoints {
		config, err := b.Client.config(endpoint)
		if err != nil {
			return err
		}
		if list(ctx, config) == nil {
			failures = append(failures, fmt.Errorf("%s does not answer", endpoint))
			continue
		}
		attempt, cancel := context.WithTimeout(ctx, saveTimeout)
		_, err = snapshot.SaveWithVersion(attempt, zap.NewNop(), config, file)
		cancel()
		if err == nil {
			return nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", endpoint, err))
	}
	return errors.Join(failures...)
}
