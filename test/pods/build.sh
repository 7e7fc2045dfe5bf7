#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds what the cluster of run.sh is made of: the programs of Kubernetes into bin/kubernetes; CoreDNS, etcd and its tools, static,
# into bin/pods; and the images v0.1.0 and v0.1.1 of this tree.
set -euo pipefail

cd "$(dirname "$0")/../.."
root=$PWD
echo "pods: building a cluster (10 to 20 minutes the first time, under a minute later)"
hack/kubernetes/build.sh etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy
mkdir -p bin/pods
export CGO_ENABLED=0
(cd test/pods/coredns && go build -trimpath -ldflags "-s -w" -o "$root/bin/pods/coredns" .)
(cd test/e2e && go build -trimpath -ldflags "-s -w" -o "$root/bin/pods/" go.etcd.io/etcd/etcd{ctl,utl}/v3 &&
  go build -trimpath -ldflags "-s -w" -o "$root/bin/pods/etcd" go.etcd.io/etcd/server/v3)
for version in v0.1.0 v0.1.1; do
  IMAGE=network-apiserver VERSION=$version OUTPUT=$root/bin/pods/$version hack/image/build.sh >/dev/null
done
hack/helm/build.sh
