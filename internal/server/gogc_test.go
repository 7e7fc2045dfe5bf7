// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

func TestGarbagePercent(t *testing.T) {
	for sentence, tc := range map[string]struct {
		inUse uint64
		want  int
	}{
		"nothing in use":                  {inUse: 0, want: 300},
		"little in use has the most room": {inUse: 50 << 20, want: 300},
		"more in use shares the room":     {inUse: 128 << 20, want: 200},
		"much in use is as by default":    {inUse: 256 << 20, want: 100},
		"very much in use has less":       {inUse: 4 << 30, want: 45},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := garbagePercent(tc.inUse, garbageRoom); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestIsIdle(t *testing.T) {
	const mb = 1 << 20
	for sentence, tc := range map[string]struct {
		before, now heap
		want        bool
	}{
		"nothing going on and much to give back": {
			before: heap{allocated: 900 * mb}, now: heap{allocated: 901 * mb, inUse: 100 * mb, occupied: 300 * mb}, want: true,
		},
		"work going on": {
			before: heap{allocated: 900 * mb}, now: heap{allocated: 950 * mb, inUse: 100 * mb, occupied: 300 * mb},
		},
		"little to give back": {
			before: heap{allocated: 900 * mb}, now: heap{allocated: 901 * mb, inUse: 100 * mb, occupied: 110 * mb},
		},
		"less than after the last collection": {
			before: heap{allocated: 900 * mb}, now: heap{allocated: 901 * mb, inUse: 100 * mb, occupied: 90 * mb},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := isIdle(tc.before, tc.now); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestGarbageFollowsTheHeapInUse(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	t.Setenv(gcPercentEnv, "")
	filled := make(chan struct{})
	giveGarbageRoom(t.Context(), filled)

	large := make([]byte, garbageRoom)
	expectPercent(t, func(percent uint64) bool { return percent == mostGarbage })
	close(filled)
	more := make([]byte, 3*garbageRoom)
	expectPercent(t, func(percent uint64) bool { return percent == leastGarbage })
	runtime.KeepAlive(large)
	runtime.KeepAlive(more)
	large, more = nil, nil //nolint:ineffassign,wastedassign // It ends the last use of the memory.
	expectPercent(t, func(percent uint64) bool { return percent > leastGarbage })
}

func TestGOGCHasTheLastWord(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(70))
	t.Setenv(gcPercentEnv, "70")
	giveGarbageRoom(t.Context(), nil)
	expectPercent(t, func(percent uint64) bool { return percent == 70 })
}

// Otherwise an idle server would collect for ever.
func TestNothingIsLeftToGiveBackAfterwards(t *testing.T) {
	// Every other object goes, so that the others keep memory in use which can't be given back.
	kept := make([]*[512]byte, 1<<19)
	for i := range kept {
		kept[i] = new([512]byte)
	}
	for i := 0; i < len(kept); i += 2 {
		kept[i] = nil
	}
	debug.FreeOSMemory()
	now := readHeap()
	if isIdle(now, now) {
		t.Errorf("after it is given back, there is still something to give back: %+v", now)
	}
	runtime.KeepAlive(kept)
}

// expectPercent collects garbage until the setting is as wanted.
func expectPercent(t *testing.T, want func(uint64) bool) {
	t.Helper()
	expectMetric(t, "/gc/gogc:percent", want)
}

// expectMetric collects garbage until a metric of the runtime is as wanted.
func expectMetric(t *testing.T, name string, want func(uint64) bool) {
	t.Helper()
	metric := []metrics.Sample{{Name: name}}
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
		runtime.GC()
		metrics.Read(metric)
		return want(metric[0].Value.Uint64()), nil
	})
	if err != nil {
		t.Fatalf("%s is %d: %v", name, metric[0].Value.Uint64(), err)
	}
}
