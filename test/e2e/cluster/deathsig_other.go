// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package cluster

import "syscall"

// dieWithParent does nothing where the kernel offers nothing of the kind: there, only Stop ends the children.
func dieWithParent() *syscall.SysProcAttr { return nil }
