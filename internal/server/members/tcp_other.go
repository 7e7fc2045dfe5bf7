// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package members

import "syscall"

// limitSilence does nothing: only Linux can limit the time.
func limitSilence(_, _ string, _ syscall.RawConn) error { return nil }
