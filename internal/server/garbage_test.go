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
		"nothing in use":                    {inUse: 0, want: 400},
		"little in use has the most room":   {inUse: 50 << 20, want: 400},
		"more in use shares the room":       {inUse: 128 << 20, want: 200},
		"much in use is as by default":      {inUse: 256 << 20, want: 100},
		"very much in use is as by default": {inUse: 4 << 30, want: 100},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := garbagePercent(tc.inUse); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestGarbageFollowsTheHeapInUse(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	t.Setenv(gcPercentSetting, "")
	giveGarbageRoom()

	large := make([]byte, garbageRoom)
	expectPercent(t, func(percent uint64) bool { return percent == leastGarbage })
	runtime.KeepAlive(large)
	large = nil
	expectPercent(t, func(percent uint64) bool { return percent > leastGarbage })
}

func TestGOGCHasTheLastWord(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(70))
	t.Setenv(gcPercentSetting, "70")
	giveGarbageRoom()
	expectPercent(t, func(percent uint64) bool { return percent == 70 })
}

// expectPercent collects garbage until the setting is as wanted.
func expectPercent(t *testing.T, want func(uint64) bool) {
	t.Helper()
	setting := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
		runtime.GC()
		metrics.Read(setting)
		return want(setting[0].Value.Uint64()), nil
	})
	if err != nil {
		t.Fatalf("GOGC is %d: %v", setting[0].Value.Uint64(), err)
	}
}
