#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds the programs that the end-to-end tests run beside ours, into bin/kubernetes: kube-apiserver,
# kube-controller-manager and kubectl at the version that go.mod here pins, etcd at the one that the server embeds. kube-scheduler,
# kubelet and kube-proxy are for tests with Pods.
#
#   hack/kubernetes/build.sh [name...]    without names: those without Pods, kubectl only where PATH has none
set -euo pipefail

cd "$(dirname "$0")/../.."
out=$PWD/bin/kubernetes
kubernetes=$PWD/hack/kubernetes
tests=$PWD/test/e2e

names=("$@")
if [ $# -eq 0 ]; then
  names=(etcd kube-apiserver kube-controller-manager)
  command -v kubectl >/dev/null || names+=(kubectl)
fi

# module NAME prints the folder whose go.mod pins the program.
module() {
  case $1 in
    etcd) echo "$tests" ;;
    kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kube-proxy | kubectl) echo "$kubernetes" ;;
    *) echo "build.sh: no program $1" >&2; return 1 ;;
  esac
}

# key NAME prints what the built program depends on, as a hash: its name, its modules, the compiler and this script.
key() {
  local module
  module=$(module "$1") || return
  { echo "$1"; go env GOVERSION GOOS GOARCH; cat "$module/go.sum" "$kubernetes/build.sh"; } | sha256sum | cut -d' ' -f1
}

mkdir -p "$out"
stale=()
for name in "${names[@]}"; do
  key=$(key "$name")
  [ -x "$out/$name" ] && [ "$(cat "$out/.$name.key" 2>/dev/null)" = "$key" ] || stale+=("$name")
done
[ ${#stale[@]} -gt 0 ] || exit 0

echo "build.sh: building ${stale[*]} into bin/kubernetes" \
  "(once; 6 to 10 minutes on two cores with cold caches, under a minute with warm ones)" >&2
SECONDS=0
version=$(cd "$kubernetes" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
done

for name in "${stale[@]}"; do
  package=k8s.io/kubernetes/cmd/$name ldflags=$flags
  [ "$name" != etcd ] || package=go.etcd.io/etcd/server/v3 ldflags="-s -w"
  (cd "$(module "$name")" && go build -ldflags "$ldflags" -o "$out/$name" "$package")
  key "$name" >"$out/.$name.key"
done
echo "build.sh: built ${stale[*]} in $SECONDS s" >&2
