#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds what the benchmark compares and runs it. Everything it writes is in bin/bench: figures.jsonl, and below data/
# the servers' data and logs.
#
#   test/bench/run.sh                              everything, in about 40 minutes once all is built
#   test/bench/run.sh --quick                      the smallest size, in about 4 minutes
#   test/bench/run.sh --docs=.                     everything, and the tables of README.md and docs/performance.md
#   test/bench/run.sh --from=FILE [--docs=.]       the tables of an earlier run, from its figures
set -euo pipefail

cd "$(dirname "$0")/../.."
hack/kubernetes/build.sh etcd kube-apiserver
make --silent build
mkdir -p bin/bench
(cd test/bench && CGO_ENABLED=0 go build -o ../../bin/bench/ . ./crd-controller)

exec bin/bench/bench --dir=bin/bench "$@"
