#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds the container image of network-apiserver into bin, without a daemon: network-apiserver-image-linux-ARCH.tar, for
#   docker load -i …, podman load -i …, or ctr images import …
# and network-apiserver-image.oci.tar, with all architectures, for tools that push. Prints the digest of the latter.
# VERSION tags the image and is what the server reports, by default the version tag that git finds. IMAGE names it.
# ARCHS chooses the architectures, by default this machine's; OUTPUT another place than bin/network-apiserver-image.
set -euo pipefail

cd "$(dirname "$0")/../.."
root=$PWD
version=${VERSION:-$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || echo v0.0.0-dev)}
archs=${ARCHS:-$(go env GOARCH)}
tag=${IMAGE:-network-apiserver}:${version//+/-} # a tag may hold no plus
programs=network-apiserver,network-etcd         # the image starts the first

# With GOTOOLCHAIN=local, go takes the compiler that is installed, whatever go.mod names.
compiler=$(go env GOVERSION) named=$(sed -n 's/^toolchain //p' go.mod)
echo "image: building with $compiler" >&2
[ "$(printf '%s\n' "$named" "$compiler" | sort -V | head -1)" = "$named" ] ||
  echo "image: WARNING: go.mod names $named, which has fixes that $compiler lacks" >&2

for arch in ${archs//,/ }; do
  for program in ${programs//,/ }; do
    echo "image: building $program $version for linux/$arch (some minutes the first time)" >&2
    CGO_ENABLED=0 GOOS=linux GOARCH=$arch hack/build.sh -trimpath -buildvcs=false \
      -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" -o "bin/image/linux-$arch/$program" "./cmd/$program"
  done
done
cd hack/image
go run . --dir "$root/bin/image" --programs "$programs" --archs "$archs" --tag "$tag" \
  --output "${OUTPUT:-$root/bin/network-apiserver-image}"
