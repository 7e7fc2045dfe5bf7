#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds network-apiserver and etcd with a clock that a test can set, into bin/clocks. A Go program takes the time from the kernel,
# past every library that could change it, so these two are built with one more line in time.Now: it adds the seconds that the file
# named by CLOCK_FILE holds, a tenth of a second after they are written. Only the time of day changes; timers and durations do not.
set -euo pipefail

cd "$(dirname "$0")/../../.."
out=$PWD/bin/clocks
source=$out/_source # The underscore hides it from go list ./...
mkdir -p "$source"

library=$(go env GOROOT)/src/time
sed 's/^\tsec, nsec, mono := runtimeNow()$/&\n\tsec += wrongBy.Load()/' "$library/time.go" >"$source/time.go"
grep -q 'wrongBy' "$source/time.go" || { echo "build.sh: time.Now of $(go env GOVERSION) is not as expected: change the pattern" >&2; exit 1; }
cat >"$source/wrong.go" <<'GO'
package time

import (
	"sync/atomic"
	"syscall"
)

var wrongBy atomic.Int64

func init() {
	file, ok := syscall.Getenv("CLOCK_FILE")
	if !ok {
		return
	}
	read := func() {
		content, err := readFile(file)
		if err != nil {
			return
		}
		seconds, sign := int64(0), int64(1)
		for _, c := range content {
			switch {
			case c == '-':
				sign = -1
			case c >= '0' && c <= '9':
				seconds = seconds*10 + int64(c-'0')
			}
		}
		wrongBy.Store(sign * seconds)
	}
	read()
	go func() {
		for {
			Sleep(100 * Millisecond)
			read()
		}
	}()
}
GO
cat >"$source/overlay.json" <<JSON
{"Replace": {"$library/time.go": "$source/time.go", "$library/wrong.go": "$source/wrong.go"}}
JSON

echo "build.sh: building network-apiserver and etcd with clocks that can be set (the first time takes a few minutes)" >&2
export CGO_ENABLED=0
hack/build.sh -trimpath -overlay "$source/overlay.json" -ldflags "-s -w" -o "$out/network-apiserver" ./cmd/network-apiserver
cd test/e2e
go build -trimpath -overlay "$source/overlay.json" -ldflags "-s -w" -o "$out/etcd" go.etcd.io/etcd/server/v3
