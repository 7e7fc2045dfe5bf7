#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds what the benchmark compares and runs it. Everything it writes is in bin/bench: figures.jsonl, and below data/
# the servers' data and logs.
#
#   test/bench/run.sh                              everything, in under 15 minutes once all is built
#   test/bench/run.sh --quick                      the smallest size, in under 2 minutes
#   test/bench/run.sh --docs=.                     everything, and the tables of README.md and docs/performance.md
#   test/bench/run.sh --from=FILE [--docs=.]       the tables of an earlier run, from its figures
#
# KUBE_APISERVER and ETCD name programs to use in place of built ones.
set -euo pipefail

cd "$(dirname "$0")/../.."
programs=bin/kubernetes
names=()
[ -n "${ETCD:-}" ] || names+=(etcd)
[ -n "${KUBE_APISERVER:-}" ] || names+=(kube-apiserver)
[ ${#names[@]} -eq 0 ] || hack/kubernetes/build.sh "${names[@]}"
make --silent build
mkdir -p bin/bench
(cd test/bench && CGO_ENABLED=0 go build -o ../../bin/bench/ . ./crd-controller)

exec bin/bench/bench --dir=bin/bench --network-apiserver=bin/network-apiserver \
  --crd-controller=bin/bench/crd-controller --etcd="${ETCD:-$programs/etcd}" \
  --kube-apiserver="${KUBE_APISERVER:-$programs/kube-apiserver}" "$@"
