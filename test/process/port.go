// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

var (
	handedOut     = map[int]bool{}
	handedOutLock sync.Mutex
)

// FreePort returns a port of 127.0.0.1 that nobody listens on and that this function has not returned before. It
// stays below the range from which kernels take the ports of outgoing connections, so that a server that restarts
// finds its port free.
func FreePort() int {
	handedOutLock.Lock()
	defer handedOutLock.Unlock()
	for {
		port := 16000 + rand.IntN(16000)
		if handedOut[port] {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		listener.Close()
		handedOut[port] = true
		return port
	}
}
