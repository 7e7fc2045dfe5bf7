// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package members

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTheKernelClosesAConnectionThatIsNotAcknowledged(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	m, err := New([]string{"http://" + listener.Addr().String()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	conn, err := m.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*connection).Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for option, want := range map[int]int{
		unix.TCP_USER_TIMEOUT: int(lossLimit.Milliseconds()),
		unix.TCP_KEEPIDLE:     int(time.Second.Seconds()), // A quiet connection is asked for an acknowledgement.
	} {
		if err := raw.Control(func(socket uintptr) {
			if got, err := unix.GetsockoptInt(int(socket), unix.IPPROTO_TCP, option); err != nil || got != want {
				t.Errorf("option %d is %d (%v), want %d", option, got, err, want)
			}
		}); err != nil {
			t.Error(err)
		}
	}
}
