// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// SetClock makes the time of day of a process wrong from now on, also after a restart. The process must run a program of
// test/chaos/clocks, which sees the change within a tenth of a second.
func (c *Cluster) SetClock(process *Process, wrongBy time.Duration) error {
	file := clockFile(c.config.Dir, process.Name)
	if err := os.WriteFile(file+".new", fmt.Appendf(nil, "%.0f", wrongBy.Seconds()), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func clockFile(dir, process string) string { return filepath.Join(dir, process+".clock") }

// clockVariable tells a program of test/chaos/clocks where to read by how much its clock is wrong. Other programs don't know it.
func clockVariable(dir, process string) string { return "CLOCK_FILE=" + clockFile(dir, process) }
