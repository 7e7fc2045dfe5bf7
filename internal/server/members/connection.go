// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package members

import (
	"net"
	"sync"
	"time"
)

// connection is one that can be closed from here. It knows what it has carried.
type connection struct {
	net.Conn
	members *Members

	mu   sync.Mutex
	flow flow
}

// Read notes that something came.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.mu.Lock()
		c.flow = c.flow.received(time.Now())
		c.mu.Unlock()
	}
	return n, err
}

// Write notes what is sent. It does so before: the answer may come before the call returns.
func (c *connection) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.flow = c.flow.sent(len(b), time.Now())
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *connection) carried() flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flow
}

// Close ends the connection.
func (c *connection) Close() error {
	c.members.mu.Lock()
	delete(c.members.connections, c)
	c.members.mu.Unlock()
	return c.Conn.Close()
}
