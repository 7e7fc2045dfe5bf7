// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// If little memory is in use, the garbage collector of Go runs often and takes up to a third of the CPU. So it gets room for these
// amounts of garbage, which are small for a machine.
const (
	startRoom    = 1 << 30   // bytes of garbage until the caches are filled, when all that is read goes through memory
	garbageRoom  = 256 << 20 // bytes of garbage from then on; both within what these allow:
	mostGarbage  = 300       // percent of the heap in use
	leastGarbage = 45        // percent of the heap in use
	gcPercentEnv = "GOGC"
)

// heapPeriod is how often the heap is looked at.
const heapPeriod = time.Second

// While little is allocated, the room is given back to the system.
const (
	idleTicks      = 5        // looks at the heap that make a period
	idleAllocation = 8 << 20  // bytes in a period, at most
	idleGarbage    = 64 << 20 // bytes that are worth the collection
)

// heap is what the runtime tells of the heap, in bytes.
type heap struct {
	inUse     uint64 // after the last collection
	occupied  uint64 // in use, garbage, or free and not given back; gaps between objects can't be given back
	allocated uint64 // since the process started
}

func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	return heap{inUse: value(0), occupied: value(1) + value(2), allocated: value(3)}
}

// giveGarbageRoom adapts to the heap in use how much garbage may pile up, and gives memory back when little is allocated,
// until the context ends. A user who sets GOGC decides instead. GOMEMLIMIT holds in any case. The caches are filled once
// filled is closed. What it buys is in docs/performance.md: a create costs 17 % less CPU, a write of the status 27 %.
func giveGarbageRoom(ctx context.Context, filled <-chan struct{}) {
	if os.Getenv(gcPercentEnv) != "" {
		return
	}
	debug.SetGCPercent(mostGarbage)
	go func() {
		percent, idleSince := mostGarbage, readHeap()
		ticks := 0
		wait.UntilWithContext(ctx, func(context.Context) {
			room := uint64(startRoom)
			select {
			case <-filled:
				room = garbageRoom
			default:
			}
			now := readHeap()
			if due := garbagePercent(now.inUse+stackReserve, room); due != percent { // Go counts stacks as heap in use.
				debug.SetGCPercent(due)
				percent = due
			}
			if ticks++; ticks%idleTicks == 0 {
				if isIdle(idleSince, now) {
					debug.FreeOSMemory()
				}
				idleSince = now
			}
		}, heapPeriod)
	}()
}

// garbagePercent returns how much garbage may pile up, in percent of the heap in use.
func garbagePercent(inUse, room uint64) int {
	return int(min(max(100*room/max(inUse, 1), leastGarbage), mostGarbage))
}

// isIdle tells whether little went on in a period, and there is enough to give back.
func isIdle(before, now heap) bool {
	return now.allocated-before.allocated <= idleAllocation && now.occupied >= now.inUse+idleGarbage
}
