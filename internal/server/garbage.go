// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// With little in use, the garbage collector of Go runs after little work, and takes up to a third of the CPU. It is given
// room instead, as long as that is no great part of the memory of a machine.
const (
	startRoom    = 1 << 30   // bytes of garbage until the caches are filled, when all that is read goes through memory
	garbageRoom  = 256 << 20 // bytes of garbage from then on; both within what these allow:
	mostGarbage  = 400       // percent of the heap in use
	leastGarbage = 100       // percent of the heap in use, as by default
	gcPercentEnv = "GOGC"
)

// While little is allocated, the room is given back to the system.
const (
	idlePeriod     = 5 * time.Second
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

// giveGarbageRoom sets after each collection when the next one is due, and gives the room back when nothing goes on, until
// the context ends. It leaves all that to a user who sets GOGC. GOMEMLIMIT holds in any case. The caches are filled once
// filled is closed.
func giveGarbageRoom(ctx context.Context, filled <-chan struct{}) {
	if os.Getenv(gcPercentEnv) == "" {
		debug.SetGCPercent(mostGarbage)
		afterNextCollection(mostGarbage, filled)
		go giveBackWhenIdle(ctx)
	}
}

// afterNextCollection has the next collection find an object that is not in use.
func afterNextCollection(percent int, filled <-chan struct{}) {
	type unused struct{ _ [64]byte }
	runtime.AddCleanup(&unused{}, func(percent int) {
		room := uint64(garbageRoom)
		select {
		case <-filled:
		default:
			room = startRoom
		}
		due := garbagePercent(readHeap().inUse, room)
		if due != percent {
			debug.SetGCPercent(due)
		}
		afterNextCollection(due, filled)
	}, percent)
}

// garbagePercent returns how much garbage may pile up, in percent of the heap in use.
func garbagePercent(inUse, room uint64) int {
	return int(min(max(100*room/max(inUse, 1), leastGarbage), mostGarbage))
}

func giveBackWhenIdle(ctx context.Context) {
	before := readHeap()
	wait.UntilWithContext(ctx, func(context.Context) {
		now := readHeap()
		if isIdle(before, now) {
			debug.FreeOSMemory()
		}
		before = now
	}, idlePeriod)
}

// isIdle tells whether little went on in a period, and there is enough to give back.
func isIdle(before, now heap) bool {
	return now.allocated-before.allocated <= idleAllocation && now.occupied >= now.inUse+idleGarbage
}
