// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// With little in use, the garbage collector of Go runs after little work, and takes up to a third of the CPU. It is given
// room instead, as long as that is no great part of the memory of a machine.
const (
	garbageRoom      = 256 << 20 // bytes of garbage, within what these allow:
	mostGarbage      = 400       // percent of the heap in use
	leastGarbage     = 100       // percent of the heap in use, as by default
	heapInUseMetric  = "/gc/heap/live:bytes"
	gcPercentSetting = "GOGC"
)

// giveGarbageRoom sets after each collection when the next one is due. It leaves that to a user who says so with GOGC.
// GOMEMLIMIT holds in any case.
func giveGarbageRoom() {
	if os.Getenv(gcPercentSetting) == "" {
		debug.SetGCPercent(mostGarbage)
		afterEachCollection(mostGarbage)
	}
}

// collected is found unreachable by the next collection.
type collected struct{ _ [64]byte }

func afterEachCollection(percent int) {
	runtime.AddCleanup(&collected{}, func(percent int) {
		inUse := []metrics.Sample{{Name: heapInUseMetric}}
		metrics.Read(inUse)
		due := garbagePercent(inUse[0].Value.Uint64())
		if due != percent {
			debug.SetGCPercent(due)
		}
		afterEachCollection(due)
	}, percent)
}

// garbagePercent returns how much garbage may pile up, in percent of the heap in use.
func garbagePercent(inUse uint64) int {
	return int(min(max(100*garbageRoom/max(inUse, 1), leastGarbage), mostGarbage))
}
