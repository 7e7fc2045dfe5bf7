// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

// A cut that took a connection for that of another process would leave it open.
func TestAConnectionIsFoundByBothOfItsEnds(t *testing.T) {
	port := 0 // The second connection begins at the port of the first, as the kernel may decide by itself.
	for range 2 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, Control: shareAddress}
		client, err := dialer.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		port = client.LocalAddr().(*net.TCPAddr).Port
		accepted, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		if found, want := socketOf(accepted.RemoteAddr(), accepted.LocalAddr()), socketNameOf(t, client); found != want {
			t.Errorf("the connection from port %d to %s is that of %q, want %q", port, listener.Addr(), found, want)
		}
	}
}

func shareAddress(_, _ string, raw syscall.RawConn) (err error) {
	if controlErr := raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}); controlErr != nil {
		return controlErr
	}
	return err
}

// socketNameOf returns what /proc calls a socket of this process.
func socketNameOf(t *testing.T, connection net.Conn) (name string) {
	t.Helper()
	raw, err := connection.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if controlErr := raw.Control(func(fd uintptr) { name, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)) }); controlErr != nil || err != nil {
		t.Fatal(controlErr, err)
	}
	return name
}
