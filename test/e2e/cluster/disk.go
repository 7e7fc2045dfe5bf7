// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// diskSize is that of a small disk. It holds the five segments of its log that etcd keeps, 64 MB each, the next one, and a small
// database.
const diskSize = 512 << 20

// throttles is where the kernel limits how often a process writes to a disk, with control groups of version 1.
const throttles = "/sys/fs/cgroup/blkio"

// disk is a small disk of its own: a file that is a block device to the kernel.
type disk struct {
	dir    string
	device string // in /dev
}

// CanMountDisks tells whether this user can mount small disks here.
func CanMountDisks() bool {
	_, device := os.Stat("/dev/loop-control")
	_, program := exec.LookPath("mkfs.ext4")
	return os.Geteuid() == 0 && device == nil && program == nil
}

// CanSlowDisks tells whether the kernel can limit how often a process writes to a disk.
func CanSlowDisks() bool {
	_, err := os.Stat(filepath.Join(throttles, "blkio.throttle.write_iops_device"))
	return err == nil
}

// mountDisk mounts an empty small disk. It has no journal: a thread of the kernel writes that, whom no limit for a process holds.
func mountDisk(ctx context.Context, dir string) (disk, error) {
	image := dir + ".disk"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return disk{}, err
	}
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return disk{}, err
	}
	if err := os.Truncate(image, diskSize); err != nil {
		return disk{}, err
	}
	if out, err := exec.CommandContext(ctx, "mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image).CombinedOutput(); err != nil {
		return disk{}, fmt.Errorf("mkfs.ext4: %w: %s", err, out)
	}
	if out, err := exec.CommandContext(ctx, "mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
		return disk{}, fmt.Errorf("mount: %w: %s", err, out)
	}
	var status unix.Stat_t
	if err := unix.Stat(dir, &status); err != nil {
		return disk{}, err
	}
	return disk{dir: dir, device: fmt.Sprintf("%d:%d", unix.Major(status.Dev), unix.Minor(status.Dev))}, os.Chmod(dir, 0o700)
}

// unmount ends the disk, once no process uses it.
func (d disk) unmount() { _ = exec.Command("umount", "-l", d.dir).Run() }

// Fill writes to a member's disk until it is full.
func (e *Etcd) Fill(member int) error {
	file, err := os.Create(e.filler(member))
	if err != nil {
		return err
	}
	defer file.Close()
	for block := make([]byte, 1<<20); ; {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) || errors.Is(err, io.ErrShortWrite) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Empty ends what Fill began.
func (e *Etcd) Empty(member int) error { return os.Remove(e.filler(member)) }

func (e *Etcd) filler(member int) string { return filepath.Join(e.disks[member].dir, "filler") }

// SlowDisk lets a member write to its disk only so many times a second, until end is called.
func (e *Etcd) SlowDisk(member, writes int) (end func() error, err error) {
	process, disk := e.Members[member], e.disks[member]
	group := filepath.Join(throttles, process.Name)
	if err := os.Mkdir(group, 0o700); err != nil {
		return nil, err
	}
	move := func(group string) error {
		return os.WriteFile(filepath.Join(group, "cgroup.procs"), fmt.Appendf(nil, "%d", process.PID()), 0o600)
	}
	limit := fmt.Sprintf("%s %d", disk.device, writes)
	if err := os.WriteFile(filepath.Join(group, "blkio.throttle.write_iops_device"), []byte(limit), 0o600); err != nil {
		return nil, errors.Join(err, os.Remove(group))
	}
	if err := move(group); err != nil {
		return nil, errors.Join(err, os.Remove(group))
	}
	return func() error {
		if process.Running() {
			if err := move(throttles); err != nil {
				return err
			}
		}
		return os.Remove(group)
	}, nil
}

// HasDisks tells whether the disks can be filled.
func (e *Etcd) HasDisks() bool { return len(e.disks) > 0 }
