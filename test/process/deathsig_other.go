// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package process

import "syscall"

// DieWithParent does nothing where the kernel offers nothing of the kind: there, only Stop ends the children.
func DieWithParent() *syscall.SysProcAttr { return nil }
