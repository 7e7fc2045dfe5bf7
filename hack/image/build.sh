#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds the container image of network-apiserver into bin/network-apiserver-image.tar, without a daemon:
#   docker load -i …, podman load -i …, or ctr images import …
# VERSION tags the image and is what the server reports, by default the version tag that git finds. GOARCH chooses the
# architecture.
set -euo pipefail

cd "$(dirname "$0")/../.."
version=${VERSION:-$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || echo v0.0.0-dev)}
arch=${GOARCH:-$(go env GOARCH)}
tag=network-apiserver:${version//+/-} # a tag may hold no plus
program=bin/image/linux-$arch/network-apiserver

echo "image: building network-apiserver $version for linux/$arch (some minutes the first time)" >&2
CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath \
  -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" -o "$program" ./cmd/network-apiserver
unset GOARCH
root=$PWD
cd hack/image
go run . --program "$root/$program" --arch "$arch" --tag "$tag" \
  --output "$root/bin/network-apiserver-image.tar"
