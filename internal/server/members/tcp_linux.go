// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package members

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// limitSilence has the kernel close a connection whose other end does not even acknowledge what it is sent.
func limitSilence(_, _ string, c syscall.RawConn) error {
	var err error
	controlErr := c.Control(func(socket uintptr) {
		err = unix.SetsockoptInt(int(socket), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(lossLimit.Milliseconds()))
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}
